"""Explained: an explanation in words, and the parts of the page around its maps."""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from pages.ui import show
from pages.ui.markup import Html, element, facts, grade, strong
from workbench.explanation import AbstractMethod, Claim, methods, why_not
from workbench.quantity import share, significant
from workbench.records import Attribution, Evidence, Matrix
from workbench.subject import Subject
from workbench.words import merged_words

THIRDS = ("upper", "middle", "lower"), ("left", "centre", "right")
SHOWN = 4


def default_methods(fitting: Sequence[type[AbstractMethod]]) -> list[str]:
    """Three methods that promise the most, and the control."""
    real = [kind for kind in fitting if Claim.CONTROL not in kind.claims]
    controls = [kind for kind in fitting if Claim.CONTROL in kind.claims]
    real.sort(key=lambda kind: (Claim.COMPLETENESS not in kind.claims, -len(kind.claims)))
    return [kind.name for kind in [*real[: SHOWN - 1], *controls[:1]]]


def greyed_out(subject: Subject) -> None:
    """The methods that do not fit, each with the reason."""
    found = [(kind.title, why_not(kind, subject)) for kind in methods().values()]
    chips = [element("span", "", element("s", "", title), f" {reason}") for title, reason in found if reason]
    if chips:
        show.html(element("p", "wb-chips", *chips))


def in_a_sentence(record: Attribution, found: Evidence | None) -> Iterator[object]:
    """What the model says, whether it is right, what moved it most, and how far that is supported."""
    yield strong(record.subject)
    yield " says "
    yield strong(record.predicted_names[0])
    yield f" ({record.probability[0]:.2f})"
    if record.labels[0] >= 0:
        right = record.labels[0] == record.predicted[0]
        yield ", which is right" if right else f", which is wrong: the label is {record.label_names[0]}"
    yield f". By {title(record.method).lower()}, "
    yield from strongest(record)
    if found is not None:
        holding = sum(reason.holds for reason in found.reasons)
        yield ": "
        yield grade(found.grade)
        yield f", {holding} of {len(found.reasons)} checks hold"
    yield "."


def strongest(record: Attribution) -> Iterator[object]:
    """The word, place or feature with the largest part in it."""
    unit = " logits" if record.target.output == "logit" and math.isfinite(record.f_reference[0]) else ""
    if record.axes == ("sample", "token"):
        words, values = merged_words(record)
        top = int(np.abs(values).argmax())
        yield "the word that moved it most is "
        yield strong(words[top])
        yield f" ({signed(values[top])}{unit})"
    elif record.axes[-2:] == ("height", "width"):
        values = record.values[0].sum(0) if "channel" in record.axes else record.values[0]
        row, column, total, part = strongest_ninth(values)
        place = "centre" if (row, column) == (1, 1) else f"{THIRDS[0][row]} {THIRDS[1][column]}"
        yield "what moved it most lies in the "
        yield strong(place)
        yield f" ({share(part)} of all attribution, {signed(total)}{unit})"
    else:
        flat = record.values[0].ravel()
        top = int(np.abs(flat).argmax())
        yield f"the feature that moved it most is {record.feature_names[top] if record.feature_names else top}"
        yield f" ({signed(flat[top])}{unit})"


def strongest_ninth(values: np.ndarray) -> tuple[int, int, float, float]:
    """Of the nine parts of a map the one with the most |attribution|: its row and column, its sum, its share."""
    parts = [np.array_split(rows, 3, axis=1) for rows in np.array_split(values, 3, axis=0)]
    masses = np.array([[np.abs(part).sum() for part in row] for row in parts])
    row, column = np.unravel_index(int(masses.argmax()), masses.shape)
    return int(row), int(column), float(parts[row][column].sum()), float(masses.max() / max(masses.sum(), 1e-300))


def agreement(records: Sequence[Attribution]) -> Matrix:
    """Spearman's rank correlation of the methods' values, features of the same sample compared."""
    flat = [np.argsort(np.argsort(_per_feature(record))) for record in records]
    names = tuple(title(record.method) for record in records)
    return Matrix(
        title="How much the methods agree",
        values=np.corrcoef(np.array(flat, dtype=float)),
        rows=names,
        columns=names,
        row_title="",
        column_title="",
        unit="rank correlation",
    )


def made(record: Attribution) -> Html:
    """Where one attribution came from."""
    settings = ", ".join(f"{name} = {value}" for name, value in record.parameters.items()) or "none"
    return facts(
        [
            ("explained", f"{record.target.output.replace('_', ' ')} of {record.class_names[0]}"),
            ("f(x), f(x′)", f"{significant(float(record.f_x[0]))}, {significant(float(record.f_reference[0]))}"),
            ("gap", share(float(record.relative_gap[0])) if math.isfinite(record.f_reference[0]) else "–"),
            ("settings", settings),
            ("seed", "–" if record.seed is None else record.seed),
            ("cost", f"{record.forward_passes:,} forward and {record.backward_passes:,} backward passes"),
            ("time", f"{significant(record.seconds, 2)} s on {record.provenance.get('device', '')}"),
            ("steps", ", ".join(record.steps) or "none"),
            ("model", str(record.provenance.get("weights_sha256", ""))[:16]),
        ]
    )


def title(method: str) -> str:
    """What people call a method."""
    return methods()[method].title


def signed(value: float) -> str:
    return ("+" if value > 0 else "") + significant(float(value), 2)


def _per_feature(record: Attribution) -> np.ndarray:
    values = record.sum("channel") if "channel" in record.axes else record
    return values.values[0].ravel()
