"""Front: the finished explanations that the app opens on, begun before anybody has asked for them."""

import streamlit as st

import zoo
from pages.ui import explained, menu, sentences, show, waiting, work
from pages.ui.jobs import board
from pages.ui.markup import element, reasons
from workbench.explanation import methods_for
from workbench.records import Attribution, Target
from workbench.subject import Subject
from zoo.task import Samples, Task

HALF = 430
"""Pixels of a column where two stand beside each other in a window of 1,280."""
SHOWPIECE = 2
"""A sample that is more than easy: of our own sentences, the one that says two things."""
SECONDS = 30


def models() -> list[str]:
    """The first network for images and the first for text."""
    found: dict[str, str] = {}
    for recipe in zoo.RECIPES.values():
        if recipe.training is not None:
            found.setdefault(str(zoo.task(recipe.task).kind), recipe.name)
    return list(found.values())


def showpiece(task: Task) -> str:
    """A sample worth showing first: of our own examples where a task has them, else of the split that is scored."""
    own = [split for split in task.splits if split not in ("train", "validation", "test")]
    return f"{own[0] if own else task.scored}:{SHOWPIECE}"


def finished(name: str) -> None:
    """A finished explanation of one sample by a model: what it says, what moved it, and the evidence."""
    subject = waiting.result(work.subject(name), f"model {name}")
    if subject is None:
        return
    samples = subject.task.select(showpiece(subject.task))
    record = waiting.result(_explanation(subject, samples), f"map {name}")
    if record is None:
        return
    evidence = waiting.result(work.graded(subject, samples, record), f"evidence {name}")
    show.html(element("p", "wb-eyebrow", f"{name} · {samples.ids[0]}"))
    show.answer(*sentences.explanation(record, evidence))
    show.row([record], [evidence] if evidence else None, f"map {name}", width=HALF, bare=True)
    if evidence:
        show.html(reasons(evidence.reasons))
    st.page_link(menu.found("explain"), label="Look closer →", query_params={"model": name, "sample": samples.ids[0]})


def ahead() -> None:
    """Compute what the first page shows while the browser still loads the frame; a problem is said on the page."""
    for name in models():
        subject = _done(work.subject(name))
        if subject is None:
            continue
        samples = subject.task.select(showpiece(subject.task))
        record = _done(_explanation(subject, samples))
        if record is not None:
            board().attend(work.graded(subject, samples, record), "ahead")


def _explanation(subject: Subject, samples: Samples) -> work.Work[Attribution]:
    fitting = methods_for(subject, samples)
    return work.explanation(subject, samples, fitting[explained.default_methods(list(fitting.values()))[0]](), Target())


def _done(what: work.Work[work.T]) -> work.T | None:
    job = board().attend(what, "ahead")
    job.finished.wait(SECONDS)
    return job.result
