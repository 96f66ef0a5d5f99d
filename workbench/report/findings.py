"""Findings: samples explained by several methods, with the evidence; what a saliency report is written from."""

from collections.abc import Sequence
from dataclasses import dataclass

import zoo
from workbench import records
from workbench.evaluation import seeded
from workbench.evidence import evidence
from workbench.explanation import AbstractMethod, Claim, explain
from workbench.records import Attribution, Score, Target
from workbench.scoring import metrics, without_training
from workbench.subject import Subject
from zoo.errors import InputError
from zoo.task import Samples


@dataclass(frozen=True, kw_only=True, eq=False)
class Findings:
    """Everything a saliency report is written from. All samples, by every method."""

    subject: Subject
    samples: Samples
    methods: tuple[AbstractMethod, ...]
    target: Target
    seed: int
    attributions: tuple[Attribution, ...]
    evidence: tuple[tuple[records.Evidence, ...], ...]
    """Per method, the evidence of each sample."""

    def of_sample(self, index: int) -> tuple[records.Evidence, ...]:
        """The evidence of one sample, per method."""
        return tuple(found[index] for found in self.evidence)

    @property
    def controls(self) -> frozenset[str]:
        """Titles of the methods that know nothing of the model."""
        return frozenset(method.title for method in self.methods if Claim.CONTROL in method.claims)

    def scores(self, record: Attribution) -> list[Score]:
        """The scores of one attribution by every metric that applies to it and trains no model."""
        made = [seeded(kind(), self.seed) for kind in without_training(metrics()).values()]
        applicable = [metric for metric in made if metric.why_not(self.samples, record) is None]
        return [metric.score(self.subject, self.samples, record) for metric in applicable]


def gather(
    subject: Subject, samples: Samples, methods: Sequence[AbstractMethod], target: Target, seed: int
) -> Findings:
    """Explain all samples by each method and gather the evidence; `seed` is given to all that have one."""
    if not methods:
        raise InputError("A saliency report needs at least one method. Name one, or take all that fit the model.")
    chosen = tuple(seeded(method, seed) for method in methods)
    attributions = tuple(explain(subject, samples, method, target) for method in chosen)
    return Findings(
        subject=subject,
        samples=samples,
        methods=chosen,
        target=target,
        seed=seed,
        attributions=attributions,
        evidence=tuple(tuple(evidence(subject, samples, record, seed)) for record in attributions),
    )


def card_of(subject: Subject) -> zoo.ModelCard | None:
    """The card of a model of the zoo; None for any other model, also for one that has borrowed a name."""
    if subject.name not in zoo.RECIPES:
        return None
    card = zoo.card(subject.name)
    return card if card.digest == subject.digest else None
