"""The catalogue: every model of the zoo with what its card says, read from the cards alone."""

import numpy as np

import zoo
from workbench.records import Column, Table


def catalogue() -> Table:
    """One row per model; accuracy on the scored split of its task with the card's 95 % interval."""
    cards = [zoo.card(name) for name in zoo.RECIPES]
    columns = (
        Column(title="model"),
        Column(title="what it is"),
        Column(title="task"),
        Column(title="accuracy", unit="%", higher_is_better=True, digits=1),
        Column(title="parameters", higher_is_better=False, digits=0),
        Column(title="prediction", unit="ms per sample", higher_is_better=False, digits=2),
    )
    rows, low, high = [], [], []
    for card in cards:
        accuracy = card.metrics["accuracy"]
        rows.append((card.name, card.title, card.task, 100 * accuracy["value"], card.parameters, card.milliseconds))
        low.append([np.nan] * 3 + [100 * accuracy["low"], np.nan, np.nan])
        high.append([np.nan] * 3 + [100 * accuracy["high"], np.nan, np.nan])
    return Table(
        title="Models of the zoo",
        columns=columns,
        rows=tuple(rows),
        low=np.array(low),
        high=np.array(high),
        note="Accuracy on the scored split, with its 95 % interval.",
    )
