"""Figures of scores: every sample as a point, above the points of the random control."""

import numpy as np
import plotly.graph_objects as go

from workbench.plots import style
from workbench.plots.colour import rgba
from workbench.quantity import quantity
from workbench.records import Score

SPREAD = 0.56
"""Height over which the points of a row are spread, in rows."""


def figure(record: Score, *, theme: str = "light") -> go.Figure:
    """The metric per sample with its mean and interval, and the control's draws below it, on one axis."""
    colours = style.palette(theme)
    direction = "higher is better" if record.higher_is_better else "lower is better"
    title = f"{style.readable(record.metric)} · {style.readable(record.method)} on {record.subject} · {direction}"
    made = style.blank(theme, style.plain(title), 250)
    control = record.control.reshape(-1)
    made.add_trace(_points(control, 1, colours.quiet, "random control", hollow=True))
    made.add_trace(_points(record.values, 0, colours.accent, "sample", ids=record.sample_ids))
    if record.values.size:
        made.add_trace(_mean(record, colours))
    excluded = f" · {record.excluded} not scored: {record.why}" if record.excluded else ""
    made.update_xaxes(title_text=style.plain(f"{style.readable(record.metric).lower()}, {record.unit}{excluded}"))
    made.update_yaxes(
        tickvals=[0, 1],
        ticktext=[style.readable(record.method), "Random control"],
        range=[1.6, -0.6],
        showgrid=False,
        showline=False,
        ticks="",
        tickfont={"color": colours.text},
        automargin=True,
    )
    return made


def _points(
    values: np.ndarray, row: int, colour: str, name: str, *, hollow: bool = False, ids: tuple[str, ...] | None = None
) -> go.Scatter:
    """Points of one row, spread by a fixed low-discrepancy sequence so that the same record gives the same picture."""
    golden = (np.arange(len(values)) * 0.6180339887498949) % 1
    labels = [f"{style.plain(i)}<br>" for i in ids] if ids else [""] * len(values)
    return go.Scatter(
        x=values,
        y=row + SPREAD * (golden - 0.5),
        mode="markers",
        name=name,
        marker={
            "size": 6,
            "color": rgba(colour, 0.0 if hollow else 0.55),
            "line": {"color": rgba(colour, 0.7), "width": 1},
        },
        customdata=labels,
        hovertemplate="%{customdata}%{x:.3g}<extra>" + name + "</extra>",
    )


def _mean(record: Score, colours: style.Palette) -> go.Scatter:
    finite = np.isfinite(record.low) and np.isfinite(record.high)
    up, down = (record.high - record.mean, record.mean - record.low) if finite else (0.0, 0.0)
    text = quantity(record.mean, record.low, record.high)
    return go.Scatter(
        x=[record.mean],
        y=[-0.42],
        mode="markers+text",
        text=[f"mean {text}"],
        textposition="top center",
        textfont={"color": colours.text},
        name="mean",
        marker={"size": 8, "color": colours.text, "symbol": "diamond"},
        error_x={"array": [up], "arrayminus": [down], "color": colours.text, "thickness": 1.5, "width": 4},
        hovertemplate=f"mean {text}, 95 % interval<extra></extra>",
        cliponaxis=False,
    )
