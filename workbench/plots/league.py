"""Figures of leagues: the standing of every method in every category, the best first."""

import numpy as np
import plotly.graph_objects as go

from workbench.league import League
from workbench.plots import matrix
from workbench.records import Matrix
from workbench.standings import over_all, standing


def figure(record: League, *, theme: str = "light") -> go.Figure:
    """The share of methods that are clearly better than each, by category and over all; controls are the last rows."""
    found = standing(record)
    overall = over_all(found)
    worst = np.where(np.isnan(overall), np.inf, overall)
    order = sorted(range(len(overall)), key=lambda row: (record.controls[row], worst[row]))
    shown = Matrix(
        title=record.title,
        values=np.column_stack([overall, found])[order],
        rows=tuple(record.method_titles[row] for row in order),
        columns=("over all", *record.measured_categories),
        row_title="",
        column_title="",
        unit="share of methods clearly better",
    )
    return matrix.figure(shown, theme=theme)
