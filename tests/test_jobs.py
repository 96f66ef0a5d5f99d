"""Jobs, documents and markup: what pages stand on, without a page."""

import html
import re
import threading
import time

import pytest

from pages.ui import documents, markup
from pages.ui.jobs import ABANDONED, Board, Cancelled, Job, Work


class Passes:
    """What a computation tells its watcher: passes done."""

    def __init__(self) -> None:
        self.forward, self.backward = 1, 0


@pytest.fixture
def board() -> Board:
    """A board of its own."""
    return Board(workers=2)


def test_who_asks_for_the_same_waits_for_the_same(board: Board) -> None:
    calls = []
    gate = threading.Event()

    def compute(watch: object) -> int:
        calls.append(watch)
        gate.wait(5)
        return 7

    jobs = [board.attend(Work(key="k", label="", compute=compute), session) for session in ("a", "b", "a")]
    gate.set()
    assert jobs[0] is jobs[1] is jobs[2]
    assert jobs[0].finished.wait(5)
    assert jobs[0].result == 7
    assert len(calls) == 1


def test_a_job_that_nobody_waits_for_stops_at_its_next_chunk(board: Board) -> None:
    chunks = []

    def compute(watch: object) -> None:
        while True:
            time.sleep(0.01)
            chunks.append(1)
            watch(Passes())  # type: ignore[operator]

    work = Work(key="endless", label="", compute=compute)
    job = board.attend(work, "a")
    board.attend(work, "b")
    board.leave("endless", "a")
    assert not job.finished.wait(0.2), "the other session still waits"
    board.leave("endless", "b")
    assert job.finished.wait(2)
    assert isinstance(job.error, Cancelled)
    assert board.running() == 0


def test_a_reader_who_is_gone_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    job = Job(Work(key="k", label="", compute=lambda _: None))
    job.attend("a")
    job.watch(Passes())
    later = time.monotonic() + ABANDONED + 1
    monkeypatch.setattr(time, "monotonic", lambda: later)
    with pytest.raises(Cancelled):
        job.watch(Passes())


def test_a_job_that_failed_is_tried_again(board: Board) -> None:
    outcomes = iter([ValueError("first"), None])

    def compute(watch: object) -> str:
        del watch
        if (error := next(outcomes)) is not None:
            raise error
        return "second"

    work = Work(key="k", label="", compute=compute)
    first = board.attend(work, "a")
    assert first.finished.wait(5)
    assert isinstance(first.error, ValueError)
    second = board.attend(work, "a")
    assert second.finished.wait(5)
    assert second.result == "second"


def test_finished_jobs_are_forgotten_the_oldest_first(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pages.ui.jobs.KEPT", 3)
    for key in range(6):
        board.attend(Work(key=key, label="", compute=lambda _: 0), "a").finished.wait(5)
    board.attend(Work(key=6, label="", compute=lambda _: 0), "a").finished.wait(5)
    assert board.find(0) is None
    assert board.find(6) is not None


def test_documents_are_found_by_their_hash_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "KEPT", 2)
    keys = [documents.keep(f"<p>{index}</p>") for index in range(3)]
    assert len(set(keys)) == 3
    assert documents.find(keys[2]) == "<p>2</p>"
    assert documents.find(keys[0]) is None
    assert documents.find("../../etc/passwd") is None


@pytest.mark.parametrize("text", ["<script>", '" onload="x', "a & b", "</div><b>"])
def test_markup_escapes_whatever_is_not_markup(text: str) -> None:
    made = markup.element("p", text, text, style=text)
    assert "<script>" not in made
    assert "</div>" not in made
    assert made.count("<") == 2
    assert html.unescape(re.sub(r"^<p[^>]*>|</p>$", "", made)) == text
