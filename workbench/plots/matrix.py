"""Figures of matrices: a heat map with its numbers in the cells while they can be read."""

import math
import textwrap

import numpy as np
import plotly.graph_objects as go

from workbench.plots import style
from workbench.plots.colour import mixed, text_on
from workbench.quantity import decimals, fixed
from workbench.records import Matrix

MOST_NUMBERED = 16
"""Rows or columns up to which every cell shows its number."""
CELL = 34
"""Height of a row, pixels."""
NARROWEST, WIDEST = 40, 150
"""Width of a column, pixels."""
LETTERS = 12
"""Of a line of a column's name."""
ROOM = 400
"""Pixels that the columns of a figure get in half a page; names that need more are slanted."""
SLANT = 60
"""Degrees."""


def figure(record: Matrix, *, theme: str = "light") -> go.Figure:
    """Signed values on the signed scale, centred at zero; values of one sign from the ground to the accent."""
    colours = style.palette(theme)
    rows, columns = record.values.shape
    wide = max([_length(line) for name in record.columns for line in lines_of(name)], default=0.0) + 12
    is_slanted = columns * wide > ROOM
    left = max([_length(name) for name in record.rows], default=0.0) + 48
    if is_slanted:
        bottom = 56 + math.sin(math.radians(SLANT)) * max(_length(name) for name in record.columns)
    else:
        bottom = 56 + 14 * max([len(lines_of(name)) for name in record.columns], default=1)
    width = columns * (NARROWEST if is_slanted else min(WIDEST, max(NARROWEST, wide))) + left + 96
    made = style.blank(theme, style.plain(record.title), rows * CELL + 52 + bottom, width)
    made.update_layout(margin={"l": left, "r": 96, "t": 52, "b": bottom})
    finite = record.values[np.isfinite(record.values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    limit = max(abs(low), abs(high)) or 1.0
    made.add_trace(
        go.Heatmap(
            z=record.values,
            zmin=-limit if low < 0 else 0.0,
            zmax=limit,
            zmid=0 if low < 0 else None,
            colorscale=style.signed(colours) if low < 0 else style.magnitude(colours),
            xgap=1,
            ygap=1,
            customdata=[[f"{style.plain(r)} · {style.plain(c)}" for c in record.columns] for r in record.rows],
            hovertemplate="%{customdata}<br>%{z:.3g}<extra></extra>",
            colorbar=style.colour_bar(colours, style.plain(record.unit)),
        )
    )
    if max(rows, columns) <= MOST_NUMBERED:
        made.add_trace(_numbers(record.values, limit, low < 0, colours))
    _name_axes(made, record, is_slanted)
    return made


def _length(text: str) -> float:
    """Pixels that a name takes."""
    return style.text_width(text, style.SMALL + 1)


def lines_of(name: str) -> list[str]:
    """A column's name, broken at its spaces."""
    return textwrap.wrap(name, LETTERS, break_long_words=False) or [""]


def _numbers(values: np.ndarray, limit: float, is_signed: bool, colours: style.Palette) -> go.Scatter:
    """The number of each cell, in black or white, whichever is read better on it."""
    whole = bool(np.all(values == np.round(values)))
    places = 0 if whole else decimals(limit)
    down, across = np.indices(values.shape).reshape(2, -1)
    fills = [
        style.shade(colours, value, limit) if is_signed else mixed(colours.ground, colours.accent, value / limit)
        for value in np.nan_to_num(values).reshape(-1).tolist()
    ]
    return go.Scatter(
        x=across,
        y=down,
        mode="text",
        text=[fixed(value, places) for value in values.reshape(-1).tolist()],
        textfont={"size": style.SMALL + 1, "color": [text_on(fill) for fill in fills]},
        hoverinfo="skip",
    )


def _name_axes(made: go.Figure, record: Matrix, is_slanted: bool) -> None:
    bare = {"showgrid": False, "showline": False, "ticks": ""}
    broken = [[name] if is_slanted else lines_of(name) for name in record.columns]
    across = ["<br>".join(map(style.plain, lines)) for lines in broken]
    down = list(map(style.plain, record.rows))
    made.update_xaxes(**bare, tickvals=list(range(len(across))), ticktext=across, range=[-0.5, len(across) - 0.5])
    made.update_xaxes(tickangle=-SLANT if is_slanted else 0)
    made.update_yaxes(**bare, tickvals=list(range(len(down))), ticktext=down, range=[len(down) - 0.5, -0.5])
    made.update_xaxes(title_text=style.plain(record.column_title))
    made.update_yaxes(title_text=style.plain(record.row_title))
