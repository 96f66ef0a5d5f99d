"""Similarity: how alike two maps of one sample are."""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Bool, Float

from workbench.chance import generator
from workbench.perturbations import fine_features
from workbench.records import Attribution
from workbench.scoring import over_places, rank_correlation
from workbench.subject import Subject
from zoo.task import Samples

MEASURES = ("rank", "ssim")
SIDES = ("height", "width")


def correlations(
    subject: Subject, samples: Samples, attribution: Attribution, others: Sequence[Attribution]
) -> Iterator[list[float]]:
    """For each sample the rank correlation of its map with each of the others, over places that are not padding."""
    maps = [over_places(record).reshape(len(samples), -1) for record in (attribution, *others)]
    for own, *rest, places in zip(*maps, occupied(subject, samples), strict=True):
        yield [rank_correlation(own[places], other[places]) for other in rest]


def occupied(subject: Subject, samples: Samples) -> Bool[np.ndarray, "sample place"]:
    """Which places of each sample (pixels, tokens, columns, points in time) are not padding."""
    features = fine_features(subject.task, samples.inputs)
    return (features.amax(1) if "channel" in subject.task.axes else features).flatten(1).numpy() >= 0


def likeness(
    measure: str, own: Float[np.ndarray, "..."], other: Float[np.ndarray, "..."], inside: Bool[np.ndarray, "place"]
) -> float:
    """How alike two maps of a sample are: "rank" by Spearman's correlation over the places `inside`, "ssim" by the mean
    structural similarity of images whose largest magnitude is made 1, in windows of at most 7 × 7."""
    if measure == "rank":
        return rank_correlation(own.ravel()[inside], other.ravel()[inside])
    from skimage.metrics import structural_similarity

    pair = [values / max(float(np.abs(values).max()), np.finfo(float).tiny) for values in (own, other)]
    side = min(7, *own.shape)
    return float(structural_similarity(*pair, data_range=2, win_size=side - 1 + side % 2))


def chances(
    measure: str, own: Float[np.ndarray, "..."], inside: Bool[np.ndarray, "place"], draws: int, seed: int, name: str
) -> Float[np.ndarray, "draw"]:
    """How alike a sample's map is to itself, shuffled over the places `inside`: what chance alone leaves."""
    chance = np.random.default_rng(generator(seed, "shuffled map", name).initial_seed())
    found = np.zeros(draws)
    for draw in range(draws):
        shuffled = own.copy().ravel()
        shuffled[inside] = chance.permutation(shuffled[inside])
        found[draw] = likeness(measure, own, shuffled.reshape(own.shape), inside)
    return found


def no_ssim(measure: str, attribution: Attribution) -> str | None:
    """Why maps cannot be compared so; None where they can."""
    sizes = [size for axis, size in zip(attribution.axes, attribution.values.shape, strict=True) if axis in SIDES]
    if measure == "ssim" and (len(sizes) < 2 or min(sizes) < 3):
        return "structural similarity is for images of 3 × 3 pixels and more. Choose the similarity 'rank'."
    return None
