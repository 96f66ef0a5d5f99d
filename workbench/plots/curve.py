"""Figures of curves: lines named at their ends, the band they are judged against behind them."""

from itertools import pairwise

import numpy as np
import plotly.graph_objects as go

from workbench.plots import style
from workbench.plots.style import Palette
from workbench.records import Curve

HEIGHT = 340
INNER = 240
"""Of the figure's height, pixels left to the axes."""
LABEL_PITCH = 16
CONTROLS = ("random", "control")
"""Labels of lines that are there to be compared with: quiet and dashed."""


def figure(record: Curve, *, theme: str = "light") -> go.Figure:
    """Every line with its label at the right end, so that no legend is needed; the band in the line colour behind."""
    colours = style.palette(theme)
    made = style.blank(theme, style.plain(record.title), HEIGHT)
    names = [style.plain(label) for label in record.labels]
    room = max([style.text_width(label) for label in record.labels], default=0) + 22
    made.update_layout(margin={"r": max(24, room)}, hovermode="x")
    made.update_xaxes(title_text=style.plain(record.x_title), range=_extent(record.x), showgrid=False)
    made.update_yaxes(title_text=style.plain(record.y_title), type="log" if record.logarithmic else "linear", nticks=7)
    if record.band is not None:
        _add_band(made, record, colours)
    inks = [line_style(label, index, colours) for index, label in enumerate(record.labels)]
    for name, y, line in zip(names, record.y, inks, strict=True):
        made.add_trace(
            go.Scatter(
                x=record.x, y=y, mode="lines", name=name, line=line, hovertemplate="%{y:.3g}<extra>" + name + "</extra>"
            )
        )
    ends = _heights(record)
    for name, line, end, place in zip(names, inks, ends, spread(ends, LABEL_PITCH / INNER), strict=True):
        if np.isfinite(end):
            style.note(made, name, (1, place), "left middle", paper=True, shift=(8, 0), colour=str(line["color"]))
    return made


def line_style(label: str, index: int, colours: Palette) -> dict[str, object]:
    """The colour of a line by its place; controls are grey and dashed."""
    if any(word in label.lower() for word in CONTROLS):
        return {"color": colours.quiet, "width": 1.5, "dash": "dash"}
    return {"color": style.category(colours, index)[0], "width": 2}


def spread(heights: list[float], pitch: float) -> list[float]:
    """Heights moved apart until neighbours differ by at least `pitch`, in the same order, kept near where they were."""
    order = sorted(range(len(heights)), key=lambda i: (not np.isfinite(heights[i]), heights[i]))
    placed = list(heights)
    for before, after in pairwise(order):
        if np.isfinite(placed[after]):
            placed[after] = max(placed[after], placed[before] + pitch)
    excess = max([0.0] + [(placed[i] - max(1.0, heights[i])) / 2 for i in order if np.isfinite(placed[i])])
    return [height - excess for height in placed]


def _heights(record: Curve) -> list[float]:
    """Where each line ends, as a share of the axis's height."""
    drawn = record.y if record.band is None else np.concatenate([record.y, record.band])
    scaled, ends = (
        np.log10(v) if record.logarithmic else v for v in (_positive(drawn, record), _positive(record.y, record))
    )
    finite = scaled[np.isfinite(scaled)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    margin = 0.05 * ((high - low) or 1.0)
    return [(float(end) - low + margin) / (high - low + 2 * margin) for end in ends[:, -1]] if ends.size else []


def _positive(values: np.ndarray, record: Curve) -> np.ndarray:
    return np.where(values > 0, values, np.nan) if record.logarithmic else values


def _extent(x: np.ndarray) -> list[float] | None:
    return [float(x.min()), float(x.max())] if x.size > 1 else None


def _add_band(made: go.Figure, record: Curve, colours: Palette) -> None:
    low, high = record.band  # type: ignore[misc]
    name = style.plain(record.band_label)
    made.add_trace(
        go.Scatter(
            x=np.concatenate([record.x, record.x[::-1]]),
            y=np.concatenate([high, low[::-1]]),
            fill="toself",
            fillcolor=style.rgba(colours.quiet, 0.18),
            line={"width": 0},
            hoverinfo="skip",
            name=name,
        )
    )
    if name:
        middle = len(record.x) // 2
        height = _axis_value(float((low[middle] + high[middle]) / 2), record)
        style.note(made, name, (float(record.x[middle]), height), "center middle", colour=colours.quiet)


def _axis_value(value: float, record: Curve) -> float:
    """Annotations on a logarithmic axis are placed by the logarithm."""
    return float(np.log10(value)) if record.logarithmic else value
