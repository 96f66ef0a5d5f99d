"""The catalogue: every model of the zoo with what its card says, read from the cards alone."""

import numpy as np

import zoo
from workbench.records import Column, Table
from zoo.card import ModelCard

COLUMNS = (
    Column(title="Model"),
    Column(title="What it is"),
    Column(title="Task"),
    Column(title="Accuracy", unit="%", higher_is_better=True, digits=1),
    Column(title="Parameters", digits=0),
    Column(title="Predict", unit="ms per sample", higher_is_better=False),
)
ACCURACY = 3


def catalogue() -> Table:
    """One row per model; accuracy on the scored split of its task with the card's 95 % interval."""
    cards = [zoo.card(name) for name in zoo.RECIPES]
    low, high = np.full((2, len(cards), len(COLUMNS)), np.nan)
    low[:, ACCURACY] = [100 * card.metrics.low for card in cards]
    high[:, ACCURACY] = [100 * card.metrics.high for card in cards]
    return Table(
        title="Models of the zoo",
        columns=COLUMNS,
        rows=tuple(_row(card) for card in cards),
        low=low,
        high=high,
        note="Accuracy on the split that the task is scored on, with its 95 % interval, as the cards say.",
    )


def _row(card: ModelCard) -> tuple[str | float | int, ...]:
    accuracy = 100 * card.metrics.accuracy
    return card.name, card.title, card.task, accuracy, card.parameters, card.predict_milliseconds
