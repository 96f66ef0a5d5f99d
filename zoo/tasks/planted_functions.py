"""Planted functions: a number that is a known function of a few of eight others."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from zoo.errors import unknown
from zoo.generated import BLOCK
from zoo.planted import Draw, PlantedTable
from zoo.shapley import shapley_values
from zoo.tabular import Rows

WIDTH = 8
NOISE = 0.1
"""Standard deviation of the noise, as a share of that of the function."""

Values = Float[np.ndarray, "sample"]


@dataclass(frozen=True)
class Function:
    """A function of some columns, and its variance when each of them is uniform between −1 and 1."""

    formula: str
    columns: tuple[int, ...]
    variance: float
    of: Callable[..., Values]
    """Takes the columns, in their order."""

    def __call__(self, rows: Rows) -> Values:
        return self.of(*(rows[:, column] for column in self.columns))


FUNCTIONS = {
    "linear": Function("1.4 x1 − x4 + 0.2 x7", (0, 3, 6), 1.0, lambda a, b, c: 1.4 * a - b + 0.2 * c),
    "product": Function("3 x2 x6", (1, 5), 1.0, lambda a, b: 3 * a * b),
    "max": Function(
        "2.5 max(x3, x5, x8)",
        (2, 4, 7),
        2.5**2 * 0.15,
        lambda a, b, c: 2.5 * np.maximum(np.maximum(a, b), c),
    ),
    "sine": Function("1.4 sin(π (x4 + x5))", (3, 4), 1.4**2 / 2, lambda a, b: 1.4 * np.sin(np.pi * (a + b))),
    "additive": Function(
        "1.5 x1² + 1.2 |x2| + 0.8 sin(π x5) + x8",
        (0, 1, 4, 7),
        1.5**2 * 4 / 45 + 1.2**2 / 12 + 0.8**2 / 2 + 1 / 3,
        lambda a, b, c, d: 1.5 * a**2 + 1.2 * np.abs(b) + 0.8 * np.sin(np.pi * c) + d,
    ),
}


@dataclass(frozen=True, kw_only=True)
class PlantedFunctions(PlantedTable):
    """Regression: y = f(x) + noise with x uniform on [−1, 1]⁸ and an f of two to four columns that is written down.

    The noise is normal, with a tenth of the function's standard deviation; the best R² is therefore
    Var f / (Var f + σ²) = 1 / 1.01. The evidence is the set of columns that enter f; groups are the columns.
    `shapley` gives the exact Shapley values of f, with which any attribution can be compared number by number.

    When it misleads: what is known is the function, not the model; only of a model that comes close to the best R² is
    the function's truth the model's. Of a maximum only one column decides in each sample, while all enter.
    Reference: [agarwal2022openxai], [shapley1953value]
    """

    name = "planted_functions"
    title = "Planted functions"
    classes = ("y (no unit)",)
    citation = "agarwal2022openxai"
    features = tuple(f"x{column + 1}" for column in range(WIDTH))
    bayes = 1 / (1 + NOISE**2)
    absence = "zero"  # the middle of every column
    about = (
        "Generated numbers: eight columns, uniform between −1 and 1, of which two to four decide a ninth number "
        "through a function that is written down, plus a little noise. The exact Shapley values of that function are "
        "known. Splits come from different seeds."
    )

    function: str = "linear"

    def __post_init__(self) -> None:
        if self.function not in FUNCTIONS:
            raise unknown("planted function", self.function, FUNCTIONS)
        self._describe(
            name=f"planted_functions_{self.function}",
            title=f"Planted function: {self.function}",
            rule=f"y = {self.planted_function.formula}, plus noise with a tenth of its standard deviation.",
        )

    @classmethod
    def variants(cls) -> "tuple[PlantedFunctions, ...]":
        return tuple(cls(function=name) for name in FUNCTIONS)

    @property
    def planted_function(self) -> Function:
        """The function without noise."""
        return FUNCTIONS[self.function]

    def draw(self, generator: np.random.Generator) -> Draw:
        known = self.planted_function
        rows = generator.uniform(-1, 1, (BLOCK, WIDTH)).astype(np.float32).astype(np.float64)  # as they will be seen
        noise = NOISE * np.sqrt(known.variance) * generator.standard_normal(BLOCK)
        return Draw(
            place=np.zeros_like(rows),
            varied=rows,
            evidence=np.tile(np.isin(np.arange(WIDTH), known.columns), (BLOCK, 1)),
            labels=np.zeros(BLOCK, dtype=np.int64),
            values=known(rows) + noise,
        )

    def shapley(
        self, inputs: Float[Tensor, "sample feature"], background: Float[Tensor, "row feature"] | None = None
    ) -> Float[Tensor, "sample feature"]:
        """The exact Shapley values of the function, by enumeration of all 2⁸ coalitions: against one reference input
        (zero where none is given), or the mean over several rows. Reference: [shapley1953value]"""
        known = torch.zeros_like(inputs[:1]) if background is None else background
        shares = shapley_values(self.planted_function, inputs.double().numpy(), known.double().numpy())
        return torch.from_numpy(shares)
