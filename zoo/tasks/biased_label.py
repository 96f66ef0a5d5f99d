"""Biased labels: decisions that were unfair to one group, by a share that is dialled."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from scipy.special import expit, ndtr
from torch import Tensor

from zoo.errors import InputError
from zoo.generated import BLOCK
from zoo.planted import Draw, PlantedTable
from zoo.task import Samples

WEIGHTS = np.array((2 / 3, 2 / 3, 1 / 3))
"""Of the columns in the true rule; their squares sum to one."""
SHARPNESS = 4.0
"""Of the true rule: how fast the probability to repay rises with the score."""
PROXY = 1.0
"""How far the mean of the postcode is from zero, to either side, in the two groups."""
Nodes = Float[np.ndarray, "node"]
DIALS = {"none": 0.0, "mild": 0.2, "strong": 0.4}


@dataclass(frozen=True, kw_only=True)
class Rates:
    """What the best possible decisions on biased labels do to a group, measured by who would truly repay."""

    granted: float
    wrongly_refused: float
    """Share refused of those who would repay."""
    wrongly_granted: float
    """Share granted of those who would not."""


@dataclass(frozen=True, kw_only=True)
class BiasedLabel(PlantedTable):
    """Applications for a loan, all numbers invented. Who would repay depends on three columns; the decisions that a
    model learns from were also unfair: in one group a share `bias` of those who would repay was refused.

    s = ⅔ income + ⅔ savings + ⅓ repayments;  p(would repay) = σ(4 s);  p(granted) is that in group 0, and
    (1 − bias) times that in group 1

    The evidence are the three columns of the true rule. The group (−1 or 1) says nothing of repaying; the postcode is
    normal about −1 or 1 by group, a stand-in for it; age says nothing at all. Because the labels are biased in every
    split, the most accurate model on the test split is unfair: in group 1 it asks for s > −log(1 − 2 bias) / 4 instead
    of s > 0, and `rates` gives what follows. `truth` has the labels without bias. Groups (of columns) are the columns.

    When it misleads: an attribution to the group is outside the evidence and yet a true account of a model that uses
    it. Here a poor score for evidence accuses the model, which is the point. Reference: [jiang2020identifying]
    """

    name = "biased_label"
    title = "Biased decisions"
    classes = ("refused", "granted")
    citation = "jiang2020identifying"
    features = ("income", "savings", "repayments", "group", "postcode", "age")
    absence = "zero"  # of every column its mean
    rule = "Who would repay depends on ⅔ income + ⅔ savings + ⅓ repayments alone; the labels may be biased by group."
    about = (
        "Generated applications, no real person in them: three columns say who would repay, and the decisions to learn "
        "from also refused a dialled share of those in group 1 who would. The labels of every split are biased, so the "
        "most accurate model is unfair; how unfair is known in closed form. Splits come from different seeds."
    )

    bias: float = 0.2
    """Share of those in group 1 who would repay and were refused."""

    def __post_init__(self) -> None:
        if not 0 <= self.bias < 0.5:
            raise InputError(f"The bias is a share from 0 up to, but not including, 0.5; it cannot be {self.bias}.")
        word = {dial: name for name, dial in DIALS.items()}.get(self.bias, f"{100 * self.bias:g}")
        self._describe(
            name=f"biased_label_{word}",
            title=f"Biased decisions: {self.bias:.0%} wronged in group 1",
            bayes=round(sum(self._accuracy(group) for group in (0, 1)) / 2, 6),
        )

    @classmethod
    def variants(cls) -> "tuple[BiasedLabel, ...]":
        return tuple(cls(bias=dial) for dial in DIALS.values())

    def draw(self, generator: np.random.Generator) -> Draw:
        rows = generator.standard_normal((BLOCK, 6))
        group = generator.integers(2, size=BLOCK)
        repays, wronged = generator.uniform(size=(2, BLOCK))
        rows[:, 3] = 2 * group - 1
        rows[:, 4] += PROXY * rows[:, 3]
        score = rows[:, 0] * WEIGHTS[0] + rows[:, 1] * WEIGHTS[1] + rows[:, 2] * WEIGHTS[2]
        granted = (repays < expit(SHARPNESS * score)) & ~((group == 1) & (wronged < self.bias))
        return Draw(
            place=np.zeros_like(rows),
            varied=rows,
            evidence=np.tile(np.arange(6) < 3, (BLOCK, 1)),
            labels=granted.astype(np.int64),
        )

    def truth(self, split: str) -> Samples:
        """The same applications, labelled by who would repay."""
        samples = self.samples(split)
        fair = replace(self, bias=0.0)
        return replace(samples, labels=torch.cat([torch.from_numpy(rows.labels) for rows in fair.drawn(split)]))

    def posterior(self, inputs: Float[Tensor, "sample feature"]) -> Float[Tensor, "sample class"]:
        """The probability of each decision given the application: p(granted) = (1 − bias · group) σ(4 s)."""
        granted = (SHARPNESS * (inputs[:, :3].double() @ torch.from_numpy(WEIGHTS))).sigmoid()
        granted = torch.where(inputs[:, 3] > 0, (1 - self.bias) * granted, granted)
        return torch.stack((1 - granted, granted), dim=1)

    def threshold(self, group: int) -> float:
        """The score s above which the decision "granted" is the more probable one, in group 0 or 1."""
        return -float(np.log1p(-2 * self.bias)) / SHARPNESS if group == 1 else 0.0

    def rates(self, group: int) -> Rates:
        """What the most accurate decisions on the biased labels do to a group.

        granted: Φ(−t);  wrongly refused: 2 ∫_{s<t} σ(4s) φ(s) ds;  wrongly granted: 2 ∫_{s>t} σ(−4s) φ(s) ds, with t
        the group's `threshold`. Reference: [hardt2016equality]
        """
        limit = self.threshold(group)
        return Rates(
            granted=float(ndtr(-limit)),
            wrongly_refused=2 * _integral(lambda s: expit(SHARPNESS * s), -np.inf, limit),
            wrongly_granted=2 * _integral(lambda s: expit(-SHARPNESS * s), limit, np.inf),
        )

    def _accuracy(self, group: int) -> float:
        """Of the best decisions, against the biased labels: ∫_{s>t} q φ ds + ∫_{s<t} (1 − q) φ ds."""
        kept, limit = 1 - self.bias * group, self.threshold(group)
        return _integral(lambda s: kept * expit(SHARPNESS * s), limit, np.inf) + _integral(
            lambda s: 1 - kept * expit(SHARPNESS * s), -np.inf, limit
        )


def _integral(function: Callable[[Nodes], Nodes], low: float, high: float) -> float:
    """∫ function(s) φ(s) ds by Gauss–Legendre quadrature, φ being the standard normal density; ±9 stands for ±∞."""
    nodes, weights = np.polynomial.legendre.leggauss(200)
    low, high = max(low, -9.0), min(high, 9.0)
    place = (high + low) / 2 + (high - low) / 2 * nodes
    density = np.exp(-(place**2) / 2) / np.sqrt(2 * np.pi)
    return float((high - low) / 2 * (weights * function(place) * density).sum())
