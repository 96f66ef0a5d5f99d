"""Answers: what a model says of a sample and whether that is right, in words, read from an attribution alone."""

import math

from workbench.quantity import share, significant
from workbench.records import Attribution


def is_number(record: Attribution) -> bool:
    """Whether the model answers with a number: then it has no probability, and names are numbers."""
    return math.isnan(record.probability[0])


def said(record: Attribution, index: int) -> str:
    """What the model says: "9 (0.98)" with the probability, or the number alone."""
    name = record.predicted_names[index]
    return name if is_number(record) else f"{name} ({record.probability[index]:.2f})"


def truth(record: Attribution, index: int) -> str:
    """What was asked for: "label 9", or "measured 151"; empty where it is not known."""
    name = record.label_names[index]
    return "" if not name else f"measured {name}" if is_number(record) else f"label {name}"


def is_right(record: Attribution, index: int) -> bool | None:
    """Whether the class that is said is the label; None of numbers, and where the label is not known."""
    if is_number(record) or record.labels[index] < 0:
        return None
    return bool(record.labels[index] == record.predicted[index])


def verdict(record: Attribution, index: int) -> str:
    """What is said and what that is worth: "9 (0.98), which is right", or "152, measured 151"."""
    right, answer = is_right(record, index), said(record, index)
    if right is None:
        known = truth(record, index)
        return f"{answer}, {known}" if known else answer
    return (
        f"{answer}, which is right" if right else f"{answer}, which is wrong: the label is {record.label_names[index]}"
    )


def explained(record: Attribution, index: int) -> str:
    """What is explained: "logit of 9", or the name of the number."""
    name = record.class_names[index]
    return name if is_number(record) else f"{record.target.output.replace('_', ' ')} of {name}"


def gap(record: Attribution, index: int) -> str:
    """|Σ a − (f(x) − f(x'))| as a share of |f(x) − f(x')|, as it is where these are the same but for rounding, and "–"
    where there is no reference input."""
    if not math.isfinite(record.f_reference[index]):
        return "–"
    relative = float(record.relative_gap[index])
    return significant(abs(float(record.completeness_gap[index])), 2) if math.isnan(relative) else share(relative)
