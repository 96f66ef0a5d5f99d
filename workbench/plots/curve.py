"""Figures of curves: lines named at their ends, the band they are judged against behind them."""

import numpy as np
import plotly.graph_objects as go

from workbench.plots import style
from workbench.plots.colour import rgba
from workbench.plots.style import Palette
from workbench.records import Curve

HEIGHT = 340
INNER = 240
"""Of the figure's height, pixels left to the axes."""
LABEL_PITCH = 17
CONTROLS = ("random", "control")
"""Labels of lines that are there to be compared with: quiet and dashed."""


def figure(record: Curve, *, theme: str = "light") -> go.Figure:
    """Every line with its label at the right end, so that no legend is needed; the band behind, named there too."""
    colours = style.palette(theme)
    made = style.blank(theme, style.plain(record.title), HEIGHT)
    low, high = _extent(record)
    _axes(made, record, low, high)
    labels = list(record.labels)
    inks = [line_style(label, index, colours) for index, label in enumerate(labels)]
    ends = [_last(line) for line in _scaled(record, record.y)]
    if record.band is not None:
        made.add_trace(_band(record, record.band, colours))
        labels, inks = [*labels, record.band_label], [*inks, {"color": colours.quiet}]
        ends.append(_last(_scaled(record, record.band).mean(0)))
    for label, y, line in zip(labels, record.y, inks, strict=False):
        name = style.plain(label)
        hover = "%{y:.3g}<extra>" + name + "</extra>"
        made.add_trace(go.Scatter(x=record.x, y=y, mode="lines", name=name, line=line, hovertemplate=hover))
    shares = [(end - low) / (high - low) for end in ends]
    notes = []
    for label, line, height in zip(labels, inks, spread(shares, LABEL_PITCH / INNER), strict=True):
        if np.isfinite(height):
            swatch = f'<span style="color:{line["color"]}">━</span>'
            text = f"{swatch} {style.plain(label)}"
            notes.append(style.note(text, (1.0, height), "left middle", paper=True, shift=(6, 0), colour=colours.text))
    return made.update_layout(annotations=notes)


def line_style(label: str, index: int, colours: Palette) -> dict[str, object]:
    """The colour of a line by its place; controls are grey and dashed."""
    if any(word in label.lower() for word in CONTROLS):
        return {"color": colours.quiet, "width": 1.5, "dash": "dash"}
    return {"color": style.category(colours, index)[0], "width": 2}


def spread(heights: list[float], pitch: float) -> list[float]:
    """Heights moved apart until neighbours differ by at least `pitch`, in the same order, close to where they were.

    Neighbours that are too close become a group around their mean, inside 0 … 1 if there is room; NaN stays NaN.
    """
    order = sorted((i for i, height in enumerate(heights) if np.isfinite(height)), key=lambda i: heights[i])
    groups: list[list[int]] = []
    for index in order:
        groups.append([index])
        while len(groups) > 1 and _apart(groups[-2], groups[-1], heights, pitch) < 0:
            groups[-2:] = [groups[-2] + groups[-1]]
    placed = list(heights)
    for group in groups:
        for rank, index in enumerate(group):
            placed[index] = _centre(group, heights, pitch) + (rank - (len(group) - 1) / 2) * pitch
    return placed


def _centre(group: list[int], heights: list[float], pitch: float) -> float:
    margin = min(0.5, (len(group) - 1) / 2 * pitch)
    return min(max(float(np.mean([heights[i] for i in group])), margin), 1 - margin)


def _apart(lower: list[int], upper: list[int], heights: list[float], pitch: float) -> float:
    """How much more than `pitch` two groups lie apart."""
    between = _centre(upper, heights, pitch) - _centre(lower, heights, pitch)
    return between - pitch * (len(lower) + len(upper)) / 2


def _axes(made: go.Figure, record: Curve, low: float, high: float) -> None:
    room = max([style.text_width(label) for label in (*record.labels, record.band_label)]) + 28
    made.update_layout(margin={"r": max(24.0, room)}, hovermode="x")
    ends = [float(record.x[0]), float(record.x[-1])] if len(record.x) > 1 else None
    made.update_xaxes(title_text=style.plain(record.x_title), range=ends, showgrid=False)
    made.update_yaxes(title_text=style.plain(record.y_title), range=[low, high], nticks=7)
    if record.logarithmic:
        ticks = style.log_ticks(10**low, 10**high)
        made.update_yaxes(type="log", tickvals=ticks, ticktext=[f"{tick:g}" for tick in ticks])


def _extent(record: Curve) -> tuple[float, float]:
    """The range of y (of its logarithm, where that is drawn) with a margin."""
    drawn = record.y if record.band is None else np.concatenate([record.y, record.band])
    scaled = _scaled(record, drawn)
    finite = scaled[np.isfinite(scaled)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    margin = 0.05 * ((high - low) or 1.0)
    return low - margin, high + margin


def _scaled(record: Curve, values: np.ndarray) -> np.ndarray:
    """Values as the axis places them; what is not positive has no place on a logarithmic one."""
    if not record.logarithmic:
        return values
    return np.log10(np.where(values > 0, values, np.nan))


def _last(line: np.ndarray) -> float:
    finite = line[np.isfinite(line)]
    return float(finite[-1]) if finite.size else float("nan")


def _band(record: Curve, band: np.ndarray, colours: Palette) -> go.Scatter:
    low, high = band
    return go.Scatter(
        x=np.concatenate([record.x, record.x[::-1]]),
        y=np.concatenate([high, low[::-1]]),
        mode="lines",
        fill="toself",
        fillcolor=rgba(colours.quiet, 0.18),
        line={"width": 0},
        hoverinfo="skip",
        name=style.plain(record.band_label),
    )
