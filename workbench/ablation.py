"""Truth ablation: whether a model uses the planted evidence, without which no map can be blamed for missing it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

from jaxtyping import Bool
from torch import Tensor

import zoo
from workbench.perturbations import keep
from workbench.quantity import fixed
from workbench.query import Query
from workbench.records import Output
from workbench.reference_inputs import reference_inputs
from workbench.subject import Subject, to_numpy
from zoo.errors import InputError
from zoo.quality import r_squared
from zoo.task import Ablatable, Samples, Task

MOST_LOST = 0.5
"""Of the score above chance that may be left without the evidence: with more, most of it comes from elsewhere."""
LEAST_KEPT = 0.5
"""Of the score above chance that must be left when everything else is exchanged."""
LEAST_ABOVE = 0.05
"""By which the score must be above chance (accuracy, or R²): below it there is nothing that evidence could explain."""
MOST_SAMPLES = 256


@dataclass(frozen=True, kw_only=True)
class Ablation:
    """The score of a model on samples, without their evidence, and with all else exchanged or taken away.

    When it misleads: a rendering without the evidence may still hint at the label, and an input whose rest is replaced
    by a reference may be unlike anything the model has seen.
    """

    score: float
    without_evidence: float
    without_rest: float
    chance: float
    how: str

    @property
    def passes(self) -> bool:
        """Whether taking the evidence away loses the answer, and taking the rest away does not."""
        above = self.score - self.chance
        lost = self.without_evidence - self.chance <= MOST_LOST * above
        return above >= LEAST_ABOVE and lost and self.without_rest - self.chance >= LEAST_KEPT * above

    @property
    def sentence(self) -> str:
        """What was found, with its numbers."""
        uses = "the model uses" if self.passes else "the model does not rest on"
        score, without, rest, chance = (
            fixed(value, 2) for value in (self.score, self.without_evidence, self.without_rest, self.chance)
        )
        return (
            f"{uses} the planted evidence: its score is {score}, {without} without the evidence and {rest} with "
            f"{self.how} (chance: {chance})."
        )


def ablation(subject: Subject, samples: Samples) -> Ablation | None:
    """Whether a model uses the evidence of a task's samples; None where no evidence is known.

    As the model's card says, where it was measured; else by rendering the first samples of the split again, without
    their evidence and with another rest; else by putting the reference input in the place of either.
    """
    if samples.evidence is None or not bool(samples.evidence.any()):
        return None
    if samples.answers is None and (found := _of_card(subject)) is not None:
        return found
    split = samples.ids[0].rpartition(":")[0]
    if isinstance(subject.task, Ablatable) and split in subject.task.splits:
        return _by_rendering(subject, split)
    return _by_reference(subject, samples)


def _of_card(subject: Subject) -> Ablation | None:
    """What the card of a model of the zoo says, if these are its weights."""
    if subject.name not in zoo.RECIPES:
        return None
    try:
        card = zoo.card(subject.name)
    except InputError:
        return None
    if card.digest != subject.digest or card.evidence_used is None:
        return None
    found = card.evidence_used
    return Ablation(
        score=card.metrics.score,
        without_evidence=found["without_evidence"],
        without_rest=found["with_other_rest"],
        chance=found["chance"],
        how="everything else exchanged",
    )


def _by_rendering(subject: Subject, split: str) -> Ablation:
    whole = subject.task.samples(split)
    first = range(min(MOST_SAMPLES, len(whole)))
    found = [_score(subject, each.take(first)) for each in (whole, *_rendered(subject.task, split))]
    return _ablation(subject, found, "everything else exchanged")


def _by_reference(subject: Subject, samples: Samples) -> Ablation:
    assert samples.evidence is not None
    known = samples.take([i for i, marked in enumerate(samples.evidence.flatten(1).any(1).tolist()) if marked])
    assert known.evidence is not None
    query = Query(subject, known, known.labels.clamp(min=0), Output.LOGIT)
    reference = reference_inputs(query)
    mask = _over_channels(known.evidence, known.inputs)
    inside = query.groups >= 0
    changed = [keep(known.inputs, kept | ~inside, reference) for kept in (~mask, mask)]
    found = [_score(subject, known), *(_score(subject, replace(known, inputs=inputs)) for inputs in changed)]
    return _ablation(subject, found, "the reference input in place of everything else")


def _ablation(subject: Subject, found: list[float], how: str) -> Ablation:
    chance = 0.0 if subject.task.regression else 1 / len(subject.task.classes)
    return Ablation(score=found[0], without_evidence=found[1], without_rest=found[2], chance=chance, how=how)


def _score(subject: Subject, samples: Samples) -> float:
    """Accuracy, or R²; of sequences at the last step, whose evidence is marked."""
    logits = to_numpy(subject.logits(samples.inputs))
    if samples.values is not None:
        return float(r_squared(logits[:, 0], to_numpy(samples.values)))
    return float((logits.argmax(1) == to_numpy(samples.labels)).mean())


def _over_channels(evidence: Bool[Tensor, "sample ..."], inputs: Tensor) -> Bool[Tensor, "sample ..."]:
    return (evidence.unsqueeze(1) if evidence.ndim < inputs.ndim else evidence).expand(inputs.shape)


@lru_cache(maxsize=8)
def _rendered(task: Task, split: str) -> tuple[Samples, Samples]:
    assert isinstance(task, Ablatable)
    render: tuple[Callable[[str], Samples], ...] = (task.without_evidence, task.with_other_rest)
    without, other = (each(split) for each in render)
    return without, other
