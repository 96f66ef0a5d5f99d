"""Evaluated: what a table of methods and metrics says in words, and the order of its rows."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from pages.ui.markup import strong
from workbench.explanation import Claim, methods
from workbench.quantity import quantity
from workbench.records import Score, Table

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
    behind = [methods()[score.method].title for score in ordered[controls[0] + 1 :] if not is_control(score.method)]
    if behind:
        yield f": {' and '.join(behind)} {'does' if len(behind) == 1 else 'do'} no better than random numbers"
    else:
        yield ": every method beats random numbers, on average"


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
    return replace(
        table,
        columns=tuple(table.columns[place] for place in kept),
        rows=tuple(tuple(row[place] for place in kept) for row in table.rows),
        low=None if table.low is None else table.low[:, kept],
        high=None if table.high is None else table.high[:, kept],
    )


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
    return replace(
        table,
        rows=tuple(table.rows[place] for place in order),
        low=None if table.low is None else table.low[order],
        high=None if table.high is None else table.high[order],
    )
