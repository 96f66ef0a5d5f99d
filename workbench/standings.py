"""Standings: a league as tables, and what it says of each method over all categories. Pure functions of the record."""

import numpy as np
from jaxtyping import Float

from workbench.league import League
from workbench.records import Column, Table

DIGITS = 3
COSTS = (
    Column(title="Time", unit="ms per sample", higher_is_better=False, digits=1),
    Column(title="Passes", unit="per sample", higher_is_better=False, digits=0),
)
MIDDLE = 0.5
"""Counts for a category in which a method could not be measured and others were."""
MOST_TOGETHER = 6
"""Metrics that are read side by side."""
RANKED = (
    "The rank (#) is 1 + the number of methods that are clearly better: the 95 % interval of the paired difference "
    "leaves zero out."
)


def table(league: League, category: str | None = None) -> Table:
    """Methods as rows, controls last; the metrics of one category, or all, with intervals and ranks; the cost."""
    kept = range(len(league.metrics)) if category is None else league.columns(category)
    places = list(kept)
    rows = [
        (title, *(_number(league.mean[row, place]) for place in places), *_cost(league, row))
        for row, title in enumerate(league.method_titles)
    ]
    columns = [
        Column(
            title=league.metric_titles[place],
            unit=league.units[place],
            higher_is_better=league.higher_is_better[place],
            digits=DIGITS,
        )
        for place in places
    ]
    around = (1, len(COSTS))
    return Table(
        title=f"How far each method can be trusted on {league.subject}" + (f": {category}" if category else ""),
        columns=(Column(title="Method"), *columns, *COSTS),
        rows=tuple(rows),
        low=_beside(league.low[:, places], around, np.nan),
        high=_beside(league.high[:, places], around, np.nan),
        ranks=_beside(league.rank[:, places], around, 0),
        note=f"{league.note} {RANKED}",
        provenance=league.provenance,
    )


def tables(league: League) -> list[Table]:
    """All of a league: one table where few metrics were measured, else one for each category."""
    if len(league.metrics) <= MOST_TOGETHER:
        return [table(league)]
    return [table(league, category) for category in league.measured_categories]


def overview(league: League) -> Table:
    """One row a method: its standing, by category and over all, how often it beats every control, and what it costs.

    The standing in a category is the mean over its metrics of (rank − 1) / (methods measured − 1), in per cent: 0 where
    nothing is clearly better, 100 where everything is. Over all it is the mean over categories, one vote each.
    """
    found = league.measured_categories
    per_category = standing(league)
    overall = over_all(per_category)
    rows = []
    for row in _ordered(league, overall):
        won, _, count = tally(league, row)
        beaten = None if league.controls[row] else f"{won} of {count}"
        parts = (_number(100 * value) for value in (overall[row], *per_category[row]))
        rows.append((league.method_titles[row], *parts, beaten, *_cost(league, row)))
    head = [Column(title=name.capitalize(), unit="% better", digits=0) for name in ("over all", *found)]
    return Table(
        title=f"Standing of the methods on {league.subject}",
        columns=(Column(title="Method"), *head, Column(title="Beats controls", unit="on metrics"), *COSTS),
        rows=tuple(rows),
        note=f"{league.note} % better: how many of the other methods are clearly better, averaged over the metrics of "
        "a category; over all, each category has one vote.",
        provenance=league.provenance,
    )


def standing(league: League) -> Float[np.ndarray, "method category"]:
    """The mean over a category's metrics of (rank − 1) / (methods measured − 1); NaN where none was measured."""
    relative = np.full(league.rank.shape, np.nan)
    for place in range(len(league.metrics)):
        measured = league.rank[:, place] > 0
        relative[measured, place] = (league.rank[measured, place] - 1.0) / max(1, int(measured.sum()) - 1)
    means = [_mean(relative[:, league.columns(name)]) for name in league.measured_categories]
    return np.stack(means, axis=1) if means else np.full((len(league.methods), 0), np.nan)


def over_all(per_category: Float[np.ndarray, "method category"]) -> Float[np.ndarray, "method"]:
    """The mean over categories, one vote each; one in which a method was not measured counts as the middle."""
    filled = np.where(np.isnan(per_category), MIDDLE, per_category)
    measured = ~np.isnan(per_category).all(1) if per_category.shape[1] else np.zeros(len(per_category), bool)
    overall = np.full(len(per_category), np.nan)
    overall[measured] = filled[measured].mean(1)
    return overall


def tally(league: League, row: int, *categories: str) -> tuple[int, int, int]:
    """On how many metrics a method is clearly better than every control, clearly worse than one, and was measured."""
    kept = [place for name in categories or league.measured_categories for place in league.columns(name)]
    measured = league.rank[row, kept] > 0
    against = league.against[row, kept]
    return int((against == 1).sum()), int((against == -1).sum()), int(measured.sum())


def _ordered(league: League, overall: Float[np.ndarray, "method"]) -> list[int]:
    """Best standing first, what was not measured after it, controls last."""
    worst = np.where(np.isnan(overall), np.inf, overall)
    return sorted(range(len(overall)), key=lambda row: (league.controls[row], worst[row]))


def _mean(values: Float[np.ndarray, "method metric"]) -> Float[np.ndarray, "method"]:
    counted = (~np.isnan(values)).sum(1)
    return np.where(counted > 0, np.nansum(values, axis=1) / np.maximum(counted, 1), np.nan)


def _beside(values: np.ndarray, around: tuple[int, int], filling: float) -> np.ndarray:
    """The columns of the metrics between those that are not measured."""
    return np.pad(values, ((0, 0), around), constant_values=filling)


def _cost(league: League, row: int) -> tuple[float | None, float | None]:
    return _number(league.milliseconds[row]), _number(league.passes[row])


def _number(value: float | np.floating) -> float | None:
    return None if np.isnan(value) else float(value)
