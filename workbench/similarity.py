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
        yield rank_correlation(own[places], np.stack(rest)[:, places]).tolist()


def against_chance(
    measure: str,
    subject: Subject,
    samples: Samples,
    own: Float[np.ndarray, "sample *shape"],
    others: Sequence[Float[np.ndarray, "sample *shape"]],
    draws: int,
    seed: int,
) -> tuple[Float[np.ndarray, "sample other"], Float[np.ndarray, "sample draw other"]]:
    """How alike each sample's map and its others are (`likeness`), and what chance alone leaves (`chances`)."""
    values, control = np.zeros((len(own), len(others))), np.zeros((len(own), draws, len(others)))
    for i, (map_, places) in enumerate(zip(own, occupied(subject, samples), strict=True)):
        values[i] = likeness(measure, map_, np.stack([other[i] for other in others]), places)
        control[i] = chances(measure, map_, places, control[i].size, seed, samples.ids[i]).reshape(control[i].shape)
    return values, control


def occupied(subject: Subject, samples: Samples) -> Bool[np.ndarray, "sample place"]:
    """Which places of each sample (pixels, tokens, columns, points in time) are not padding."""
    features = fine_features(subject.task, samples.inputs)
    return (features.amax(1) if "channel" in subject.task.axes else features).flatten(1).numpy() >= 0


def likeness(
    measure: str,
    own: Float[np.ndarray, "*shape"],
    others: Float[np.ndarray, "map *shape"],
    inside: Bool[np.ndarray, "place"],
) -> Float[np.ndarray, "map"]:
    """How alike a sample's map and others of it are: "rank" by Spearman's correlation over the places `inside`, "ssim"
    by the mean structural similarity of images whose largest magnitude is made 1, in windows of at most 7 × 7."""
    if measure == "rank":
        return rank_correlation(own.ravel()[inside], others.reshape(len(others), -1)[:, inside])
    from skimage.metrics import structural_similarity

    own, *scaled = (values / max(float(np.abs(values).max()), np.finfo(float).tiny) for values in (own, *others))
    side = min(7, *own.shape)
    window = side - 1 + side % 2
    return np.array([structural_similarity(own, other, data_range=2, win_size=window) for other in scaled])


def chances(
    measure: str, own: Float[np.ndarray, "..."], inside: Bool[np.ndarray, "place"], draws: int, seed: int, name: str
) -> Float[np.ndarray, "draw"]:
    """How alike a sample's map is to itself, shuffled over the places `inside`: what chance alone leaves."""
    chance = np.random.default_rng(generator(seed, "shuffled map", name).initial_seed())
    shuffled = np.tile(own.ravel(), (draws, 1))
    shuffled[:, inside] = chance.permuted(shuffled[:, inside], axis=1)
    return likeness(measure, own, shuffled.reshape(draws, *own.shape), inside)


def no_ssim(measure: str, attribution: Attribution) -> str | None:
    """Why maps cannot be compared so; None where they can."""
    sizes = [size for axis, size in zip(attribution.axes, attribution.values.shape, strict=True) if axis in SIDES]
    if measure == "ssim" and (len(sizes) < 2 or min(sizes) < 3):
        return "structural similarity is for images of 3 × 3 pixels and more. Choose the similarity 'rank'."
    return None
