"""Shapley values of a function that is known, exact, by going through every coalition of its inputs."""

from collections.abc import Callable
from itertools import product
from math import factorial

import numpy as np
from jaxtyping import Float

from zoo.errors import InputError

MOST = 12
"""Inputs of a function: 12 make 4,096 coalitions."""


def shapley_values(
    function: Callable[[Float[np.ndarray, "sample feature"]], Float[np.ndarray, "sample"]],
    inputs: Float[np.ndarray, "sample feature"],
    background: Float[np.ndarray, "row feature"],
) -> Float[np.ndarray, "sample feature"]:
    """How much each input moved the function away from what it gives on the background, fairly shared.

    φ_j = Σ_{S ∌ j} |S|! (d − |S| − 1)! / d! · (v(S ∪ j) − v(S)),  v(S) = mean over rows b of f(x on S, b elsewhere)

    One row is a reference input; several make the mean over them (the interventional values). They sum to f(x) − v(∅).
    Reference: [shapley1953value], [lundberg2017unified]
    """
    width = inputs.shape[1]
    if width > MOST:
        raise InputError(f"{width} inputs make 2^{width} coalitions. Exact Shapley values are for at most {MOST}.")
    values = {chosen: _worth(function, inputs, background, chosen) for chosen in product((False, True), repeat=width)}
    shares = np.zeros_like(inputs, dtype=np.float64)
    for chosen, worth in values.items():
        for feature in np.flatnonzero(chosen):
            without = (*chosen[:feature], False, *chosen[feature + 1 :])
            weight = factorial(sum(without)) * factorial(width - sum(chosen)) / factorial(width)
            shares[:, feature] += weight * (worth - values[without])
    return shares


def _worth(
    function: Callable[[Float[np.ndarray, "sample feature"]], Float[np.ndarray, "sample"]],
    inputs: Float[np.ndarray, "sample feature"],
    background: Float[np.ndarray, "row feature"],
    chosen: tuple[bool, ...],
) -> Float[np.ndarray, "sample"]:
    """v(S) of each sample: the mean of the function over the background, with the chosen inputs as they are."""
    mixed = np.where(np.array(chosen), inputs[:, None], background)  # sample, row, feature
    return function(mixed.reshape(-1, inputs.shape[1])).reshape(mixed.shape[:2]).mean(1)
