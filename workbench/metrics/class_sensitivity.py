"""Class sensitivity."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Int

from workbench.chance import generator
from workbench.records import Attribution, Score
from workbench.repetition import again, configured
from workbench.scoring import AbstractMetric, over_places
from workbench.settings import setting
from workbench.similarity import MEASURES, against_chance, no_ssim
from workbench.subject import Subject
from zoo.task import Samples

OTHERS = ("least_likely", "random")


@dataclass(frozen=True, kw_only=True)
class ClassSensitivity(AbstractMetric):
    """How alike the map of the explained class and the map of another class of the same input are.

    similarity of a(x; f_c) and a(x; f_d), c the explained class, d ≠ c the one with the least logit, or one at random

    Both are made with the method's cheap settings. Similarity is Spearman's rank correlation over places, or structural
    similarity of images; a constant map is like no other but a constant one. The control shuffles the map over its
    places: what chance alone leaves. Lower is better; what ignores the class, as the random method does, scores 1.

    When it misleads: probabilities of two classes have maps that are each other's negative (−1) by arithmetic alone,
    while magnitudes of these are alike (1); and two classes may rightly be told apart at the same places.
    Reference: [nie2018theoretical], [hedstrom2024sanity]
    """

    name = "class_sensitivity"
    title = "Class sensitivity"
    category = "randomisation"
    higher_is_better = False
    unit = "similarity"

    other: str = setting("least_likely", choices=OTHERS, help="The class whose map is compared")
    similarity: str = setting("rank", choices=MEASURES, help="Rank correlation, or structural similarity (images)")
    n_draws: int = setting(20, low=1, high=1000, help="Shufflings of the map, the control")
    seed: int = setting(0, low=0, high=2**31 - 1, help="Of the other class where it is random, and of the control")

    def why_not(self, samples: Samples, attribution: Attribution) -> str | None:
        if np.isnan(attribution.probability).all():
            return "the model answers with a number, and there is no other class."
        return no_ssim(self.similarity, attribution)

    def score(self, subject: Subject, samples: Samples, attribution: Attribution) -> Score:
        self.require(samples, attribution)
        config = configured(attribution)
        cheap = config.rough()
        record = attribution if cheap == config else again(subject, samples, attribution, cheap)
        asked = replace(attribution, classes=self.others(subject, samples, attribution).numpy())
        own, other = over_places(record), over_places(again(subject, samples, asked, cheap))
        values, control = against_chance(self.similarity, subject, samples, own, [other], self.n_draws, self.seed)
        return self.record(attribution, values[:, 0], control[..., 0])

    def others(self, subject: Subject, samples: Samples, attribution: Attribution) -> Int[torch.Tensor, "sample"]:
        """The class that each sample's own is compared with."""
        own = torch.tensor(attribution.classes)[:, None]
        logits = subject.logits(samples.inputs).cpu()
        if self.other == "least_likely":
            return logits.scatter(1, own, torch.inf).argmin(1)
        steps = [
            torch.randint(1, logits.shape[1], (), generator=generator(self.seed, "other class", name))
            for name in samples.ids
        ]
        return (own[:, 0] + torch.stack(steps)) % logits.shape[1]
