"""The catalogue: every model of the zoo with what its card says, read from the cards alone."""

from collections.abc import Collection

import numpy as np

import zoo
from workbench.records import Column, Table
from zoo.card import ModelCard
from zoo.errors import InputError
from zoo.listing import over_seeds

COLUMNS = (
    Column(title="Model"),
    Column(title="What it is"),
    Column(title="Task"),
    Column(title="Accuracy", unit="%", higher_is_better=True, digits=1),
    Column(title="R²", higher_is_better=True, digits=3),
    Column(title="Over seeds"),
    Column(title="Parameters", digits=0),
    Column(title="Multiply-adds", digits=0),
    Column(title="Predict", unit="ms per sample", higher_is_better=False),
)
ACCURACY, R_SQUARED = 3, 4
SCORES = {"accuracy": (ACCURACY, 100.0), "R²": (R_SQUARED, 1.0)}
"""The column of each kind of score, and its scale."""


def catalogue() -> Table:
    """One row per model with a card; its score on the scored split of its task with the card's 95 % interval, and the
    mean over seeds with the interval of that. A column that no model fills is left out."""
    cards, missing = _cards()
    rows = [_row(card) for card in cards]
    low, high = np.full((2, len(cards), len(COLUMNS)), np.nan)
    for place, card in enumerate(cards):
        column, scale = SCORES[card.metrics.measure]
        low[place, column], high[place, column] = scale * card.metrics.low, scale * card.metrics.high
    kept = [i for i in range(len(COLUMNS)) if any(row[i] is not None for row in rows)]
    few = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
    without = f" Without a card, and not shown: {few}." if missing else ""
    return Table(
        title="Models of the zoo",
        columns=tuple(COLUMNS[i] for i in kept),
        rows=tuple(tuple(row[i] for i in kept) for row in rows),
        low=low[:, kept],
        high=high[:, kept],
        note="Accuracy, or R² where a number is asked for, on the split that the task is scored on, with its 95 % "
        f"interval over samples; the mean over seeds with its own. As the cards say.{without}",
    )


def part(listed: Table, task: str | None = None, without: Collection[str] = ()) -> Table:
    """The models of one task, or all, with some of the columns left out, and those that none of them fills."""
    titles = [column.title for column in listed.columns]
    rows = [i for i, row in enumerate(listed.rows) if task in (None, row[titles.index("Task")])]
    filled = [any(listed.rows[row][i] is not None for row in rows) for i in range(len(titles))]
    kept = [i for i, title in enumerate(titles) if title not in without and filled[i]]
    return listed.part(rows, kept)


def _cards() -> tuple[list[ModelCard], list[str]]:
    """The cards there are, and the names of the models that have none that can be read."""
    cards, missing = [], []
    for name in zoo.RECIPES:
        try:
            cards.append(zoo.card(name))
        except InputError:
            missing.append(name)
    return cards, missing


def _row(card: ModelCard) -> tuple[str | float | int | None, ...]:
    scores: list[float | None] = [None, None]
    column, scale = SCORES[card.metrics.measure]
    scores[column - ACCURACY] = scale * card.metrics.score
    costs = card.parameters, card.multiply_accumulates
    return card.name, card.title, card.task, *scores, over_seeds(card), *costs, card.predict_milliseconds
