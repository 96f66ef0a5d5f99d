"""Tetromino: two four-cell shapes in noise, in which what a class looks like and what tells it apart can differ."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from scipy.ndimage import gaussian_filter1d
from torch import Tensor

from zoo.errors import unknown
from zoo.generated import BLOCK, Generated
from zoo.patches import patches
from zoo.task import Kind, Samples

SIZE = 8
DEVIATION = 0.5
"""Of the white noise, before it is scaled."""
SIGMA = 3.0
"""Of the Gaussian filter, in pixels, that makes the noise correlated."""
BOUND = 6.0
"""Deviations of the noise, beside the pattern, that fit between 0.5 and 1; what lies beyond, if ever, is cut off."""
Plane = Float[np.ndarray, "sample height width"]
Label = Int[np.ndarray, "sample"]

T = np.array([[1, 0], [1, 1], [1, 0]])
L = np.array([[1, 0], [1, 0], [1, 1]])

STRENGTHS = {
    "linear": {"white": 0.18, "correlated": 0.0125},
    "multiplicative": {"white": 0.7, "correlated": 0.1},
    "translations_rotations": {"white": 0.65, "correlated": 0.2},
    "xor": {"white": 0.35, "correlated": 0.15},
}
"""α of each scenario and background, from the paper, for images of 8 × 8 pixels."""
BAYES = {"linear": 0.8928, "multiplicative": 0.981, "translations_rotations": 1.0, "xor": 0.998}
"""Accuracy of Bayes' rule on white noise: Φ(Δ/2) for linear with the Mahalanobis distance Δ of the two means, otherwise
the share of 200,000 images whose exact likelihood is higher under their own class. On correlated noise it is 1: a
smooth background leaves whatever is not smooth nearly free of noise."""
RULES = {
    "linear": "Class T has a T added at the upper left, class L an L added at the lower right.",
    "multiplicative": "Class T has the noise damped on a T at the upper left, class L on an L at the lower right.",
    "translations_rotations": "The class is the shape that is added, at any place and in any of four directions.",
    "xor": "A T and an L are added or taken away: class same if both alike, else class different.",
}


@dataclass(frozen=True, kw_only=True)
class Tetromino(Generated):
    """8 × 8 grey images: a T or an L, planted in white or correlated noise in one of four ways (`scenario`).

    linear, translations_rotations, xor:  x = α p / ‖p‖ + (1 − α) b / ‖b‖
    multiplicative:                       x = (1 − α p) b

    with p the pattern of ones and zeros (xor: also minus ones), b Gaussian noise of deviation 0.5, white or smoothed
    with σ = 3, ‖·‖ the expected norm of one image, and α as in the paper. The inputs are 0.5 + x / 2r, so that nothing
    is 0.5; r is the pattern's height and six deviations of the noise, which keeps all within [0, 1]. (The paper divides
    by the largest |x| of its data instead, by which every image depends on all others.) The evidence is the set of the
    pattern's pixels; where place is fixed, those of T and L together, since one that is missing says as much as one
    that is there. Groups are single pixels.

    The correlated backgrounds are the test for suppressors: a good model must subtract pixels that have nothing to do
    with the class from those that have, since they tell it what the background is there.

    When it misleads: on correlated noise weight outside the evidence is what a right model needs, so an explanation
    that shows it is true to the model and yet counts as wrong here. Reference: [clark2024tris]
    """

    name = "tetromino"
    title = "Tetrominoes in noise"
    kind = Kind.IMAGE
    classes = ("T", "L")
    axes = ("channel", "height", "width")
    citation = "clark2024tris"
    about = (
        "Generated grey images of 8 × 8 pixels after XAI-TRIS: a T or an L of four pixels, planted in noise in a way "
        "that is linear, multiplicative, moved and turned, or the exclusive or of two. On correlated noise a model "
        "must use pixels that have nothing to do with the class (suppressors). Splits come from different seeds."
    )
    absence = "mean"
    preprocessing = "Values are shifted and scaled by constants so that no signal is 0.5 and noise lies within [0, 1]."

    scenario: str = "linear"
    background: str = "white"

    def __post_init__(self) -> None:
        if self.scenario not in STRENGTHS:
            raise unknown("scenario", self.scenario, STRENGTHS)
        if self.background not in STRENGTHS[self.scenario]:
            raise unknown("background", self.background, STRENGTHS[self.scenario])
        self._describe(
            name=f"tetromino_{self.scenario}_{self.background}",
            title=f"Tetrominoes: {self.scenario.replace('_', ' and ')}, on {self.background} noise",
            classes=("same", "different") if self.scenario == "xor" else self.classes,
            rule=RULES[self.scenario],
            bayes=BAYES[self.scenario] if self.background == "white" else 1.0,
        )

    @classmethod
    def variants(cls) -> "tuple[Tetromino, ...]":
        return tuple(cls(scenario=each, background=noise) for each in STRENGTHS for noise in STRENGTHS[each])

    def load(self, split: str) -> Samples:
        return self._samples(split)

    def groups(
        self, inputs: Float[Tensor, "sample channel height width"]
    ) -> Int[Tensor, "sample channel height width"]:
        return patches(inputs, 1)

    def without_evidence(self, split: str) -> Samples:
        """The same noise, in which nothing was planted."""
        return self._samples(split, planted=False)

    def with_other_rest(self, split: str) -> Samples:
        """The same patterns in the noise of the next image."""
        return self._samples(split, shift=-1)

    def _samples(self, split: str, planted: bool = True, shift: int = 0) -> Samples:
        images, labels, evidence = [], [], []
        for pattern, noise, label in self._drawn(split):
            images.append(self._mixed(pattern if planted else np.zeros_like(pattern), np.roll(noise, shift, axis=0)))
            labels.append(label)
            evidence.append(self._mask(pattern))
        inputs = torch.from_numpy(np.concatenate(images).astype(np.float32)[:, None])
        return Samples(
            inputs=inputs,
            labels=torch.from_numpy(np.concatenate(labels)),
            ids=tuple(f"{split}:{i}" for i in range(len(inputs))),
            evidence=torch.from_numpy(np.concatenate(evidence)),
        )

    def _drawn(self, split: str) -> Iterator[tuple[Plane, Plane, Label]]:
        """Per block: the patterns, the noise before it is scaled, and the labels."""
        filters = _filter() if self.background == "correlated" else np.eye(SIZE)
        for generator, count in self.draws(split):
            label = generator.integers(2, size=BLOCK)
            choices = self.patterns()
            chosen = generator.integers(len(choices[0]), size=BLOCK)
            noise = DEVIATION * generator.standard_normal((BLOCK, SIZE, SIZE))
            noise = np.einsum("hi,nij,wj->nhw", filters, noise, filters)
            yield choices[label, chosen][:count], noise[:count], label[:count]

    def patterns(self) -> Float[np.ndarray, "class choice height width"]:
        """Every pattern that may be planted for each class, all of a class equally likely."""
        shapes = (T, L)
        if self.scenario == "translations_rotations":
            return np.stack([_everywhere(shape) for shape in shapes])
        upper, lower = _placed(T, 1, 1), _placed(L, 4, 5)
        if self.scenario == "xor":
            return np.array([[upper + lower, -upper - lower], [upper - lower, lower - upper]])
        return np.array([[upper], [lower]])

    def _mixed(self, pattern: Plane, noise: Plane) -> Plane:
        """The images, from patterns and noise; rounded so far that every machine gets the same float32."""
        strength = STRENGTHS[self.scenario][self.background]
        spread = 1.0 if self.background == "white" else float(np.linalg.norm(_filter()) ** 2 / SIZE)
        deviation = DEVIATION * spread  # root mean square over pixels
        if self.scenario == "multiplicative":
            mixed, reach = (1 - strength * pattern) * noise, BOUND * deviation
        else:
            height = strength / float(np.linalg.norm(self.patterns()[0, 0]))
            share = (1 - strength) / (SIZE * deviation)
            mixed, reach = height * pattern + share * noise, height + BOUND * share * deviation
        return np.clip(0.5 + mixed / (2 * reach), 0, 1).round(7)

    def _mask(self, pattern: Plane) -> Bool[np.ndarray, "sample height width"]:
        if self.scenario == "translations_rotations":
            return pattern != 0
        anywhere = (self.patterns() != 0).any((0, 1))
        return np.broadcast_to(anywhere, pattern.shape)


def _placed(shape: Int[np.ndarray, "long short"], top: int, left: int) -> Float[np.ndarray, "height width"]:
    """A shape of ones amid zeros."""
    plane = np.zeros((SIZE, SIZE))
    plane[top : top + shape.shape[0], left : left + shape.shape[1]] = shape
    return plane


def _everywhere(shape: Int[np.ndarray, "long short"]) -> Float[np.ndarray, "choice height width"]:
    """A shape in each of four directions and at every place where it fits."""
    turned = [np.rot90(shape, turns) for turns in range(4)]
    return np.stack(
        [
            _placed(each, top, left)
            for each in turned
            for top in range(SIZE - each.shape[0] + 1)
            for left in range(SIZE - each.shape[1] + 1)
        ]
    )


def _filter() -> Float[np.ndarray, "height width"]:
    """The Gaussian filter along one axis, reflected at the edges, as a matrix; images are filtered along both."""
    return gaussian_filter1d(np.eye(SIZE), SIGMA, axis=0)
