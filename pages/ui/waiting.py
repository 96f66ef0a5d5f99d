"""Waiting: a page asks for work and gets its result, sees how far it is, and may cancel it.

While a page waits, what it showed before stays on the screen, dimmed. Any change of a control ends the wait at once.
"""

import time
import uuid
from collections.abc import Sequence
from typing import TypeVar

import streamlit as st

from pages.ui import show
from pages.ui.jobs import Cancelled, Job, Work, board
from zoo.errors import InputError

T = TypeVar("T")

PATIENCE = 0.5
"""Seconds that a page waits in silence: a bar that flashes up and goes is worse than none."""
TICK = 0.2


def result(work: Work[T], slot: str) -> T | None:
    """The result of one piece of work, or None where it failed or was cancelled, which is then said in place."""
    found = results([work], slot)
    return found[0] if found else None


def results(works: Sequence[Work[T]], slot: str) -> list[T] | None:
    """The results of several pieces of work; `slot` names the place on the page, whose earlier work is left."""
    session = _session()
    _leave_earlier(works, slot, session)
    if _is_cancelled(works, slot):
        return None
    jobs = [board().attend(work, session) for work in works]
    deadline = time.monotonic() + PATIENCE
    if not all(job.finished.wait(max(0.0, deadline - time.monotonic())) for job in jobs):
        _watch(jobs, slot, session)
    for job in jobs:
        if isinstance(job.error, InputError):
            show.problem(job.error)
            return None
        if isinstance(job.error, Cancelled):
            show.problem("The computation was stopped. Reload the page to start it again.")
            return None
        if job.error is not None:
            raise job.error
    return [job.result for job in jobs]  # type: ignore[misc]


def ready(works: Sequence[Work[T]]) -> list[T] | None:
    """The results of work that was done before, without waiting; None where any of it was not."""
    jobs = [board().find(work.key) for work in works]
    if any(job is None or not job.finished.is_set() or job.error is not None for job in jobs):
        return None
    return [job.result for job in jobs if job is not None]  # type: ignore[misc]


def begin(work: Work) -> None:
    """Start work that somebody is about to ask for."""
    board().attend(work, "ahead")


def _watch(jobs: Sequence[Job], slot: str, session: str) -> None:
    """Show how far the jobs are until all are done. Streamlit ends this loop where the page is run again."""
    place = st.empty()
    with place.container(horizontal=True, vertical_alignment="center", gap="medium"):
        bar = st.progress(0.0, text=_progress(jobs)[1], width="stretch")
        keys = [job.work.key for job in jobs]
        st.button("Cancel", key=f"cancel {slot}", on_click=_cancel, args=(slot, keys, session))
    while pending := [job for job in jobs if not job.finished.is_set()]:
        for job in pending:
            job.attend(session)
        share, text = _progress(jobs)
        bar.progress(share, text=text)
        pending[0].finished.wait(TICK)
    place.empty()


def _progress(jobs: Sequence[Job]) -> tuple[float, str]:
    """The share done, and in words what is being computed, passes done and left, and seconds left."""
    current = next((job for job in jobs if not job.finished.is_set()), jobs[-1])
    if current.work.stages and current.stages:
        done = (len(current.stages) - 1) / current.work.stages
        return min(1.0, done), f"{current.work.label}: {current.stages[-1]}, {current.passes:,} passes done"
    totals = [job.work.total for job in jobs]
    if None in totals or not sum(t for t in totals if t):
        share = sum(job.finished.is_set() for job in jobs) / len(jobs)
        passes = f": {current.passes:,} passes done" if current.passes else " …"
        return share, current.work.label + passes
    total = sum(t for t in totals if t is not None)
    done = sum(t if job.finished.is_set() else min(job.passes, t) for job, t in zip(jobs, totals, strict=True) if t)
    elapsed = time.monotonic() - min(job.started for job in jobs)
    left = f", about {elapsed * (total - done) / done:.0f} s left" if done and elapsed > 1 else ""
    return done / total, f"{current.work.label}: {done:,} passes done, {total - done:,} left{left}"


def _session() -> str:
    if "session" not in st.session_state:
        st.session_state["session"] = uuid.uuid4().hex
    return st.session_state["session"]


def _leave_earlier(works: Sequence[Work], slot: str, session: str) -> None:
    """Leave what this place on the page waited for before and does not want any more."""
    keys = [work.key for work in works]
    for earlier in st.session_state.get(f"slot {slot}", ()):
        if earlier not in keys:
            board().leave(earlier, session)
    st.session_state[f"slot {slot}"] = keys


def _cancel(slot: str, keys: Sequence[object], session: str) -> None:
    st.session_state[f"cancelled {slot}"] = list(keys)
    for key in keys:
        board().leave(key, session)


def _is_cancelled(works: Sequence[Work], slot: str) -> bool:
    """Whether the reader stopped this very work; then say so and offer to begin again."""
    if st.session_state.get(f"cancelled {slot}") != [work.key for work in works]:
        return False
    place = st.empty()
    with place.container(horizontal=True, vertical_alignment="center"):
        show.quiet(f"Cancelled: {works[0].label.lower()}.")
        again = st.button("Compute again", key=f"again {slot}")
    if again:
        del st.session_state[f"cancelled {slot}"]
        place.empty()
    return not again
