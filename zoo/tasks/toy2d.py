"""Toys in two dimensions: moons, spirals, rings and mixtures, small enough to see a whole model at once."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from zoo.errors import unknown
from zoo.generated import BLOCK, Generated
from zoo.tabular import TableTask
from zoo.task import Samples

NODES = 300
"""Of the midpoint rule along a curve, for densities."""

Share = Float[np.ndarray, "node"]
Points = Float[np.ndarray, "node coordinate"]


@dataclass(frozen=True)
class Curves:
    """One curve per class, on which points lie evenly in t from 0 to 1 before normal noise is added to them."""

    title: str
    rule: str
    classes: tuple[str, ...]
    noise: float
    bayes: float
    """From `accuracy` below."""
    at: Callable[[int, Share], Points]
    """Points of a class's curve."""


def _moon(label: int, t: Share) -> Points:
    x, y = np.cos(np.pi * t), np.sin(np.pi * t)
    return np.stack((x - 0.5, y - 0.25) if label == 0 else (0.5 - x, 0.25 - y), axis=1)


def _spiral(label: int, t: Share) -> Points:
    """One turn and a half, outwards; √t puts as many points on each stretch of the arm."""
    angle, radius = np.pi * (3 * np.sqrt(t) + label), 0.15 + np.sqrt(t)
    return radius[:, None] * np.stack((np.cos(angle), np.sin(angle)), axis=1)


def _ring(label: int, t: Share) -> Points:
    radius = (0.4, 0.8, 1.2)[label]
    return radius * np.stack((np.cos(2 * np.pi * t), np.sin(2 * np.pi * t)), axis=1)


CENTRES = np.array(
    (
        ((-0.9, 0.2), (0.7, 0.9)),
        ((0.1, -0.2), (1.0, -0.7)),
        ((-0.4, 1.0), (-0.6, -0.9)),
    )
)
"""Of the two parts of each class of the mixture."""


def _part(label: int, t: Share) -> Points:
    return CENTRES[label][(2 * t).astype(int)]


FORMS = {
    "moons": Curves(
        "Two moons", "The class is the half circle that a point is near.", ("upper", "lower"), 0.2, 0.9710, _moon
    ),
    "spirals": Curves(
        "Two spirals", "The class is the arm that a point is near.", ("first", "second"), 0.08, 0.9742, _spiral
    ),
    "rings": Curves(
        "Three rings", "The class is the distance from the middle.", ("inner", "middle", "outer"), 0.1, 0.9689, _ring
    ),
    "mixture": Curves(
        "Three mixtures",
        "The class is the nearest of six centres, two to a class.",
        ("a", "b", "c"),
        0.3,
        0.9285,
        _part,
    ),
}


@dataclass(frozen=True, kw_only=True)
class Toy2d(Generated, TableTask):
    """Points in the plane: a class, drawn evenly, then a place on its curve, drawn evenly, then normal noise.

    The density of each class is an integral along its curve, so `posterior` and the best possible accuracy are known.
    Groups are the two coordinates. Evidence is not planted: both coordinates decide, always.
    Reference: [lang1988learning]
    """

    name = "toy2d"
    title = "Toys in the plane"
    classes = ("a", "b")
    planted = False
    citation = "lang1988learning"
    features = ("horizontal", "vertical")
    absence = "mean"
    about = (
        "Generated points in the plane, in two or three classes that lie along curves or about centres, with noise, so "
        "that a model's whole decision can be drawn. The best possible accuracy is known by integration. Splits come "
        "from different seeds."
    )

    form: str = "moons"
    train: int = 2000

    def __post_init__(self) -> None:
        if self.form not in FORMS:
            raise unknown("toy", self.form, FORMS)
        form = self.curves
        self._describe(
            name=f"toy2d_{self.form}", title=form.title, classes=form.classes, rule=form.rule, bayes=form.bayes
        )

    @classmethod
    def variants(cls) -> "tuple[Toy2d, ...]":
        return tuple(cls(form=name) for name in FORMS)

    @property
    def curves(self) -> Curves:
        """What the points lie along."""
        return FORMS[self.form]

    def load(self, split: str) -> Samples:
        inputs, labels = [], []
        for generator, size in self.draws(split):
            label = generator.integers(len(self.classes), size=BLOCK)
            place = generator.uniform(size=BLOCK)
            points = self.curves.noise * generator.standard_normal((BLOCK, 2))
            for each in range(len(self.classes)):
                points[label == each] += self.curves.at(each, place[label == each])
            inputs.append(torch.from_numpy(points[:size].astype(np.float32)))
            labels.append(torch.from_numpy(label[:size]))
        ids = tuple(f"{split}:{i}" for i in range(getattr(self, split)))
        return Samples(inputs=torch.cat(inputs), labels=torch.cat(labels), ids=ids)

    def density(self, inputs: Float[Tensor, "sample feature"]) -> Float[Tensor, "sample class"]:
        """p(x | c) = ∫₀¹ N(x; curve_c(t), σ² I) dt, by the midpoint rule."""
        t = (np.arange(NODES) + 0.5) / NODES
        variance, columns = self.curves.noise**2, []
        for each in range(len(self.classes)):
            squares = torch.cdist(inputs.double(), torch.from_numpy(self.curves.at(each, t))).square()
            columns.append((-squares / (2 * variance)).exp().mean(1) / (2 * np.pi * variance))
        return torch.stack(columns, dim=1)

    def posterior(self, inputs: Float[Tensor, "sample feature"]) -> Float[Tensor, "sample class"]:
        """The probability of each class given the point; its largest is what the best model says."""
        density = self.density(inputs)
        return density / density.sum(1, keepdim=True)

    def accuracy(self, steps: int = 100, reach: float = 2.5) -> float:
        """The best possible accuracy: ∫ max_c p(x | c) dx / number of classes, by the midpoint rule on a square."""
        line = (torch.arange(steps, dtype=torch.float64) + 0.5) * (2 * reach / steps) - reach
        largest = self.density(torch.cartesian_prod(line, line)).max(1).values
        return float(largest.sum() * (2 * reach / steps) ** 2 / len(self.classes))
