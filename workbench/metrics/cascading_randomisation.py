"""Cascading randomisation of the weights."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from workbench.explanation import AbstractMethod
from workbench.randomisation import cascade
from workbench.records import Attribution, Curve, Score
from workbench.repetition import again, configured
from workbench.robustness import deviations, steps
from workbench.scoring import AbstractMetric, over_places
from workbench.settings import setting
from workbench.similarity import MEASURES, against_chance, no_ssim
from workbench.subject import Subject
from zoo.errors import InputError
from zoo.model import TraditionalModel
from zoo.task import Samples

ORDERS = ("top_down", "bottom_up")


@dataclass(frozen=True, kw_only=True)
class CascadingRandomisation(AbstractMetric):
    """How much the map stays the same while the layers of the network lose what they learnt, one after the other.

    mean over stages of the similarity of a(x; f) and a(x; f with the first layers of the order permuted)

    From the output down or from the input up, in `n_stages` stages, the entries of each layer's parameters are
    permuted and the same class is explained, with the method's cheap settings. Similarity is Spearman's rank
    correlation over places, or structural similarity of images. With `n_noisy` > 0 each map is the mean over that many
    inputs nearby (the smooth test of the second reference). The control shuffles the map over its places: what chance
    alone leaves. Lower is better; what ignores the weights, as the random method does, scores 1.

    When it misleads: a permuted layer still sees the input, so that maps which show it (input × gradient on few
    strokes) stay alike though the weights decide their values; and a map of noise passes.
    Reference: [adebayo2018sanity], [hedstrom2024sanity]
    """

    name = "cascading_randomisation"
    title = "Cascading randomisation"
    category = "randomisation"
    higher_is_better = False
    unit = "similarity"

    n_stages: int = setting(3, low=1, high=200, help="Stages at which the map is made again; at most one for a layer")
    order: str = setting("top_down", choices=ORDERS, help="From the output (top) or from the input (bottom)")
    similarity: str = setting("rank", choices=MEASURES, help="Rank correlation, or structural similarity (images)")
    n_noisy: int = setting(0, low=0, high=1000, help="Inputs nearby that each map is a mean over; 0: the input alone")
    radius: float = setting(0.1, low=1e-6, high=10.0, help="How far these are at most, in standard deviations")
    n_draws: int = setting(20, low=1, high=1000, help="Shufflings of the map, the control")
    seed: int = setting(0, low=0, high=2**31 - 1, help="Of the permutations and the inputs nearby")

    def why_not(self, samples: Samples, attribution: Attribution) -> str | None:
        if self.n_noisy and not samples.inputs.is_floating_point():
            return "inputs are words, and no other word is a small step away. Set n_noisy to 0."
        return no_ssim(self.similarity, attribution)

    def score(self, subject: Subject, samples: Samples, attribution: Attribution) -> Score:
        self.require(samples, attribution)
        try:
            _, values, control = self._measured(subject, samples, attribution)
        except InputError as reason:
            nothing = np.zeros((len(samples), 1 + self.n_draws))
            return self.record(attribution, nothing[:, 0], nothing[:, 1:], np.zeros(len(samples), bool), str(reason))
        return self.record(attribution, values.mean(1), control.mean(2))

    def curves(self, subject: Subject, samples: Samples, attribution: Attribution) -> Curve:
        """The similarity at each stage, a mean where there are several samples, before the band of shuffled maps."""
        self.require(samples, attribution)
        shares, values, control = self._measured(subject, samples, attribution)
        chance = np.quantile(control.mean(0), (0.025, 0.975), axis=0)
        return Curve(
            title=self.title,
            x=np.array([0.0, *shares]),
            y=np.array([[1.0, *values.mean(0)]]),
            labels=(attribution.method,),
            x_title=f"share of layers randomised, {self.order.replace('_', ' ')}",
            y_title="rank correlation with the map" if self.similarity == "rank" else "structural similarity",
            band=np.concatenate((chance[:, :1], chance), 1),
            band_label=f"central 95 % of {self.n_draws} shufflings",
            provenance=attribution.provenance,
        )

    def _measured(
        self, subject: Subject, samples: Samples, attribution: Attribution
    ) -> tuple[list[float], Float[np.ndarray, "sample stage"], Float[np.ndarray, "sample draw stage"]]:
        if isinstance(subject.model, TraditionalModel):
            raise InputError("A traditional model has no weights to randomise.")
        config = configured(attribution).rough()
        plain = config == configured(attribution) and not self.n_noisy
        own = over_places(attribution) if plain else self._maps(subject, samples, attribution, config)
        shares, others = [], []
        for share, network in cascade(subject.editable(), self.n_stages, self.order == "top_down", self.seed):
            shares.append(share)
            others.append(self._maps(subject.with_model(network), samples, attribution, config))
        if not shares:
            raise InputError("This network has no weights to randomise.")
        return shares, *against_chance(self.similarity, subject, samples, own, others, self.n_draws, self.seed)

    def _maps(
        self, subject: Subject, samples: Samples, attribution: Attribution, config: AbstractMethod
    ) -> Float[np.ndarray, "sample ..."]:
        if not self.n_noisy:
            return over_places(again(subject, samples, attribution, config))
        moves = steps(samples, self.n_noisy, self.seed) * self.radius * deviations(subject.task, samples.inputs)
        near = [replace(samples, inputs=samples.inputs + move) for move in moves.unbind(1)]
        return np.mean([over_places(again(subject, one, attribution, config)) for one in near], axis=0)
