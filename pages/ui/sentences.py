"""Sentences: an explanation in words, computed from its record."""

import math
from collections.abc import Iterator

import numpy as np

from pages.ui.markup import grade, strong
from workbench import answer
from workbench.agreement import named
from workbench.explanation import methods
from workbench.quantity import share, significant
from workbench.records import Attribution, Evidence
from workbench.report.single import held
from workbench.words import merged_words

THIRDS = ("upper", "middle", "lower"), ("left", "centre", "right")


def explanation(record: Attribution, evidence: Evidence | None) -> Iterator[object]:
    """What the model says, whether it is right, what moved it most, and how far that is supported."""
    yield strong(record.subject)
    yield " says "
    name = record.predicted_names[0]
    yield strong(name)
    yield answer.verdict(record, 0).removeprefix(name)
    yield f". By {title(record.method)}, "
    yield from strongest(record)
    if evidence is not None:
        yield ": "
        yield grade(evidence.grade)
        yield f", {held(evidence)}"
    yield "."


def strongest(record: Attribution) -> Iterator[object]:
    """The word, place or feature with the largest part in it."""
    if not record.values.any():
        yield "nothing moved it (all values are 0)"
        return
    adds_up = math.isfinite(record.f_reference[0]) and not answer.is_number(record)
    unit = " logits" if record.target.output == "logit" and adds_up else ""
    if record.axes == ("sample", "token"):
        words, values = merged_words(record)
        top = int(np.abs(values).argmax())
        yield "the word that moved it most is "
        yield strong(words[top])
        yield f" ({signed(values[top])}{unit})"
    elif record.axes[-2:] == ("height", "width"):
        row, column, total, part = strongest_ninth(
            (record.sum("channel") if "channel" in record.axes else record).values[0]
        )
        place = "centre" if (row, column) == (1, 1) else f"{THIRDS[0][row]} {THIRDS[1][column]}"
        yield "what moved it most lies in the "
        yield strong(place)
        yield f" ({share(part)} of all attribution, {signed(total)}{unit})"
    else:
        flat = record.values[0].ravel()
        top = int(np.abs(flat).argmax())
        yield f"the feature that moved it most is {named(record, top)}"
        yield f" ({signed(flat[top])}{unit})"


def strongest_ninth(values: np.ndarray) -> tuple[int, int, float, float]:
    """Of the nine parts of a map the one with the most |attribution|: its row and column, its sum, its share."""
    parts = [np.array_split(rows, 3, axis=1) for rows in np.array_split(values, 3, axis=0)]
    masses = np.array([[np.abs(part).sum() for part in row] for row in parts])
    row, column = np.unravel_index(int(masses.argmax()), masses.shape)
    return int(row), int(column), float(parts[row][column].sum()), float(masses.max() / max(masses.sum(), 1e-300))


def title(method: str) -> str:
    """What people call a method."""
    return methods()[method].title


def signed(value: float) -> str:
    """A number with its sign, also where that is plus."""
    return ("+" if value > 0 else "") + significant(float(value), 2)
