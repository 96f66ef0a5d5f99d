"""The nearest sample that the model calls something else."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from workbench.analysis import AbstractAnalysis
from workbench.records import Counterfactual
from workbench.subject import Subject, to_numpy
from zoo.errors import InputError
from zoo.task import Samples, TextTask

CHUNK = 64
"""Neighbours that the model is asked about at a time, nearest first."""


@dataclass(frozen=True, kw_only=True)
class NearestOther(AbstractAnalysis):
    """The nearest training sample of another class that the model also gives to another class.

    x* = argmin d(x, x') over training samples x' with label(x') = f(x') ≠ f(x)

    d is the Euclidean distance of the inputs, or for sentences the share of their distinct tokens that only one of
    the two has (Jaccard distance). x* is real, so it is plausible, which a perturbed input need not be. A run explains
    the first of its samples. Cost: one forward pass, and one for every neighbour that it has to look at.

    When it misleads: it is a neighbour, not the smallest change: much differs that plays no part. Distances between
    pixels or sets of tokens are not what a person calls near.
    Reference: [wachter2017counterfactual], restricted to samples of the data as in [poyiadzi2020face]
    """

    name = "counterfactual"
    title = "Nearest sample called something else"
    needs_classes = True

    def run(self, subject: Subject, samples: Samples) -> Counterfactual:
        if not len(samples):
            raise InputError("No sample was given. Choose one, for example test:7.")
        self._require(subject, samples)
        sample = samples.take([0])
        before = subject.logits(sample.inputs).softmax(-1)[0]
        training = subject.task.samples("train")
        distances = _distances(subject, sample.inputs[0], training.inputs)
        place, after = _nearest(subject, training, distances, int(before.argmax()))
        found = training.take([place])
        distance = float(distances[place])
        names = [subject.task.classes[int(p.argmax())] for p in (before, after)]
        return Counterfactual(
            title=f"{sample.ids[0]} is called {names[0]}; the nearest sample called otherwise is {found.ids[0]}",
            provenance={**self.origin(subject, sample), "found": found.ids[0]},
            sample_id=sample.ids[0],
            before=to_numpy(sample.inputs[0]),
            after=to_numpy(found.inputs[0]),
            before_name=names[0],
            after_name=names[1],
            before_probability=float(before.max()),
            after_probability=float(after.max()),
            distance=distance,
            changed=f"{distance:.0%} of the tokens differ" if found.texts else f"another sample, {distance:.3g} away",
            texts=None if sample.texts is None or found.texts is None else (sample.texts[0], found.texts[0]),
        )


def _nearest(
    subject: Subject, training: Samples, distances: Float[Tensor, "row"], predicted: int
) -> tuple[int, Float[Tensor, "class"]]:
    """The first row, by distance, whose label and prediction agree and differ from `predicted`; its probabilities."""
    order = distances.argsort(stable=True)
    for places in order[training.labels[order] != predicted].split(CHUNK):
        probabilities = subject.logits(training.inputs[places]).softmax(-1).cpu()
        fits = probabilities.argmax(-1) == training.labels[places]
        if fits.any():
            first = int(fits.nonzero()[0, 0])
            return int(places[first]), probabilities[first]
    raise InputError(f"{subject.name} gives no training sample of another class to its own class: nothing to show.")


def _distances(
    subject: Subject, sample: Shaped[Tensor, "..."], others: Shaped[Tensor, "row ..."]
) -> Float[Tensor, "row"]:
    if not isinstance(subject.task, TextTask):
        return (others - sample).flatten(1).norm(dim=1)
    return _jaccard(sample, others, subject.task.padding)


def _jaccard(sample: Int[Tensor, "token"], others: Int[Tensor, "row place"], padding: int) -> Float[Tensor, "row"]:
    """1 − |A ∩ B| / |A ∪ B| of the sets of tokens, padding left out."""
    own = sample[sample != padding].unique()
    ordered = others.sort(dim=1).values
    fresh = ordered != padding
    fresh[:, 1:] &= ordered[:, 1:] != ordered[:, :-1]
    both = (fresh & torch.isin(ordered, own)).sum(1)
    either = fresh.sum(1) + len(own) - both
    return 1 - both / either.clamp_min(1)
