"""Jobs: computations that run beside the page, are shared by who asks for the same, and stop when nobody waits.

A job is found by its key, which is made of names, hashes and frozen configurations, never of arrays. The key follows
from the link, so a job outlives a rerun, a reload and a second window: whoever asks again finds it where it is.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Generic, TypeVar

T = TypeVar("T")

ABANDONED = 8.0
"""Seconds without anybody asking after which a job stops: a reload takes about two."""
KEPT = 256
WORKERS = 2


class Cancelled(Exception):
    """Raised inside a computation whose result nobody waits for any more."""


@dataclass(frozen=True, kw_only=True)
class Work(Generic[T]):
    """Something to compute: `key` identifies the result, `compute(watch)` makes it and calls `watch` as it goes.

    `label` says in words what is being computed; `total` how many passes it takes, or `stages` how many parts it has,
    where that is known.
    """

    key: Hashable
    label: str
    compute: Callable[[Callable[[Any], None]], T]
    total: int | None = None
    stages: int | None = None


@dataclass(eq=False)
class Job(Generic[T]):
    """A piece of work under way or done."""

    work: Work[T]
    finished: threading.Event = field(default_factory=threading.Event)
    started: float = field(default_factory=time.monotonic)
    result: T | None = None
    error: Exception | None = None
    stages: list[str] = field(default_factory=list)
    _meters: dict[int, Any] = field(default_factory=dict)
    _watchers: dict[str, float] = field(default_factory=dict)

    @property
    def passes(self) -> int:
        """Forward and backward passes done so far."""
        return sum(meter.forward + meter.backward for meter in list(self._meters.values()))

    def attend(self, session: str) -> None:
        """Say that this session waits for the result."""
        self._watchers[session] = time.monotonic()

    def leave(self, session: str) -> None:
        """Say that this session does not wait any more; the job stops at its next chunk if nobody else does."""
        self._watchers.pop(session, None)

    def watch(self, meter: Any) -> None:
        """Called by the computation after each chunk with its meter, or with the name of the stage it begins."""
        if isinstance(meter, str):
            self.stages.append(meter)
        else:
            self._meters[id(meter)] = meter
        now = time.monotonic()
        if not any(now - seen < ABANDONED for seen in list(self._watchers.values())):
            raise Cancelled

    def run(self) -> None:
        try:
            self.result = self.work.compute(self.watch)
        except Exception as error:  # kept and raised again where the result is asked for
            self.error = error
        finally:
            self._meters.clear()
            self.finished.set()


class Board:
    """All jobs of this server, the least recently used of the finished ones forgotten."""

    def __init__(self, workers: int = WORKERS) -> None:
        self._jobs: OrderedDict[Hashable, Job] = OrderedDict()
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="job")

    def attend(self, work: Work[T], session: str) -> Job[T]:
        """The job for this work, started if need be; a job that failed or was stopped is started again."""
        with self._lock:
            job = self._jobs.get(work.key)
            if job is None or (job.finished.is_set() and job.error is not None):
                job = self._jobs[work.key] = Job(work)
                job.attend(session)
                self._pool.submit(job.run)
            job.attend(session)
            self._jobs.move_to_end(work.key)
            self._forget()
            return job

    def find(self, key: Hashable) -> Job | None:
        """The job of this key, if there is one; asking so does not start anything."""
        with self._lock:
            return self._jobs.get(key)

    def leave(self, key: Hashable, session: str) -> None:
        """This session does not wait for that job any more."""
        with self._lock:
            if key in self._jobs:
                self._jobs[key].leave(session)

    def running(self) -> int:
        """How many jobs are under way."""
        with self._lock:
            return sum(not job.finished.is_set() for job in self._jobs.values())

    def _forget(self) -> None:
        done = [key for key, job in self._jobs.items() if job.finished.is_set()]
        for key in done[: max(0, len(self._jobs) - KEPT)]:
            del self._jobs[key]


@cache
def board() -> Board:
    """The one board of this process."""
    return Board()
