"""Analysis: what every analysis of a model is."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

from workbench import settings
from workbench.records import Record
from workbench.subject import Subject
from zoo.discovery import discover, find
from zoo.task import Samples


@dataclass(frozen=True, kw_only=True)
class AbstractAnalysis(settings.Extension):
    """A question about a model and a batch of samples whose answer is one record."""

    @abstractmethod
    def run(self, subject: Subject, samples: Samples) -> Record:
        """The answer."""

    def why_not(self, subject: Subject) -> str | None:
        """None where the analysis fits a subject; else one sentence that says why it does not."""
        return None


def analyses() -> dict[str, type[AbstractAnalysis]]:
    """Every analysis there is, by name."""
    return discover("workbench.analyses", AbstractAnalysis)


def measures() -> dict[str, type[AbstractAnalysis]]:
    """Every measure of the loss landscape there is, by name."""
    return discover("workbench.landscape", AbstractAnalysis)


def analysis(name: str, **given: Any) -> AbstractAnalysis:
    """An analysis by its name and settings, which may be text."""
    return settings.build(find("workbench.analyses", AbstractAnalysis, name, "analysis"), given)


def measure(name: str, **given: Any) -> AbstractAnalysis:
    """A measure of the loss landscape by its name and settings, which may be text."""
    return settings.build(find("workbench.landscape", AbstractAnalysis, name, "landscape measure"), given)
