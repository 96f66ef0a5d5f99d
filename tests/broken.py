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
from workbench.metrics.aup import Aup
from workbench.metrics.auprc import Auprc
from workbench.metrics.aur import Aur
from workbench.metrics.auroc import Auroc
from workbench.metrics.average_sensitivity import AverageSensitivity
from workbench.metrics.cascading_randomisation import CascadingRandomisation
from workbench.metrics.class_sensitivity import ClassSensitivity
from workbench.metrics.completeness import Completeness
from workbench.metrics.deletion import Deletion
from workbench.metrics.earth_movers_distance import EarthMoversDistance
from workbench.metrics.effective_size import EffectiveSize
from workbench.metrics.entropy import Entropy
from workbench.metrics.insertion import Insertion
from workbench.metrics.local_lipschitz import LocalLipschitz
from workbench.metrics.max_sensitivity import MaxSensitivity
from workbench.metrics.pointing_game import PointingGame
from workbench.metrics.relative_input_stability import RelativeInputStability
from workbench.metrics.relative_output_stability import RelativeOutputStability
from workbench.metrics.relevance_mass import RelevanceMass
from workbench.metrics.relevance_rank_accuracy import RelevanceRankAccuracy
from workbench.metrics.seed_spread import SeedSpread
from workbench.metrics.sparseness import Sparseness
from workbench.metrics.top_k_intersection import TopKIntersection
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


@dataclass(frozen=True, kw_only=True)
class LooksAtTheClass(Random):
    """Asks which class is explained, which a control must not care for."""

    def attribute(self, query: Query) -> Tensor:
        values = super().attribute(query)
        return values * (1 + query.classes.view(-1, *[1] * (values.ndim - 1)))


@dataclass(frozen=True, kw_only=True)
class RunsTheModel(Random):
    """Asks the model, and makes nothing of the answer."""

    def attribute(self, query: Query) -> Tensor:
        query.values(query.inputs)
        return super().attribute(query)


@dataclass(frozen=True, kw_only=True)
class IgnoresItsSeed(Random):
    """Says that it is random, and is not."""

    def attribute(self, query: Query) -> Tensor:
        return Random().attribute(query)


@dataclass(frozen=True, kw_only=True)
class SaysNothing(Random):
    """Zeros."""

    def attribute(self, query: Query) -> Tensor:
        return super().attribute(query) * 0


CONTROLS = (PeeksAtTheModel(), LooksAtTheClass(), RunsTheModel(), IgnoresItsSeed(), SaysNothing())
"""What `check_control` must reject, each for another reason."""

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


@dataclass(frozen=True, kw_only=True)
class TakesTiesForHits(RelevanceRankAccuracy):
    """Whatever ties with the last of the highest counts as found."""

    def located(self, maps, evidence, shape) -> np.ndarray:
        last = -np.sort(-maps, axis=-1)[..., evidence.sum() - 1 : evidence.sum()]
        return ((maps >= last) & evidence).sum(-1) / evidence.sum()


@dataclass(frozen=True, kw_only=True)
class DividesByK(TopKIntersection):
    """Cannot reach 1 where the evidence is smaller than k."""

    def located(self, maps, evidence, shape) -> np.ndarray:
        return super().located(maps, evidence, shape) * min(self.k, evidence.sum()) / self.k


@dataclass(frozen=True, kw_only=True)
class TiesAreLost(Auroc):
    """Places that are alike count as wrongly ranked."""

    def located(self, maps, evidence, shape) -> np.ndarray:
        return (maps[..., evidence][..., :, None] > maps[..., ~evidence][..., None, :]).mean((-1, -2))


@dataclass(frozen=True, kw_only=True)
class OneByOne(Auprc):
    """Counts places of equal value one after the other, as they lie."""

    def located(self, maps, evidence, shape) -> np.ndarray:
        hits = evidence[np.argsort(-maps, axis=-1, kind="stable")]
        precision = hits.cumsum(-1) / np.arange(1, maps.shape[-1] + 1)
        return (precision * hits).sum(-1) / evidence.sum()


@dataclass(frozen=True, kw_only=True)
class ScalesByTheRange(Aup):
    """Lifts what is negative to the bottom of the scale."""

    def located(self, maps, evidence, shape) -> np.ndarray:
        return super().located(maps - maps.min(-1, keepdims=True), evidence, shape)


@dataclass(frozen=True, kw_only=True)
class RecallsMagnitude(Aur):
    """What speaks against the class is found too."""

    def located(self, maps, evidence, shape) -> np.ndarray:
        return super().located(np.abs(maps), evidence, shape)


@dataclass(frozen=True, kw_only=True)
class MovesInOneStep(EarthMoversDistance):
    """Every move costs the same, wherever it goes."""

    def located(self, maps, evidence, shape) -> np.ndarray:
        return super().located(maps, evidence, {"feature": maps.shape[-1]})


@dataclass(frozen=True, kw_only=True)
class NeverQuiteEven(Sparseness):
    """Another convention of the ranks, by which a constant map is not even."""

    def measured(self, shares) -> np.ndarray:
        return super().measured(shares) + 1 / shares.shape[-1]


@dataclass(frozen=True, kw_only=True)
class CountsInBits(Entropy):
    """The logarithm to base 2."""

    def measured(self, shares) -> np.ndarray:
        return super().measured(shares) / np.log(2)


@dataclass(frozen=True, kw_only=True)
class StopsBeforeTheShare(EffectiveSize):
    """The places that are still below the share."""

    def measured(self, shares) -> np.ndarray:
        return super().measured(shares) - 1


@dataclass(frozen=True, kw_only=True)
class TakesTheMean(MaxSensitivity):
    """The mean over inputs nearby in place of the maximum."""

    def measured(self, nearby) -> float:
        return float(nearby.relative_change().mean())


@dataclass(frozen=True, kw_only=True)
class TakesTheMaximum(AverageSensitivity):
    """The maximum in place of the mean."""

    def measured(self, nearby) -> float:
        return float(nearby.relative_change().max())


@dataclass(frozen=True, kw_only=True)
class ForgetsTheDistance(LocalLipschitz):
    """Does not ask how far the input was moved."""

    def measured(self, nearby) -> float:
        return float(nearby.change().max())


@dataclass(frozen=True, kw_only=True)
class DividesByDistance(RelativeInputStability):
    """The input's change in its own units, not in shares of its size."""

    def measured(self, nearby) -> float:
        return float((nearby.relative_change() / nearby.distance).max())


@dataclass(frozen=True, kw_only=True)
class DividesMaxima(RelativeOutputStability):
    """The largest change of the map over the largest of the answer, which may belong to different inputs."""

    def measured(self, nearby) -> float:
        return float(nearby.relative_change().max() / nearby.answer.max())


@dataclass(frozen=True, kw_only=True)
class BiasedVariance(SeedSpread):
    """The variance over seeds without the correction for their mean, so that noise is not 1."""

    def record(self, attribution, values, control, scored=None, why="") -> Score:
        return super().record(attribution, values * self.n_seeds / (self.n_seeds + 1), control, scored, why)


@dataclass(frozen=True, kw_only=True)
class FromTheInput(CascadingRandomisation):
    """Begins at the other end."""

    def score(self, subject: Subject, samples: Samples, attribution: Attribution) -> Score:
        turned = CascadingRandomisation(order="bottom_up", n_stages=self.n_stages, seed=self.seed)
        return turned.score(subject, samples, attribution)


@dataclass(frozen=True, kw_only=True)
class SameClass(ClassSensitivity):
    """Explains the same class once more."""

    def others(self, subject: Subject, samples: Samples, attribution: Attribution) -> Tensor:
        return torch.tensor(attribution.classes)


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
        (checks.check_rank_accuracy_on_paper, TakesTiesForHits()),
        (checks.check_top_k_on_paper, DividesByK()),
        (checks.check_auroc_on_paper, TiesAreLost()),
        (checks.check_auprc_on_paper, OneByOne()),
        (checks.check_precision_on_paper, ScalesByTheRange()),
        (checks.check_recall_on_paper, RecallsMagnitude()),
        (checks.check_earth_on_paper, MovesInOneStep()),
        (checks.check_gini_on_paper, NeverQuiteEven()),
        (checks.check_entropy_on_paper, CountsInBits()),
        (checks.check_size_on_paper, StopsBeforeTheShare()),
        (checks.check_moved_maps_equal_the_loop, TakesTheMean()),
        (checks.check_moved_maps_equal_the_loop, TakesTheMaximum()),
        (checks.check_moved_maps_equal_the_loop, ForgetsTheDistance()),
        (checks.check_moved_maps_equal_the_loop, DividesByDistance()),
        (checks.check_moved_maps_equal_the_loop, DividesMaxima()),
        (checks.check_seeds_on_paper, BiasedVariance()),
        (checks.check_cascade_equals_the_loop, FromTheInput()),
        (checks.check_other_class_on_paper, SameClass()),
    ]
