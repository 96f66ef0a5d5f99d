"""Figures of attributions over time: the curve, with the attribution as shading behind it."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from workbench.plots import captions, style
from workbench.records import Attribution, Evidence

STRIP = 120
"""Height of the strip of one attribution, pixels."""


def draw(
    rows: Sequence[Attribution], graded: Sequence[Evidence | None], *, common_scale: bool, theme: str
) -> go.Figure:
    """One series: a strip for each attribution, its values, summed over all axes but time, as shading behind it."""
    colours = style.palette(theme)
    shades = [_over_time(record) for record in rows]
    limits = [float(np.abs(values).max()) or 1.0 for values in shades]
    if common_scale:
        limits = [max(limits)] * len(limits)
    figure = style.blank(theme, captions.heading(rows[0]), len(rows) * (STRIP + 26) + 110)
    figure.update_layout(margin={"l": 56, "r": 84, "t": 70, "b": 44}, xaxis={"title": {"text": "time step"}})
    for index, (record, values) in enumerate(zip(rows, shades, strict=True)):
        _strip(figure, record, values, limits[index], index, len(rows), colours)
        parts = [captions.emphasised(style.readable(record.method), colours), captions.grade(graded[index], colours)]
        parts.append(captions.numbers(record, 0)[0])
        top = 1 - index / len(rows)
        text = " · ".join(filter(None, parts))
        style.note(figure, text, (0, top), "left bottom", paper=True, shift=(0, 3), colour=colours.quiet)
    return figure


def _over_time(record: Attribution) -> np.ndarray:
    others = tuple(i - 1 for i, axis in enumerate(record.axes) if axis not in ("sample", "time"))
    return record.values[0].sum(axis=others)


def _strip(
    figure: go.Figure,
    record: Attribution,
    values: np.ndarray,
    limit: float,
    index: int,
    count: int,
    colours: style.Palette,
) -> None:
    curves = np.moveaxis(record.inputs[0], record.axes.index("time") - 1, -1).reshape(-1, len(values))
    low, high = float(curves.min()), float(curves.max())
    margin = 0.06 * ((high - low) or 1.0)
    steps = np.arange(len(values))
    axis = "y" if index == 0 else f"y{index + 1}"
    bottom, top = 1 - (index + 1) / count, 1 - index / count - 26 / (count * (STRIP + 26))
    place = {"domain": [max(0.0, bottom), top], "range": [low - margin, high + margin], "showgrid": False, "nticks": 4}
    figure.update_layout({axis.replace("y", "yaxis"): place})
    figure.add_trace(
        go.Heatmap(
            z=values[None],
            x=steps,
            y=[(low + high) / 2],
            dy=high - low + 2 * margin,
            zmin=-limit,
            zmax=limit,
            zmid=0,
            colorscale=style.signed(colours),
            showscale=index == 0,
            colorbar=style.colour_bar(colours, captions.scale_title((record,)), STRIP),
            hovertemplate="step %{x}<br>attribution %{z:.3g}<extra></extra>",
            yaxis=axis,
        )
    )
    for line in curves:
        figure.add_trace(
            go.Scatter(
                x=steps, y=line, mode="lines", line={"color": colours.text, "width": 1.5}, hoverinfo="skip", yaxis=axis
            )
        )
