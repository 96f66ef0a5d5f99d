"""Randomisation of the labels."""

from dataclasses import dataclass

from workbench.records import Attribution, Score
from workbench.repetition import again, configured
from workbench.scoring import AbstractMetric, over_places
from workbench.settings import setting
from workbench.similarity import MEASURES, against_chance, no_ssim
from workbench.subject import Subject
from workbench.twin import Twin, twin
from zoo.errors import InputError
from zoo.task import Samples


@dataclass(frozen=True, kw_only=True)
class LabelRandomisation(AbstractMetric):
    """How much of the map stays the same where the model has learnt permuted labels, and so nothing of what they mean.

    similarity of a(x; f) and a(x; f̃), f̃ a twin of f trained on inputs whose labels were permuted among each other

    The twin is made like the model, from other initial weights, and trained on `n_train` training samples until it
    knows 95 % of the permuted labels by heart (of numbers: R² 0.9), or as far as it comes, which the score's remark
    says; all methods meet the same twin. The same class of the same samples is explained, as a rule none that either
    was trained on, with the method's cheap settings. Similarity is Spearman's rank correlation over places, or
    structural similarity of images. The control shuffles the map over its places: what chance alone leaves. Lower is
    better; what ignores the model, as the random method does, scores 1. A yardstick: on cnn_digits a twin that learnt
    the true labels of the same samples scores 0.4 by the gradient and 0.8 by occlusion; of permuted ones, 0.0 by both.

    When it misleads: a twin that knows little by heart, or was trained shortly on few samples, is near its initial
    weights, which already show the input (on 256 film reviews one of the true labels scores 0.0 by the gradient, too);
    smooth maps are alike whatever the model has learnt; a map of noise passes; and all samples share the luck of one
    twin, of which their interval does not know: with few features, look at several seeds.
    Reference: [adebayo2018sanity]
    """

    name = "label_randomisation"
    title = "Label randomisation"
    category = "randomisation"
    higher_is_better = False
    unit = "similarity"
    trains = True

    n_train: int = setting(256, low=2, high=1_000_000, help="Training samples that the twin is trained on, at most")
    n_epochs: int = setting(500, low=1, high=100_000, help="After which it is given up that the twin learns by heart")
    similarity: str = setting("rank", choices=MEASURES, help="Rank correlation, or structural similarity (images)")
    n_draws: int = setting(20, low=1, high=1000, help="Shufflings of the map, the control")
    seed: int = setting(0, low=0, high=2**31 - 1, help="Of the samples, the permutation and the twin's initial weights")

    def why_not(self, samples: Samples, attribution: Attribution) -> str | None:
        return no_ssim(self.similarity, attribution)

    def score(self, subject: Subject, samples: Samples, attribution: Attribution) -> Score:
        self.require(samples, attribution)
        config = configured(attribution)
        cheap = config.rough()
        try:
            found = self.twin_of(subject)
            record = attribution if cheap == config else again(subject, samples, attribution, cheap)
            other = again(found.subject, samples, attribution, cheap)
        except InputError as reason:
            return self.unmeasured(attribution, str(reason))
        own, others = over_places(record), [over_places(other)]
        values, control = against_chance(self.similarity, subject, samples, own, others, self.n_draws, self.seed)
        return self.record(attribution, values[:, 0], control[..., 0], remark=found.sentence)

    def twin_of(self, subject: Subject) -> Twin:
        """The model that has learnt permuted labels, which all methods meet."""
        return twin(subject, self.n_train, self.n_epochs, self.seed)
