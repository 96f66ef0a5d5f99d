"""Figures of attributions over time: the curve, with the attribution as shading behind it."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from workbench.plots import captions, style
from workbench.quantity import significant
from workbench.records import Attribution, Evidence

STRIP = 120
"""Height of the strip of one attribution, pixels."""
CAPTION = 26
TOP, BOTTOM = 46, 48


def draw(
    rows: Sequence[Attribution], graded: Sequence[Evidence | None], *, common_scale: bool, theme: str
) -> go.Figure:
    """One series: a strip for each attribution, its values, summed over all axes but time, as shading behind it."""
    colours = style.palette(theme)
    shades = [_over_time(record) for record in rows]
    limits = [float(np.abs(values).max()) or 1.0 for values in shades]
    if common_scale:
        limits = [max(limits)] * len(limits)
    inner = len(rows) * (STRIP + CAPTION)
    figure = style.blank(theme, captions.heading(rows[0]), inner + TOP + BOTTOM)
    figure.update_layout(margin={"l": 56, "r": 84, "t": TOP, "b": BOTTOM}, hovermode="x")
    last = "y" if len(rows) == 1 else f"y{len(rows)}"
    figure.update_xaxes(title_text="time step", showgrid=False, anchor=last, range=[-0.5, len(shades[0]) - 0.5])
    notes = []
    for index, (record, values) in enumerate(zip(rows, shades, strict=True)):
        top = 1 - (index * (STRIP + CAPTION) + CAPTION) / inner
        domain = (max(0.0, top - STRIP / inner), top)
        shared = len(set(limits)) == 1
        bar = style.colour_bar(colours, captions.scale_title(tuple(rows)), STRIP) if shared and index == 0 else None
        _strip(figure, record, values, limits[index], "y" if index == 0 else f"y{index + 1}", domain, bar, colours)
        parts = [captions.emphasised(captions.named(record), colours), captions.grade(graded[index], colours)]
        own = "" if shared else f"scale ±{significant(limits[index], 2)}"
        text = " · ".join(filter(None, [*parts, *captions.numbers(record, 0)[:2], own]))
        notes.append(style.note(text, (0, top), "left bottom", paper=True, shift=(0, 3), colour=colours.quiet))
    return figure.update_layout(annotations=notes)


def _over_time(record: Attribution) -> np.ndarray:
    others = tuple(i - 1 for i, axis in enumerate(record.axes) if axis not in ("sample", "time"))
    return record.values[0].sum(axis=others)


def _strip(
    figure: go.Figure,
    record: Attribution,
    values: np.ndarray,
    limit: float,
    axis: str,
    domain: tuple[float, float],
    bar: dict | None,
    colours: style.Palette,
) -> None:
    curves = np.moveaxis(record.inputs[0], record.axes.index("time") - 1, -1).reshape(-1, len(values))
    low, high = float(curves.min()), float(curves.max())
    margin = 0.06 * ((high - low) or 1.0)
    ends = [low - margin, high + margin]
    place = {"domain": list(domain), "range": ends, "showgrid": False, "nticks": 4}
    figure.update_layout({axis.replace("y", "yaxis"): place})
    steps = np.arange(len(values))
    figure.add_trace(
        go.Heatmap(
            z=values[None],
            x=steps,
            y=ends,
            zmin=-limit,
            zmax=limit,
            zmid=0,
            colorscale=style.signed(colours),
            showscale=bar is not None,
            colorbar=bar,
            hovertemplate="step %{x}<br>attribution %{z:.3g}<extra></extra>",
            yaxis=axis,
        )
    )
    look = {"color": colours.text, "width": 1.5}
    for line in curves:
        figure.add_trace(go.Scatter(x=steps, y=line, mode="lines", line=look, hoverinfo="skip", yaxis=axis))
