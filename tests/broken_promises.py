"""Wrong metrics, one for each that `promises.py` speaks of, and for each of its checks."""

from dataclasses import dataclass, replace

import checks
import numpy as np
import promises
import torch
from checks import with_values
from torch import Tensor

from workbench.effects import Effects
from workbench.metrics.comprehensiveness import Comprehensiveness
from workbench.metrics.faithfulness_correlation import FaithfulnessCorrelation
from workbench.metrics.faithfulness_estimate import FaithfulnessEstimate
from workbench.metrics.implementation_invariance import ImplementationInvariance
from workbench.metrics.infidelity import Infidelity
from workbench.metrics.input_invariance import InputInvariance
from workbench.metrics.irof import Irof
from workbench.metrics.label_randomisation import LabelRandomisation
from workbench.metrics.linearity import Linearity
from workbench.metrics.monotonicity import Monotonicity
from workbench.metrics.non_sensitivity import NonSensitivity
from workbench.metrics.pixel_flipping import PixelFlipping
from workbench.metrics.prediction_gap_important import PredictionGapImportant
from workbench.metrics.prediction_gap_unimportant import PredictionGapUnimportant
from workbench.metrics.road import Road
from workbench.metrics.sufficiency import Sufficiency
from workbench.metrics.symmetry import Symmetry
from workbench.perturbations import per_feature
from workbench.records import Attribution, Score
from workbench.subject import Subject
from workbench.twin import Twin, twin
from zoo.task import Samples


@dataclass(frozen=True, kw_only=True)
class FlipsTheLeast(PixelFlipping):
    """Removes the least attribution first."""

    lowest_first = True


@dataclass(frozen=True, kw_only=True)
class FlipsAll(PixelFlipping):
    """Goes on until nothing is left."""

    def turns(self, counts: Tensor) -> Tensor:
        return 2 * super().turns(counts)


@dataclass(frozen=True, kw_only=True)
class KeepsWhatRanksFirst(Comprehensiveness):
    """Mistakes what is removed for what is kept."""

    def turns(self, counts: Tensor) -> Tensor:
        return counts[:, None] - super().turns(counts)


@dataclass(frozen=True, kw_only=True)
class KeepsTheLeast(Sufficiency):
    """Keeps what ranks last."""

    lowest_first = False


@dataclass(frozen=True, kw_only=True)
class SumsOverGroups(Irof):
    """Orders groups by their sum, which large words win."""

    def worth(self, maps: Tensor, features: Tensor) -> Tensor:
        return per_feature(maps.abs(), features)


@dataclass(frozen=True, kw_only=True)
class CancelsOut(PredictionGapImportant):
    """Averages changes of both signs, so that they cancel."""

    def measured(self, f: np.ndarray, without: np.ndarray) -> np.ndarray:
        return np.abs((f[:, None, None] - without).mean(-1))


@dataclass(frozen=True, kw_only=True)
class PerturbsTheMost(PredictionGapUnimportant):
    """Perturbs what ranks first."""

    lowest_first = False


@dataclass(frozen=True, kw_only=True)
class FillsWithNothing(Road):
    """Leaves holes instead of filling them in."""

    def without(self, query, features, order) -> np.ndarray:
        return super(Road, self).without(query, features, order)


@dataclass(frozen=True, kw_only=True)
class ImputesTheLeast(Road):
    """Fills in what ranks last."""

    lowest_first = True


class _Halved:
    """A control that is scaled, so that noise looks good."""

    def record(self, attribution, values, control, scored=None, why="") -> Score:
        return super().record(attribution, values, control * 0.5 - 0.2, scored, why)


@dataclass(frozen=True, kw_only=True)
class EasyControl(_Halved, FaithfulnessCorrelation):
    """The same of the faithfulness correlation."""


@dataclass(frozen=True, kw_only=True)
class CountsMagnitudes(FaithfulnessCorrelation):
    """Adds up magnitudes."""

    def worth(self, maps: Tensor, features: Tensor) -> Tensor:
        return super().worth(maps.abs(), features)


@dataclass(frozen=True, kw_only=True)
class TurnsTheSign(FaithfulnessEstimate):
    """Compares with what the removal adds, not with what it takes."""

    def effects(self, query, features) -> Effects:
        found = super().effects(query, features)
        return replace(found, drops=-found.drops)


@dataclass(frozen=True, kw_only=True)
class ForgetsToTakeMagnitudes(Monotonicity):
    """Ranks what speaks against the class below what says nothing."""

    def agreement(self, maps: Tensor, effects: Effects) -> Tensor:
        return super().agreement(maps - maps.amin(-1, keepdim=True), effects)


@dataclass(frozen=True, kw_only=True)
class ForgivesTheSign(Infidelity):
    """Lets the scale be negative: the opposite of a right map foretells as well as it does."""

    def score(self, subject: Subject, samples: Samples, attribution: Attribution) -> Score:
        other = with_values(attribution, -attribution.values)
        found = [super(ForgivesTheSign, self).score(subject, samples, one) for one in (attribution, other)]
        return replace(found[0], values=np.minimum(found[0].values, found[1].values))


@dataclass(frozen=True, kw_only=True)
class ExcusesZeros(NonSensitivity):
    """Counts only what the map marks in vain, not what it misses."""

    def agreement(self, maps: Tensor, effects: Effects) -> Tensor:
        marked = maps > 0
        return (marked & (effects.drops == 0)[:, None]).double().mean(-1)


@dataclass(frozen=True, kw_only=True)
class NeverShifts(InputInvariance):
    """Compares a map with itself."""

    def _shift(self, subject: Subject) -> Tensor:
        return torch.zeros(())


@dataclass(frozen=True, kw_only=True)
class MirrorsTwice(Symmetry):
    """Compares the map with itself."""

    def pair(self, subject, samples, attribution, config) -> tuple:
        values, _ = super().pair(subject, samples, attribution, config)
        return values, values


@dataclass(frozen=True, kw_only=True)
class RewritesNothing(ImplementationInvariance):
    """Asks the same network again."""

    def pair(self, subject, samples, attribution, config) -> tuple:
        return attribution.values, attribution.values


@dataclass(frozen=True, kw_only=True)
class AddsMagnitudes(Linearity):
    """Compares magnitudes, which do not add up."""

    def pair(self, subject, samples, attribution, config) -> tuple:
        whole, parts = super().pair(subject, samples, attribution, config)
        return np.abs(whole), np.abs(parts) * 0.5


@dataclass(frozen=True, kw_only=True)
class KeepsTheLabels(LabelRandomisation):
    """Explains the model itself once more."""

    def twin_of(self, subject: Subject) -> Twin:
        return replace(super().twin_of(subject), subject=subject)


@dataclass(frozen=True, kw_only=True)
class TakesOtherSamples(LabelRandomisation):
    """Draws samples and labels by a seed that nobody gave."""

    def twin_of(self, subject: Subject) -> Twin:
        return twin(subject, self.n_train, self.n_epochs, self.seed + 1)


def metrics() -> list[tuple]:
    """Each check with a metric that it must reject."""
    return [
        (checks.check_prefers_the_truth, FlipsTheLeast()),
        (promises.check_ordering_equals_the_loop, FlipsAll()),
        (promises.check_ordering_equals_the_loop, KeepsWhatRanksFirst()),
        (promises.check_ordering_equals_the_loop, KeepsTheLeast()),
        (checks.check_prefers_the_truth, KeepsTheLeast()),
        (promises.check_ordering_equals_the_loop, SumsOverGroups()),
        (promises.check_ordering_equals_the_loop, CancelsOut()),
        (promises.check_ordering_equals_the_loop, PerturbsTheMost()),
        (promises.check_gap_knows_where_the_model_looks, PerturbsTheMost()),
        (promises.check_imputed_equals_the_loop, FillsWithNothing()),
        (promises.check_filled_evidence_is_gone, ImputesTheLeast()),
        (checks.check_control_is_chance, EasyControl()),
        (promises.check_terms_of_an_additive_model, CountsMagnitudes()),
        (promises.check_terms_of_an_additive_model, TurnsTheSign()),
        (promises.check_ranks_of_effects, ForgetsToTakeMagnitudes()),
        (promises.check_slopes_of_a_linear_model, ForgivesTheSign()),
        (promises.check_silence_on_paper, ExcusesZeros()),
        (promises.check_shift_on_paper, NeverShifts()),
        (promises.check_mirror_on_paper, MirrorsTwice()),
        (promises.check_rotation_on_paper, RewritesNothing()),
        (promises.check_sum_on_paper, AddsMagnitudes()),
        (promises.check_twin_equals_the_formula, KeepsTheLabels()),
        (promises.check_twin_equals_the_formula, TakesOtherSamples()),
    ]
