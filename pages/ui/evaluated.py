"""Evaluated: what a table of methods and metrics says in words, and the order of its rows."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import streamlit as st

from pages.ui import controls, show
from pages.ui.markup import strong
from workbench.explanation import Claim, methods
from workbench.quantity import quantity
from workbench.records import Column, Score, Table

LEADING = ("localisation", "faithfulness", "axiomatic")
"""Which category answers first: where the truth is planted, nothing says more."""


def in_a_sentence(scores: Sequence[Score]) -> Iterator[object]:
    """By the metric that says most: the best method, the worst, and whether the control is that."""
    leading = lead(scores)
    same = [score for score in scores if score.metric == leading.metric and score.values.size]
    if not same:
        yield f"No method here can be measured: {leading.why}"
        return
    ordered = sorted(same, key=lambda score: score.mean, reverse=leading.higher_is_better)
    best, worst = ordered[0], ordered[-1]
    planted = " on the planted evidence" if leading.category == "localisation" else ""
    yield f"By {leading.title.lower()}{planted}, "
    yield strong(methods()[best.method].title)
    yield f" is best ({quantity(best.mean, best.low, best.high)}) and "
    yield strong(methods()[worst.method].title)
    yield f" is worst ({quantity(worst.mean, worst.low, worst.high)})"
    yield from _beside_control(ordered)
    yield "."


def _beside_control(ordered: Sequence[Score]) -> Iterator[object]:
    """Which methods do no better than the control: the reason there is one."""
    controls = [place for place, score in enumerate(ordered) if is_control(score.method)]
    if not controls or len(ordered) == len(controls):
        return
    first = ordered[controls[0]].method
    than = "random numbers" if first == "random" else f"the control {methods()[first].title.lower()}"
    behind = [methods()[score.method].title for score in ordered[controls[0] + 1 :] if not is_control(score.method)]
    if behind:
        yield f": {' and '.join(behind)} {'does' if len(behind) == 1 else 'do'} no better than {than}"
    else:
        yield f": every method beats {than}, on average"


def lead(scores: Sequence[Score]) -> Score:
    """A score of the category that says most, and there of the metric with the finest scale."""
    measured = [score for score in scores if score.values.size] or list(scores)

    def rank(score: Score) -> tuple[int, int]:
        place = LEADING.index(score.category) if score.category in LEADING else len(LEADING)
        return place, -len(set(score.values.tolist()))

    return min(measured, key=rank)


def is_control(method: str) -> bool:
    """Whether a method knows nothing of the model."""
    return Claim.CONTROL in methods()[method].claims


def control_titles() -> frozenset[str]:
    """What the rows of controls are called."""
    return frozenset(kind.title for name, kind in methods().items() if is_control(name))


def first_column(table: Table, scores: Sequence[Score]) -> str:
    """The column that a table is sorted by at first: that of the metric that says most."""
    title = lead(scores).title
    return next(str(place) for place, column in enumerate(table.columns) if column.title == title)


def without_empty(table: Table) -> Table:
    """The table without columns in which nothing could be measured; its note says which and why."""
    kept = [place for place in range(len(table.columns)) if any(row[place] is not None for row in table.rows)]
    return table.part(columns=kept)


def in_order(table: Table, column: int) -> Table:
    """The rows by one column, the better end first; controls stay last, what is missing before them."""
    better_is_more = table.columns[column].higher_is_better

    def key(place: int) -> tuple:
        row = table.rows[place]
        value = row[column]
        if isinstance(value, str):
            return row[0] in control_titles(), False, value
        if value is None or np.isnan(value):
            return row[0] in control_titles(), True, 0.0
        return row[0] in control_titles(), False, -value if better_is_more else value

    order = sorted(range(len(table.rows)), key=key)
    return table.part(rows=order)


def cell(scores: Sequence[Score], titles: Mapping[str, str], metric: str) -> None:
    """The samples behind one number of a table: at first of the metric that says most."""
    show.heading("The samples behind a number")
    names = list(dict.fromkeys(score.method for score in scores))
    wanted = list(dict.fromkeys(score.metric for score in scores))
    with st.container(horizontal=True):
        method = controls.choose("Method", names, key="method", titles=titles)
        metric = controls.choose("Metric", wanted, key="metric", default=metric, titles=titles)
    samples_of(next(score for score in scores if (score.method, score.metric) == (method, metric)))


def samples_of(score: Score) -> None:
    """Every sample of a score as a point, and the best and the worst of them by name."""
    if not score.values.size:
        show.quiet(score.why)
        return
    left, right = st.columns([1.7, 1], gap="large")
    with left:
        show.figure(score, "score")
    with right:
        show.caption("The best and the worst samples")
        show.table_of(ends(score))


def ends(score: Score, count: int = 4) -> Table:
    """The samples with the best and the worst values, each beside the mean of its random control."""
    order = np.argsort(-score.values if score.higher_is_better else score.values, kind="stable")
    kept = order if len(order) <= 2 * count else np.concatenate([order[:count], order[-count:]])
    control = [float(score.control[i].mean()) if score.control.size else None for i in kept]
    return Table(
        columns=(
            Column(title="Sample"),
            Column(title="Value", unit=score.unit, higher_is_better=score.higher_is_better),
            Column(title="Its control", unit=score.unit),
        ),
        rows=tuple((score.sample_ids[i], float(score.values[i]), own) for i, own in zip(kept, control, strict=True)),
    )
