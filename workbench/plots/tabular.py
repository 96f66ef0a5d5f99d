"""Figures of attributions over named features: bars, longest first, each beside its feature's value."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from workbench import answer
from workbench.plots import captions, style
from workbench.quantity import significant
from workbench.records import Attribution, Evidence

MOST_FEATURES = 20
BAR = 26
"""Height of a feature's bar, pixels."""


def draw(
    rows: Sequence[Attribution], graded: Sequence[Evidence | None], *, common_scale: bool, theme: str
) -> go.Figure:
    """Features of one sample, sorted by the first attribution's size; one column of bars for each attribution.

    All columns share one axis, symmetric about zero, or each has its own. The title says how many of all are shown.
    """
    colours = style.palette(theme)
    first = rows[0]
    values = np.stack([record.values.reshape(-1) for record in rows])
    order = np.argsort(-np.abs(values[0]), kind="stable")[:MOST_FEATURES]
    names = _names(first, order)
    rest = values.shape[1] - len(order)
    title = captions.heading(first) + (f" · {len(order)} largest of {values.shape[1]} features" if rest else "")
    top = 84 if len(rows) == 1 else 100
    figure = style.blank(theme, title, len(order) * BAR + top + 66)
    largest = np.abs(values).max(1)
    if common_scale:
        largest[:] = largest.max()
    limits = 1.08 * np.where(largest > 0, largest, 1)
    widest = max(style.text_width(name) for name in names)
    figure.update_layout(margin={"l": min(320, widest + 24), "r": 16, "t": top, "b": 62}, bargap=0.3)
    for index, (record, found) in enumerate(zip(rows, graded, strict=True)):
        _column(figure, record, found, values[index, order], names, (index, len(rows)), float(limits[index]), colours)
    return figure


def _names(record: Attribution, order: np.ndarray) -> list[str]:
    """ "temperature = 36.6" for each feature, escaped."""
    inputs = record.inputs.reshape(-1)
    known = record.feature_names or tuple(f"feature {i}" for i in range(record.values[0].size))
    if inputs.size != len(known):
        return [style.plain(known[i]) for i in order]
    return [f"{style.plain(known[i])} = {significant(float(inputs[i]))}" for i in order]


def _column(
    figure: go.Figure,
    record: Attribution,
    found: Evidence | None,
    values: np.ndarray,
    names: Sequence[str],
    place: tuple[int, int],
    limit: float,
    colours: style.Palette,
) -> None:
    index, count = place
    number = "" if index == 0 else str(index + 1)
    left, right = index / count, (index + 1) / count - (0.03 if index + 1 < count else 0)
    unit = captions.unit(record)
    figure.add_trace(
        go.Bar(
            x=values,
            y=list(range(len(values))),
            orientation="h",
            marker={"color": [colours.towards if value > 0 else colours.against for value in values]},
            customdata=list(names),
            hovertemplate="%{customdata}<br>attribution %{x:.3g}<extra></extra>",
            xaxis=f"x{number}",
            yaxis="y",
        )
    )
    axis = {"domain": [left, right], "range": [-limit, limit], "zeroline": True, "zerolinecolor": colours.quiet}
    axis |= {"nticks": 5, "title": {"text": f"attribution, {unit}" if unit else "attribution"}}
    figure.update_layout(
        {
            f"xaxis{number}": axis,
            "yaxis": {
                "range": [len(values) - 0.5, -0.5],
                "tickvals": list(range(len(values))),
                "ticktext": list(names),
                "showgrid": False,
                "ticks": "",
                "tickfont": {"color": colours.text},
            },
        }
    )
    parts = [captions.emphasised(captions.named(record), colours), captions.grade(found, colours)]
    if count == 1:
        lines = [" ".join(filter(None, parts)), " · ".join(captions.numbers(record, 0)[:2])]
    else:  # columns are narrow: one thing a line, and f(x) is the same in all
        lines = [part for part in (*parts, f"gap {answer.gap(record, 0)}") if part and part != "gap –"]
    text = "<br>".join(lines)
    figure.add_annotation(style.note(text, (left, 1), "left bottom", paper=True, shift=(0, 4), colour=colours.quiet))
