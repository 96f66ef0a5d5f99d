"""Wrong implementations, one for each check at least: a check that has never rejected anything is not a check."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from workbench.explanation import Claim
from workbench.methods.gradient import Gradient
from workbench.methods.input_x_gradient import InputXGradient
from workbench.methods.integrated_gradients import IntegratedGradients
from workbench.methods.kernel_shap import KernelShap
from workbench.methods.random import Random
from workbench.metrics.completeness import Completeness
from workbench.metrics.deletion import Deletion
from workbench.metrics.insertion import Insertion
from workbench.metrics.pointing_game import PointingGame
from workbench.metrics.relevance_mass import RelevanceMass
from workbench.query import Query
from workbench.records import Attribution, Score
from workbench.subject import Subject
from zoo.task import Samples


@dataclass(frozen=True, kw_only=True)
class ForgetsDisplacement(IntegratedGradients):
    """The averaged gradient alone: does not add up."""

    def attribute(self, query: Query) -> Tensor:
        path = query.points - query.subject.points(self.reference(query))
        return super().attribute(query) / torch.where(path.abs() < 0.1, 0.1, path)


@dataclass(frozen=True, kw_only=True)
class SharesWithAll(KernelShap):
    """Gives every feature the mean: a feature that f ignores gets its part."""

    def attribute(self, query: Query) -> Tensor:
        values = super().attribute(query)
        return values.flatten(1).mean(1).view(-1, *[1] * (values.ndim - 1)).expand(values.shape).contiguous()


@dataclass(frozen=True, kw_only=True)
class Squares(Gradient):
    """The squared gradient: not linear in f."""

    def attribute(self, query: Query) -> Tensor:
        return super().attribute(query) ** 2


@dataclass(frozen=True, kw_only=True)
class PrefersTheFirst(KernelShap):
    """Weighs features by their place: interchangeable ones differ."""

    def attribute(self, query: Query) -> Tensor:
        values = super().attribute(query)
        return values * torch.linspace(1.0, 0.5, values[0].numel()).view(values.shape[1:])


@dataclass(frozen=True, kw_only=True)
class ReadsTheWeights(InputXGradient):
    """Looks at how f is built: another implementation of f gets another map."""

    def attribute(self, query: Query) -> Tensor:
        tensors = [*query.subject.network.parameters(), *query.subject.network.buffers()]
        return super().attribute(query) * (1 + len(tensors))


@dataclass(frozen=True, kw_only=True)
class PeeksAtTheModel(Random):
    """A control that is not one."""

    def attribute(self, query: Query) -> Tensor:
        return super().attribute(query) + 0.1 * query.values(query.inputs)[:, None]


METHODS = {
    Claim.COMPLETENESS: ForgetsDisplacement(),
    Claim.DUMMY: SharesWithAll(),
    Claim.LINEARITY: Squares(),
    Claim.SYMMETRY: PrefersTheFirst(),
    Claim.IMPLEMENTATION_INVARIANCE: ReadsTheWeights(),
    Claim.CONTROL: PeeksAtTheModel(),
}


def _negated(attribution: Attribution) -> Attribution:
    from checks import with_values

    return with_values(attribution, -attribution.values)


@dataclass(frozen=True, kw_only=True)
class DeletesTheLeast(Deletion):
    """Removes the lowest attribution first."""

    def score(self, subject: Subject, samples: Samples, attribution: Attribution) -> Score:
        return super().score(subject, samples, _negated(attribution))


@dataclass(frozen=True, kw_only=True)
class InsertsTheLeast(Insertion):
    """Puts the lowest attribution back first."""

    def score(self, subject: Subject, samples: Samples, attribution: Attribution) -> Score:
        return super().score(subject, samples, _negated(attribution))


@dataclass(frozen=True, kw_only=True)
class FlatteredByItsControl(Deletion):
    """Halves the area of what it scores, not of its control: noise looks good."""

    def record(self, attribution, values, control, scored=None, why="") -> Score:
        return super().record(attribution, values * 0.9, control, scored, why)


@dataclass(frozen=True, kw_only=True)
class CountsMagnitude(RelevanceMass):
    """Counts what speaks against the class as if it spoke for it."""

    def located(self, maps, evidence, shape) -> np.ndarray:
        return super().located(np.abs(maps), evidence, shape)


@dataclass(frozen=True, kw_only=True)
class ScoresTheOutside(RelevanceMass):
    """The share outside of the evidence."""

    def located(self, maps, evidence, shape) -> np.ndarray:
        return super().located(maps, ~evidence, shape)


@dataclass(frozen=True, kw_only=True)
class EvenControl(RelevanceMass):
    """A control that never points anywhere near."""

    def record(self, attribution, values, control, scored=None, why="") -> Score:
        return super().record(attribution, values, control * 0.5, scored, why)


@dataclass(frozen=True, kw_only=True)
class TakesTheFirstMaximum(PointingGame):
    """Looks at the first of several maxima alone."""

    def located(self, maps, evidence, shape) -> np.ndarray:
        first = np.zeros_like(maps)
        np.put_along_axis(first, maps.argmax(-1)[..., None], 1.0, -1)
        return super().located(first, evidence, shape)


@dataclass(frozen=True, kw_only=True)
class PointsByLuck(PointingGame):
    """A control that always misses."""

    def record(self, attribution, values, control, scored=None, why="") -> Score:
        return super().record(attribution, values, control * 0, scored, why)


@dataclass(frozen=True, kw_only=True)
class ScoresWrongAnswersToo(RelevanceMass):
    """Blames the method where the model is wrong."""

    def record(self, attribution, values, control, scored=None, why="") -> Score:
        return super().record(attribution, values, control, None, why)


@dataclass(frozen=True, kw_only=True)
class PointsOnWrongAnswersToo(PointingGame):
    """The same of the pointing game."""

    def record(self, attribution, values, control, scored=None, why="") -> Score:
        return super().record(attribution, values, control, None, why)


@dataclass(frozen=True, kw_only=True)
class ForgetsTheSign(Completeness):
    """Adds up magnitudes, which is completeness of nothing."""

    def score(self, subject: Subject, samples: Samples, attribution: Attribution) -> Score:
        return super().score(subject, samples, attribution.abs())


def metrics() -> list[tuple]:
    """Each check with a metric that it must reject."""
    import checks

    return [
        (checks.check_removal_equals_the_loop, DeletesTheLeast()),
        (checks.check_removal_equals_the_loop, InsertsTheLeast()),
        (checks.check_prefers_the_truth, DeletesTheLeast()),
        (checks.check_prefers_the_truth, InsertsTheLeast()),
        (checks.check_control_is_chance, FlatteredByItsControl()),
        (checks.check_mass_on_paper, CountsMagnitude()),
        (checks.check_mass_on_paper, ScoresTheOutside()),
        (checks.check_control_is_chance, EvenControl()),
        (checks.check_only_right_answers_count, ScoresWrongAnswersToo()),
        (checks.check_pointing_on_paper, TakesTheFirstMaximum()),
        (checks.check_control_is_chance, PointsByLuck()),
        (checks.check_only_right_answers_count, PointsOnWrongAnswersToo()),
        (checks.check_gap_on_paper, ForgetsTheSign()),
    ]
