"""Question: answers as cards. The prediction is in the link, and what was measured is shown only after it."""

from typing import Literal

import streamlit as st

from pages.ui import show
from workbench.report.blocks import Question, Verdict


def ask(question: Question, key: str) -> int | None:
    """The question with its answers as cards; the place of the one that was chosen, or None so far."""
    chosen = answered(question, key)
    show.question(question.text)
    for column, (place, option) in zip(st.columns(len(question.options)), enumerate(question.options), strict=True):
        with column:
            kind: Literal["primary", "secondary"] = "primary" if place == chosen else "secondary"
            st.button(
                option, key=f"{key} {place}", type=kind, width="stretch", wrap=True, on_click=_commit, args=(key, place)
            )
    if chosen is None:
        show.quiet("Choose what you expect. The experiment runs after that, and not before.")
    return chosen


def answered(question: Question, key: str) -> int | None:
    """The answer that the link gives; a place that there is not is said, and counts as none."""
    given = st.query_params.get(key)
    if given is None:
        return None
    if not given.isdigit() or int(given) >= len(question.options):
        show.problem(f"There is no answer {given!r}. Choose one of the {len(question.options)} below.")
        return None
    return int(given)


def judged(question: Question, chosen: int, verdict: Verdict | None) -> None:
    """Whether the prediction was right."""
    if verdict is None or verdict.answer is None:
        return
    right = question.options[verdict.answer]
    show.answer("As you predicted: " if verdict.answer == chosen else "Measured otherwise: ", right, ".")


def _commit(key: str, place: int) -> None:
    st.query_params[key] = str(place)
