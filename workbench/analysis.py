"""Analysis: what every analysis of a model is."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

from workbench import settings
from workbench.provenance import provenance
from workbench.records import Record
from workbench.subject import Subject
from zoo.discovery import discover, find
from zoo.errors import InputError
from zoo.task import Samples


@dataclass(frozen=True, kw_only=True)
class AbstractAnalysis(settings.Extension):
    """A question about a model and a batch of samples whose answer is one record."""

    needs_classes: ClassVar[bool] = False
    """Whether it makes sense only where a class is asked for."""

    @abstractmethod
    def run(self, subject: Subject, samples: Samples) -> Record:
        """The answer."""

    def cost(self) -> tuple[int, int]:
        """Forward and backward passes per sample that a run takes (an upper bound where it adapts)."""
        return 1, 0

    def why_not(self, subject: Subject) -> str | None:
        """None where the analysis fits a subject; else one sentence that says why it does not."""
        if self.needs_classes and subject.task.regression:
            return f"{self.title} is about classes, but {subject.task.name} asks for a number. Choose another task."
        return None

    def origin(self, subject: Subject, samples: Samples) -> dict[str, Any]:
        """The provenance of a run: the subject, this analysis and its settings, the samples."""
        return {
            **provenance(subject),
            "analysis": self.name,
            "settings": settings.values(self),
            "sample_ids": list(samples.ids),
        }

    def _require(self, subject: Subject, samples: Samples) -> None:
        """Raise `InputError` where the analysis does not fit the subject, or the samples its task."""
        if (reason := self.why_not(subject)) is not None:
            raise InputError(reason)
        subject.check(samples)


def analyses() -> dict[str, type[AbstractAnalysis]]:
    """Every analysis there is, by name."""
    return discover("workbench.analyses", AbstractAnalysis)


def measures() -> dict[str, type[AbstractAnalysis]]:
    """Every measure of the loss landscape there is, by name."""
    return discover("workbench.landscape", AbstractAnalysis)


def analysis(name: str, /, **given: Any) -> AbstractAnalysis:
    """An analysis by its name and settings, which may be text."""
    return settings.build(find("workbench.analyses", AbstractAnalysis, name, "analysis"), given)


def measure(name: str, /, **given: Any) -> AbstractAnalysis:
    """A measure of the loss landscape by its name and settings, which may be text."""
    return settings.build(find("workbench.landscape", AbstractAnalysis, name, "landscape measure"), given)


def labelled(samples: Samples) -> Samples:
    """The same samples, or an `InputError` where there are none or one of them has no label."""
    if not len(samples):
        raise InputError("No samples were given. Choose at least one, for example test:0:512.")
    if (samples.labels < 0).any():
        unlabelled = samples.ids[int((samples.labels < 0).nonzero()[0, 0])]
        raise InputError(
            f"Sample {unlabelled} has no label to compare with. Choose samples of one of the task's splits."
        )
    return samples
