"""Explained: the parts of a page around its maps."""

import math
from collections.abc import Sequence

import numpy as np
import streamlit as st

from pages.ui import sentences, show, waiting, work
from pages.ui.markup import Html, element, facts
from pages.ui.menu import found
from workbench.explanation import AbstractMethod, Claim, methods, methods_for, why_not
from workbench.quantity import share, significant
from workbench.records import Attribution, Matrix, Target
from workbench.subject import Subject
from zoo.task import Task

SHOWN = 4
HALF = 430
"""Pixels of a column where two stand beside each other in a window of 1,280."""
SHOWPIECE = 2
"""A sample that is more than easy: of our own sentences, the one that says two things."""


def finished(name: str) -> None:
    """A finished explanation of one sample by a model: what it says, what moved it, and the evidence."""
    subject = waiting.result(work.subject(name), f"model {name}")
    if subject is None:
        return
    reference = showpiece(subject.task)
    samples = subject.task.select(reference)
    fitting = methods_for(subject)
    method = fitting[default_methods(list(fitting.values()))[0]]()
    record = waiting.result(work.explanation(subject, samples, method, Target()), f"map {name}")
    if record is None:
        return
    show.html(element("p", "wb-eyebrow", f"{name} · {reference}"))
    show.answer(*sentences.explanation(record, None))
    show.row([record], None, f"map {name}", width=HALF)
    st.page_link(found("explain"), label="Look closer", query_params={"model": name, "sample": reference})


def showpiece(task: Task) -> str:
    """A sample worth showing first: of our own examples where a task has them, else of the split that is scored."""
    own = [split for split in task.splits if split not in ("train", "validation", "test")]
    return f"{own[0] if own else task.scored}:{SHOWPIECE}"


def default_methods(fitting: Sequence[type[AbstractMethod]]) -> list[str]:
    """Three methods that promise the most, and the control."""
    real = [kind for kind in fitting if Claim.CONTROL not in kind.claims]
    controls = [kind for kind in fitting if Claim.CONTROL in kind.claims]
    real.sort(key=lambda kind: (Claim.COMPLETENESS not in kind.claims, -len(kind.claims)))
    return [kind.name for kind in [*real[: SHOWN - 1], *controls[:1]]]


def greyed_out(subject: Subject) -> None:
    """The methods that do not fit, each with the reason."""
    pairs = [(kind.title, why_not(kind, subject)) for kind in methods().values()]
    chips = [element("span", "", element("s", "", title), f" {reason}") for title, reason in pairs if reason]
    if chips:
        show.html(element("p", "wb-chips", *chips))


def agreement(records: Sequence[Attribution]) -> Matrix:
    """Spearman's rank correlation of the methods' values, features of the same sample compared."""
    ranks = [np.argsort(np.argsort(sentences.per_feature(record).ravel())) for record in records]
    names = tuple(sentences.title(record.method) for record in records)
    return Matrix(
        title="How much the methods agree",
        values=np.corrcoef(np.array(ranks, dtype=float)),
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
