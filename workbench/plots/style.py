"""Style: one template for light and one for dark, and the few colour scales, each of which means one thing."""

import html
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

import plotly.graph_objects as go

from workbench.plots.colour import mixed, rgba
from workbench.records import Grade

SANS = '"Source Sans", "Source Sans 3", "Segoe UI", system-ui, sans-serif'
MONO = '"Source Code Pro", ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace'

CONFIG: Mapping[str, Any] = MappingProxyType(
    {
        "displayModeBar": "hover",
        "displaylogo": False,
        "responsive": True,
        "scrollZoom": False,
        "modeBarButtonsToRemove": ("select2d", "lasso2d", "autoScale2d", "toggleSpikelines"),
    }
)
"""Plotly's configuration for every figure: no mode bar until the pointer is over it."""

TITLE, BODY, SMALL = 15, 13, 11
"""Sizes of text in figures, pixels."""


@dataclass(frozen=True, kw_only=True)
class Palette:
    """The colours of a theme. `against` and `towards` are the ends of the signed scale; `faint_…` its middle tones."""

    ground: str
    second: str
    text: str
    quiet: str
    line: str
    accent: str
    against: str
    faint_against: str
    towards: str
    faint_towards: str
    grades: Mapping[Grade, str]
    categories: tuple[str, ...]


LIGHT = Palette(
    ground="#FBFBF9",
    second="#F1F1EC",
    text="#1D2327",
    quiet="#5C666D",
    line="#DADAD3",
    accent="#2F5D8A",
    against="#2166AC",
    faint_against="#9CC0DC",
    towards="#B35806",
    faint_towards="#F0B783",
    grades={Grade.SUPPORTED: "#2F5D8A", Grade.MIXED: "#7A5C13", Grade.NOT_SUPPORTED: "#5C666D"},
    categories=("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#B8A900"),
)
DARK = Palette(
    ground="#14181B",
    second="#1D2327",
    text="#E8E6E1",
    quiet="#9AA4AB",
    line="#323A40",
    accent="#7FB0DE",
    against="#6CA6DC",
    faint_against="#27517C",
    towards="#EE9A4B",
    faint_towards="#7A4213",
    grades={Grade.SUPPORTED: "#7FB0DE", Grade.MIXED: "#D8B968", Grade.NOT_SUPPORTED: "#9AA4AB"},
    categories=("#56B4E9", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#0072B2", "#E8E6E1", "#F0E442"),
)
THEMES: Mapping[str, Palette] = MappingProxyType({"light": LIGHT, "dark": DARK})

SYMBOLS: Mapping[Grade, str] = MappingProxyType({Grade.SUPPORTED: "●", Grade.MIXED: "◐", Grade.NOT_SUPPORTED: "○"})
"""The shape of each grade, so that it can be read without colour."""
MARKERS = ("circle", "square", "diamond", "triangle-up", "cross")
"""Shapes of points: the next one where the eight colours are used up."""
LOSS = "Cividis"
"""The scale of losses, drawn over their logarithm."""

Scale = list[tuple[float, str]]


def palette(theme: str) -> Palette:
    """The colours of "light" or "dark"."""
    if theme not in THEMES:
        raise ValueError(f"There is no theme {theme!r}; choose light or dark.")
    return THEMES[theme]


def signed(colours: Palette) -> Scale:
    """Blue (against) – ground – orange (for), to be drawn over a range that is symmetric about zero."""
    return [
        (0.0, colours.against),
        (0.25, colours.faint_against),
        (0.5, colours.ground),
        (0.75, colours.faint_towards),
        (1.0, colours.towards),
    ]


def signed_over_image(colours: Palette) -> Scale:
    """The signed scale, see-through where the attribution is small, so that the grey image under it stays visible."""
    opacities = (0.95, 0.75, 0.0, 0.75, 0.95)
    return [(at, rgba(shown, opacity)) for (at, shown), opacity in zip(signed(colours), opacities, strict=True)]


def magnitude(colours: Palette) -> Scale:
    """From the ground to the accent, for what has no sign."""
    return [(0.0, colours.ground), (1.0, colours.accent)]


def ink(colours: Palette, strength: float = 1.0) -> Scale:
    """From the ground to the text's colour: grey images."""
    return [(0.0, colours.ground), (1.0, mixed(colours.ground, colours.text, strength))]


def shade(colours: Palette, value: float, limit: float) -> str:
    """The colour of one signed value on the signed scale of −limit … limit."""
    position = 0.5 if limit <= 0 else min(1.0, max(0.0, 0.5 + value / limit / 2))
    scale = signed(colours)
    step = min(3, int(position * 4))
    return mixed(scale[step][1], scale[step + 1][1], position * 4 - step)


def category(colours: Palette, index: int) -> tuple[str, str]:
    """Colour and marker of the category with this index; the same index always gets the same."""
    count = len(colours.categories)
    return colours.categories[index % count], MARKERS[index // count % len(MARKERS)]


def plain(text: object) -> str:
    """Text that Plotly shows as it is: its pseudo-HTML is switched off."""
    return html.escape(str(text), quote=False)


def readable(name: str) -> str:
    """A name of the code as people write it: "kernel_shap" is "Kernel SHAP"."""
    words = name.replace("_", " ").replace(" x ", " × ").split()
    shown = [word.upper() if word in ("shap", "lrp", "lime", "rise", "cam", "iou", "auc") else word for word in words]
    shown = [word.capitalize() if word == "shapley" else word for word in shown]
    return " ".join([shown[0][:1].upper() + shown[0][1:], *shown[1:]]) if shown else ""


def text_width(text: str, size: float = BODY) -> float:
    """About how many pixels a line of text takes, at most: what the widest fallback font (DejaVu Sans) needs."""
    narrow = sum(c in "iljtfrI.,:;'|!()[] " for c in text)
    wide = sum(c in "mwMW@%—<>+=±" for c in text)
    full = sum(ord(c) > 0x2E80 for c in text)
    return size * (0.62 * (len(text) - narrow - wide - full) + 0.38 * narrow + 0.9 * wide + 1.05 * full)


def broken(text: str, room: float, size: float = BODY) -> list[str]:
    """Lines of at most `room` pixels, broken at spaces; a longer word stays whole."""
    lines: list[str] = []
    for word in text.split():
        if lines and text_width(f"{lines[-1]} {word}", size) <= room:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


@cache
def template(theme: str) -> go.layout.Template:
    """Plotly's template for a theme."""
    colours = palette(theme)
    axis = {
        "gridcolor": colours.line,
        "linecolor": colours.line,
        "tickcolor": colours.line,
        "zerolinecolor": colours.line,
        "zeroline": False,
        "showline": True,
        "ticks": "outside",
        "ticklen": 4,
        "tickfont": {"size": SMALL + 1, "color": colours.quiet},
        "ticklabelstandoff": 2,
        "title": {"font": {"size": BODY, "color": colours.quiet}, "standoff": 8},
    }
    return go.layout.Template(
        layout={
            "font": {"family": SANS, "size": BODY, "color": colours.text},
            "title": {"x": 0, "xref": "paper", "xanchor": "left", "yanchor": "top", "font": {"size": TITLE}},
            "paper_bgcolor": colours.ground,
            "plot_bgcolor": colours.ground,
            "colorway": list(colours.categories),
            "margin": {"l": 64, "r": 24, "t": 48, "b": 52},
            "xaxis": axis,
            "yaxis": axis,
            "showlegend": False,
            "hoverlabel": {
                "bgcolor": colours.second,
                "bordercolor": colours.line,
                "font": {"family": SANS, "size": BODY, "color": colours.text},
            },
            "annotationdefaults": {"showarrow": False, "font": {"size": SMALL + 1, "color": colours.quiet}},
        }
    )


def blank(theme: str, title: str, height: float, width: float | None = None) -> go.Figure:
    """An empty figure in a theme, with its title."""
    made = go.Figure(layout={"template": template(theme), "height": round(height)})
    made.update_layout(title_text=title, title_y=1 - 14 / height)
    if width is not None:
        made.update_layout(width=round(width))
    return made


def note(
    text: str,
    place: tuple[float, float],
    corner: str = "left top",
    *,
    colour: str | None = None,
    size: float = SMALL + 1,
    paper: bool = False,
    shift: tuple[float, float] = (0, 0),
) -> dict[str, Any]:
    """Text in a figure, its `corner` ("left top", "center middle") at a place of the axes or the paper.

    A plain dictionary: figures take all their notes at once, which is many times faster than one by one.
    """
    across, up = corner.split()
    return {
        "text": text,
        "x": place[0],
        "y": place[1],
        "xanchor": across,
        "yanchor": up,
        "align": across,
        "xshift": shift[0],
        "yshift": shift[1],
        "showarrow": False,
        "font": {"size": size} | ({} if colour is None else {"color": colour}),
        **({"xref": "paper", "yref": "paper"} if paper else {}),
    }


def log_ticks(low: float, high: float) -> list[float]:
    """Round numbers between two on a logarithmic scale: 1, 2 and 5 of each decade, or fewer over many decades."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    steps = (1, 2, 5) if last - first <= 4 else (1,)
    ticks = [step * 10.0**decade for decade in range(first, last + 1) for step in steps]
    inside = [tick for tick in ticks if low <= tick <= high]
    return inside if len(inside) >= 2 else [float(f"{low:.2g}"), float(f"{high:.2g}")]


def colour_bar(colours: Palette, title: str, length: float | None = None) -> dict[str, Any]:
    """A slim colour bar beside a figure."""
    bar: dict[str, Any] = {
        "title": {"text": title, "side": "right", "font": {"size": SMALL + 1, "color": colours.quiet}},
        "thickness": 10,
        "outlinewidth": 0,
        "ticks": "outside",
        "ticklen": 3,
        "tickcolor": colours.line,
        "tickfont": {"size": SMALL, "color": colours.quiet},
        "x": 1.0,
        "xpad": 12,
    }
    return bar if length is None else bar | {"lenmode": "pixels", "len": length, "y": 1.0, "yanchor": "top"}
