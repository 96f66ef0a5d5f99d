"""A lesson: one popular claim, a question, an experiment that is run now, and the verdict that follows from it."""

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from workbench import settings
from workbench.report.blocks import Block
from workbench.report.html import build
from zoo.discovery import discover, find


@dataclass(frozen=True, kw_only=True)
class AbstractLesson(settings.Extension):
    """A frozen configuration that can run its experiment; its settings are what a learner can steer.

    `number` is its place in the course, `claim` what people say. `run` yields blocks: what is needed to answer the
    question, then the `Question`, and only after it what was measured, up to a `Verdict` that is computed from the
    records. Whoever shows the lesson may stop at the question until it has been answered: nothing has run by then.
    """

    number: ClassVar[int]
    claim: ClassVar[str]

    @abstractmethod
    def run(self) -> Iterator[Block]:
        """The lesson, block by block."""


def lessons() -> dict[str, type[AbstractLesson]]:
    """Every lesson there is, by name, in the order of the course."""
    found = discover("workbench.lessons", AbstractLesson)
    return dict(sorted(found.items(), key=lambda entry: entry[1].number))


def lesson(name: str, /, **given: Any) -> AbstractLesson:
    """A lesson by its name and settings, which may be text."""
    return settings.build(find("workbench.lessons", AbstractLesson, name, "lesson"), given)


def lesson_html(chosen: AbstractLesson) -> str:
    """The whole lesson, run and written down, as one HTML page."""
    return build(list(chosen.run()), f"Lesson {chosen.number}: {chosen.title}")
