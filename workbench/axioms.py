"""Axioms: what a method should do whatever the model is, measured by asking it again of a model that was rewritten."""

from abc import abstractmethod
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float

from workbench.chance import per_sample
from workbench.explanation import AbstractMethod, lacking
from workbench.query import Query
from workbench.records import Attribution, Score
from workbench.removal import Answers
from workbench.repetition import again, configured
from workbench.scoring import AbstractMetric
from workbench.settings import setting
from workbench.subject import Subject
from zoo.errors import InputError
from zoo.task import Samples

Maps = Float[np.ndarray, "sample ..."]


@dataclass(frozen=True, kw_only=True)
class AbstractAxiom(AbstractMetric):
    """The distance ‖a - b‖ / (‖a‖ + ‖b‖) of two maps that an axiom says are equal: 0 where they are, 1 where they are
    opposite or only one of them is zero.

    The control is the distance of two maps of Gaussian noise. A method that costs much is asked in its rough form.
    """

    category = "axiomatic"
    higher_is_better = False
    unit = "distance"

    n_maps: int = setting(20, low=1, high=1000, help="Pairs of random maps of each sample, the control")
    seed: int = setting(0, low=0, high=2**31 - 1, help="Of the control, and of what is drawn to rewrite the model")

    @abstractmethod
    def pair(
        self, subject: Subject, samples: Samples, attribution: Attribution, config: AbstractMethod
    ) -> tuple[Maps, Maps]:
        """The two maps; raises `InputError` where the model cannot be rewritten so."""

    def score(self, subject: Subject, samples: Samples, attribution: Attribution) -> Score:
        self.require(samples, attribution)
        try:
            config = configured(attribution).rough()
            first, second = self.pair(subject, samples, attribution, config)
        except InputError as error:
            return self.unmeasured(attribution, str(error))
        shape = (2, self.n_maps, *first.shape[1:])
        noise = per_sample(lambda chance: torch.randn(shape, generator=chance), samples.ids, self.seed, "pairs of maps")
        one, other = noise.numpy().swapaxes(0, 1)
        return self.record(attribution, distance(first, second), distance(one, other, kept=2))

    def before(
        self, subject: Subject, samples: Samples, attribution: Attribution, config: AbstractMethod
    ) -> Attribution:
        """The attribution as this configuration gives it, which is the one at hand where that was made so. In a rough
        form it is asked for once by all axioms."""
        if config == configured(attribution):
            return attribution
        query = Query(subject, samples, torch.tensor(attribution.classes), attribution.target.output)
        return _rough(Answers(query), config, _Kept(attribution))


class _Kept:
    """A record whose form counts (what was explained, and how it was summed), and not its values."""

    def __init__(self, attribution: Attribution) -> None:
        self.attribution, self.key = attribution, (attribution.target, attribution.steps)

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Kept) and self.key == other.key


@lru_cache(maxsize=8)
def _rough(answers: Answers, config: AbstractMethod, kept: _Kept) -> Attribution:
    return explained(answers.query.subject, answers.query.samples, kept.attribution, config)


def explained(subject: Subject, samples: Samples, attribution: Attribution, config: AbstractMethod) -> Attribution:
    """What the method says of a rewritten model, or the reason why it cannot."""
    if missing := lacking(type(config), subject):
        raise InputError(f"the model has to be rewritten for it, and then offers no {' or '.join(missing)}.")
    return again(subject, samples, attribution, config)


def distance(first: np.ndarray, second: np.ndarray, kept: int = 1) -> np.ndarray:
    """‖a - b‖ / (‖a‖ + ‖b‖) over all but the `kept` first axes; 0 of two zero maps."""
    a, b = (values.reshape(*values.shape[:kept], -1).astype(np.float64) for values in (first, second))
    sizes = np.linalg.norm(a, axis=-1) + np.linalg.norm(b, axis=-1)
    return np.linalg.norm(a - b, axis=-1) / np.where(sizes > 0, sizes, 1)
