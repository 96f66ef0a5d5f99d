"""Dots: one column of a table as points with intervals, one line for each row, on a common axis."""

import math

import numpy as np
import plotly.graph_objects as go

from workbench.plots import style, table
from workbench.quantity import quantity
from workbench.records import Table

LINE = 34
"""Height of a row, pixels."""


def draw(record: Table, column: int, *, theme: str = "light", highlighted: str = "") -> go.Figure:
    """Column `column` of every row as a point with its interval; the row named `highlighted` is in the accent.

    Rows without a number in that column are left out. The axis shows the range of the values, not zero.
    """
    colours = style.palette(theme)
    rows = [index for index, row in enumerate(record.rows) if _is_number(row[column])]
    made = style.blank(theme, "", len(rows) * LINE + 76)
    made.update_layout(margin={"l": 8, "r": 24, "t": 12, "b": 52})
    names = [str(record.rows[index][0]) for index in rows]
    for place, index in enumerate(rows):
        colour = colours.accent if names[place] == highlighted or not highlighted else colours.quiet
        made.add_trace(_point(record, index, column, place, colour))
    made.update_xaxes(title_text=style.plain(table.heading(record.columns[column])), showgrid=True)
    made.update_yaxes(
        tickvals=list(range(len(rows))),
        ticktext=[style.plain(name) for name in names],
        range=[len(rows) - 0.4, -0.6],
        tickfont={"color": colours.text},
        showgrid=False,
        showline=False,
        ticks="",
        automargin=True,
    )
    return made


def _point(record: Table, row: int, column: int, place: int, colour: str) -> go.Scatter:
    value = float(record.rows[row][column])  # type: ignore[arg-type]
    low, high = _interval(record, row, column)
    text = quantity(value, low, high, record.columns[column].unit)
    known = math.isfinite(low)
    return go.Scatter(
        x=[value],
        y=[place],
        mode="markers",
        marker={"size": 9, "color": colour},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [high - value if known else 0.0],
            "arrayminus": [value - low if known else 0.0],
            "color": colour,
            "thickness": 1.5,
            "width": 5,
        },
        hovertext=[f"{style.plain(record.rows[row][0])}<br>{style.plain(text)}"],
        hoverinfo="text",
    )


def _interval(record: Table, row: int, column: int) -> tuple[float, float]:
    if record.low is None or record.high is None:
        return math.nan, math.nan
    return float(record.low[row, column]), float(record.high[row, column])


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and bool(np.isfinite(value))
