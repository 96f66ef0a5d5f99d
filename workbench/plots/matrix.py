"""Figures of matrices: a heat map with its numbers in the cells while they can be read."""

import numpy as np
import plotly.graph_objects as go

from workbench.plots import style
from workbench.quantity import significant
from workbench.records import Matrix

MOST_NUMBERED = 16
"""Rows or columns up to which every cell shows its number."""
CELL = 34


def figure(record: Matrix, *, theme: str = "light") -> go.Figure:
    """Signed values on the signed scale, centred at zero; values of one sign from the ground to the accent."""
    colours = style.palette(theme)
    rows, columns = record.values.shape
    made = style.blank(theme, style.plain(record.title), max(240, rows * CELL + 150))
    finite = record.values[np.isfinite(record.values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    is_signed = low < 0
    limit = max(abs(low), abs(high)) or 1.0
    numbered = max(rows, columns) <= MOST_NUMBERED
    made.add_trace(
        go.Heatmap(
            z=record.values,
            zmin=-limit if is_signed else min(0.0, low),
            zmax=limit,
            zmid=0 if is_signed else None,
            colorscale=style.signed(colours) if is_signed else style.magnitude(colours),
            xgap=1,
            ygap=1,
            text=[[significant(float(v), 2) for v in row] for row in record.values] if numbered else None,
            texttemplate="%{text}" if numbered else None,
            customdata=[[f"{style.plain(r)} · {style.plain(c)}" for c in record.columns] for r in record.rows],
            hovertemplate="%{customdata}<br>%{z:.3g}<extra></extra>",
            colorbar=style.colour_bar(colours, style.plain(record.unit)),
        )
    )
    _name_axes(made, record)
    return made


def _name_axes(made: go.Figure, record: Matrix) -> None:
    bare = {"showgrid": False, "showline": False, "ticks": ""}
    across, down = list(map(style.plain, record.columns)), list(map(style.plain, record.rows))
    widest = max([style.text_width(row, style.SMALL + 1) for row in record.rows], default=0)
    made.update_layout(
        margin={"l": widest + 46, "r": 96, "t": 52, "b": 70},
        xaxis=bare
        | {
            "tickvals": list(range(len(across))),
            "ticktext": across,
            "title": {"text": style.plain(record.column_title)},
        },
        yaxis=bare
        | {"tickvals": list(range(len(down))), "ticktext": down, "title": {"text": style.plain(record.row_title)}},
    )
    made.update_yaxes(range=[len(down) - 0.5, -0.5])
