"""Panels: images and the signed maps over them, in rows, on one scale."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Bool, Float

from workbench.plots import style
from workbench.plots.style import Palette

GAP = 18
LEFT, RIGHT, TOP = 2, 74, 46
"""Margins, pixels; the scale stands in the right one."""
SMALLEST, LARGEST = 126, 220
"""Side of a panel, pixels."""
LINE = 16
"""Height of a line of a caption, pixels."""
FAINT = 0.28
"""How dark the grey image under a map is: enough to recognise it, not enough to be read as attribution."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Panel:
    """An image alone, or a map with its image in grey beneath, and the lines of its caption.

    `evidence` is outlined where it is given.
    """

    image: Float[np.ndarray, "channel height width"]
    caption: tuple[str, ...]
    map: Float[np.ndarray, "height width"] | None = None
    evidence: Bool[np.ndarray, "height width"] | None = None


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """Where panels go: `columns` of squares of `size` pixels, each with a caption of `lines` below."""

    count: int
    columns: int
    size: float
    lines: int

    @property
    def rows(self) -> int:
        return -(-self.count // self.columns)

    @property
    def pitch(self) -> float:
        return self.size + self.lines * LINE + 20

    @property
    def inner_width(self) -> float:
        return self.columns * (self.size + GAP) - GAP

    @property
    def inner_height(self) -> float:
        return self.rows * self.pitch

    def domains(self, index: int) -> tuple[list[float], list[float]]:
        """The panel's place as shares of the inner width and height."""
        row, column = divmod(index, self.columns)
        left, top = column * (self.size + GAP), row * self.pitch
        across = [left / self.inner_width, (left + self.size) / self.inner_width]
        up = [1 - (top + self.size) / self.inner_height, 1 - top / self.inner_height]
        return [min(1.0, share) for share in across], [max(0.0, share) for share in up]


def arranged(count: int, width: float) -> tuple[int, float]:
    """How many columns of which size: one row if panels stay recognisable in it, else as few as it takes."""
    rows = 1
    while True:
        columns = -(-count // rows)
        size = min(LARGEST, (width - LEFT - RIGHT + GAP) / columns - GAP)
        if size >= SMALLEST or columns == 1:
            return columns, max(size, SMALLEST)
        rows += 1


def draw(
    panels: Sequence[Panel], *, title: str, unit: str, theme: str, columns: int, size: float, limits: Sequence[float]
) -> go.Figure:
    """Panels in rows; the map of panel i is drawn from −limits[i] to +limits[i], blue to orange."""
    colours = style.palette(theme)
    sheet = Sheet(count=len(panels), columns=columns, size=size, lines=max(len(p.caption) for p in panels))
    top = TOP if title else 4
    maps = [index for index, panel in enumerate(panels) if panel.map is not None]
    shared = len({limits[index] for index in maps}) == 1
    traces: list[go.Heatmap | go.Image | go.Scatter] = []
    for index, panel in enumerate(panels):
        traces.append(_picture(panel, colours, _axes(index)))
        if panel.map is not None:
            bar = _bar(unit, size, None if shared else limits[index], colours) if index == maps[0] else None
            traces.append(_map(panel.map, limits[index], bar, colours, _axes(index)))
        if panel.evidence is not None:
            traces.append(_outline(panel.evidence, colours, _axes(index)))
    figure = style.blank(theme, title, sheet.inner_height + top, sheet.inner_width + LEFT + RIGHT)
    figure.add_traces(traces)
    places: dict[str, dict] = {}
    for index, panel in enumerate(panels):
        places |= _frames(panel, index, sheet)
    captions = [_caption(panel, sheet.domains(index), colours) for index, panel in enumerate(panels)]
    margin = {"l": LEFT, "r": RIGHT, "t": top, "b": 0}
    figure.update_layout(places | {"margin": margin, "hovermode": "closest", "annotations": captions})
    return figure


def outline(mask: Bool[np.ndarray, "height width"]) -> tuple[list[float | None], list[float | None]]:
    """The border of a mask along the edges of its pixels: x and y of segments, with None between them."""
    padded = np.pad(mask, 1)
    x: list[float | None] = []
    y: list[float | None] = []
    for row, column in np.argwhere(padded[1:, :] != padded[:-1, :]).tolist():
        x += [column - 1.5, column - 0.5, None]
        y += [row - 0.5, row - 0.5, None]
    for row, column in np.argwhere(padded[:, 1:] != padded[:, :-1]).tolist():
        x += [column - 0.5, column - 0.5, None]
        y += [row - 1.5, row - 0.5, None]
    return x, y


def grey(image: Float[np.ndarray, "channel height width"]) -> Float[np.ndarray, "height width"]:
    """The brightness of an image, 0 to 1; the luma weights of Rec. 709 for three channels."""
    if len(image) == 3:
        return np.tensordot(np.array([0.2126, 0.7152, 0.0722]), unit_range(image), 1)
    return unit_range(image).mean(0)


def unit_range(image: Float[np.ndarray, "channel height width"]) -> Float[np.ndarray, "channel height width"]:
    """The image as it is where it lies between 0 and 1, else stretched from its least to its largest value."""
    low, high = float(image.min()), float(image.max())
    if low >= 0 and high <= 1:
        return image
    return (image - low) / max(high - low, np.finfo(np.float64).tiny)


def _frames(panel: Panel, index: int, sheet: Sheet) -> dict[str, dict]:
    """The two axes of a panel: a frame in its place, with square pixels."""
    across, up = sheet.domains(index)
    height, width = panel.image.shape[1:]
    number = "" if index == 0 else str(index + 1)
    frame = {"visible": True, "showgrid": False, "ticks": "", "showticklabels": False, "mirror": True}
    frame |= {"showline": True, "fixedrange": True, "constrain": "domain"}
    lying = {"domain": across, "range": [-0.5, width - 0.5], "constraintoward": "left", "anchor": f"y{number}"}
    upright = {"domain": up, "range": [height - 0.5, -0.5], "constraintoward": "top", "anchor": f"x{number}"}
    return {f"xaxis{number}": frame | lying, f"yaxis{number}": frame | upright | {"scaleanchor": f"x{number}"}}


def _caption(panel: Panel, domains: tuple[list[float], list[float]], colours: Palette) -> dict:
    """The lines below a panel."""
    place = (domains[0][0], domains[1][0])
    return style.note("<br>".join(panel.caption), place, paper=True, shift=(-2, -3), colour=colours.quiet)


def _picture(panel: Panel, colours: Palette, axes: dict[str, str]) -> go.Image | go.Heatmap:
    alone = panel.map is None
    if alone and len(panel.image) == 3:
        pixels = np.round(255 * np.clip(unit_range(panel.image), 0, 1)).astype(np.uint8).transpose(1, 2, 0)
        return go.Image(z=pixels, hovertemplate="row %{y}, column %{x}<br>colour %{z}<extra></extra>", **axes)
    return go.Heatmap(
        z=grey(panel.image),
        zmin=0,
        zmax=1,
        colorscale=style.ink(colours, 1.0 if alone else FAINT),
        showscale=False,
        hoverinfo=None if alone else "skip",
        hovertemplate="row %{y}, column %{x}<br>%{z:.3g}<extra></extra>" if alone else None,
        **axes,
    )


def _bar(unit: str, size: float, own_limit: float | None, colours: Palette) -> dict:
    """The scale's numbers where all maps share it; else only which side is which."""
    if own_limit is None:
        return style.colour_bar(colours, unit, size)
    words = {"tickvals": [-own_limit, 0, own_limit], "ticktext": ["against", "0", "for"]}
    return style.colour_bar(colours, "own scales", size) | words


def _map(values: np.ndarray, limit: float, bar: dict | None, colours: Palette, axes: dict[str, str]) -> go.Heatmap:
    return go.Heatmap(
        z=values,
        zmin=-limit,
        zmax=limit,
        zmid=0,
        colorscale=style.signed_over_image(colours),
        showscale=bar is not None,
        colorbar=bar,
        hovertemplate="row %{y}, column %{x}<br>attribution %{z:.3g}<extra></extra>",
        **axes,
    )


def _outline(mask: np.ndarray, colours: Palette, axes: dict[str, str]) -> go.Scatter:
    x, y = outline(mask)
    line = {"color": colours.text, "width": 1.5}
    return go.Scatter(x=x, y=y, mode="lines", line=line, hoverinfo="skip", name="evidence", **axes)


def _axes(index: int) -> dict[str, str]:
    number = "" if index == 0 else str(index + 1)
    return {"xaxis": f"x{number}", "yaxis": f"y{number}"}
