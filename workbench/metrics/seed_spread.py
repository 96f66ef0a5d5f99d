"""Spread over seeds."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from workbench import settings
from workbench.chance import generator
from workbench.records import Attribution, Score
from workbench.repetition import again, configured
from workbench.scoring import AbstractMetric, over_places
from workbench.settings import setting
from workbench.similarity import occupied
from workbench.subject import Subject
from zoo.task import Samples


@dataclass(frozen=True, kw_only=True)
class SeedSpread(AbstractMetric):
    """How much of the map is decided by the method's own seed.

    Σ_i s_i² / mean over seeds of ‖a‖², a summed over channels, s_i² the variance of a_i (with S − 1) over the method's
    own seed and `n_seeds` others, S in all

    0 for a method that depends on no seed, which is not repeated, and for a map of zeros; 1 on average for maps that
    are drawn anew with each seed, and at most S / (S − 1), where they cancel. The method is repeated with its own
    settings, not with cheaper ones: these would spread more. The control shuffles each repeated map over its places.
    Lower is better.

    When it misleads: what depends on no seed may still be wrong, and the seed of the reference input 'noise' is a
    question asked anew rather than an estimate that scatters.
    Reference: [bansal2020sam]
    """

    name = "seed_spread"
    title = "Spread over seeds"
    category = "robustness"
    higher_is_better = False
    unit = "share of the map"

    n_seeds: int = setting(2, low=1, high=100, help="Other seeds that a random method is repeated with")
    n_draws: int = setting(20, low=1, high=1000, help="Shufflings of the repeated maps, the control")
    seed: int = setting(0, low=0, high=2**31 - 1, help="Of the control")

    def score(self, subject: Subject, samples: Samples, attribution: Attribution) -> Score:
        self.require(samples, attribution)
        config, records = configured(attribution), [attribution]
        if config.is_random():
            own = settings.values(config)["seed"]
            seeds = [(own + step) % 2**31 for step in range(1, self.n_seeds + 1)]
            records += [again(subject, samples, attribution, replace(config, seed=one)) for one in seeds]  # type: ignore[call-arg]
        else:
            records += [attribution] * self.n_seeds
        maps = np.stack([over_places(record).reshape(len(record), -1) for record in records], 1)
        values, control = np.zeros(len(maps)), np.zeros((len(maps), self.n_draws))
        for i, (name, places) in enumerate(zip(samples.ids, occupied(subject, samples), strict=True)):
            own, *others = maps[i][:, places]
            values[i] = _spread(np.stack((own, *others)))
            chance = np.random.default_rng(generator(self.seed, "shuffled maps", name).initial_seed())
            for draw in range(self.n_draws):
                control[i, draw] = _spread(np.stack((own, *chance.permuted(others, axis=1))))
        return self.record(attribution, values, control)


def _spread(maps: Float[np.ndarray, "seed place"]) -> float:
    noise, size = maps.var(0, ddof=1).sum(), (maps**2).sum(1).mean()
    return float(noise / size) if size > 0 else 0.0
