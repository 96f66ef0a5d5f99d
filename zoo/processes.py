"""Processes: random series that only vary about zero, each with a memory of its own kind."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

Series = Float[np.ndarray, "sample time feature"]
Process = Callable[[np.random.Generator, tuple[int, int, int]], Series]
"""From a generator and the shape (sample, time, feature); every feature of every sample is a series of its own."""

NOISE = 0.3
"""Standard deviation of what is added to every process but Gaussian noise, as a measurement adds it."""
PERIODS = 2.0
"""Of a harmonic in a series."""
KEPT = 0.9
"""Share of its value that an autoregressive series keeps from one step to the next."""
DECAY = 0.9
"""Rate at which a continuous one forgets, where steps are 0.4 apart in the mean."""
SCALE = 2.5
"""Steps over which a Gaussian process is much the same."""
ORDER = 10
"""Steps that a NARMA series looks back."""


def gaussian(generator: np.random.Generator, shape: tuple[int, int, int]) -> Series:
    """Independent normal numbers of mean 0 and variance 1."""
    return generator.standard_normal(shape)


def harmonic(generator: np.random.Generator, shape: tuple[int, int, int]) -> Series:
    """√2 sin(2π (2 t + φ)) with t from 0 to 1 and a random phase φ, and noise."""
    phase = generator.random((shape[0], 1, shape[2]))
    return np.sqrt(2) * np.sin(2 * np.pi * (PERIODS * _time(shape) + phase)) + _noise(generator, shape)


def pseudo_periodic(generator: np.random.Generator, shape: tuple[int, int, int]) -> Series:
    """A sine whose amplitude (1 ± 0.5) and frequency (2 ± 0.01) are drawn anew at every step, and noise."""
    phase = generator.random((shape[0], 1, shape[2]))
    frequency = PERIODS + 0.01 * generator.standard_normal(shape)
    amplitude = 1 + 0.5 * generator.standard_normal(shape)
    return amplitude * np.sin(2 * np.pi * (frequency * _time(shape) + phase)) + _noise(generator, shape)


def gaussian_process(generator: np.random.Generator, shape: tuple[int, int, int]) -> Series:
    """Jointly normal with the Matérn 3/2 covariance (1 + r) exp(−r), r = √3 |t − t'| / 2.5 steps, and noise.

    Reference: [rasmussen2006gaussian]
    """
    steps = np.arange(shape[1])
    distance = np.sqrt(3) * np.abs(steps[:, None] - steps) / SCALE
    factor = np.linalg.cholesky((1 + distance) * np.exp(-distance))
    return np.einsum("ts,nsf->ntf", factor, generator.standard_normal(shape)) + _noise(generator, shape)


def autoregressive(generator: np.random.Generator, shape: tuple[int, int, int]) -> Series:
    """x_t = 0.9 x_{t−1} + √(1 − 0.9²) ε_t, of variance 1 from the start, and noise."""
    return _remembering(generator, shape, np.full((shape[0], shape[1], 1), KEPT)) + _noise(generator, shape)


def continuous_autoregressive(generator: np.random.Generator, shape: tuple[int, int, int]) -> Series:
    """The same in continuous time, looked at irregularly: x keeps the share exp(−0.9 Δ) over a gap Δ, exponentially
    distributed with mean 0.4 and the same for all features of a sample; and noise."""
    gaps = generator.exponential(0.4, (shape[0], shape[1], 1))
    return _remembering(generator, shape, np.exp(-DECAY * gaps)) + _noise(generator, shape)


def narma(generator: np.random.Generator, shape: tuple[int, int, int]) -> Series:
    """y_t = 0.3 y_{t−1} + 0.05 y_{t−1} Σ_{i≤10} y_{t−i} + 1.5 u_{t−10} u_{t−1} + 0.1 with u uniform in [0, 0.5], after
    forty steps, its mean taken off and scaled to variance 1 or so, and noise. Reference: [atiya2000new]"""
    samples, length, features = shape
    total = length + 4 * ORDER
    given = generator.uniform(0, 0.5, (total, samples, features))
    y = np.zeros((total, samples, features))
    for t in range(ORDER, total):
        past = y[t - ORDER : t].sum(0)
        y[t] = 0.3 * y[t - 1] + 0.05 * y[t - 1] * past + 1.5 * given[t - ORDER] * given[t - 1] + 0.1
        np.minimum(y[t], 1, out=y[t])  # it explodes, very rarely
    return (y[-length:].transpose(1, 0, 2) - NARMA_MEAN) / NARMA_DEVIATION + _noise(generator, shape)


NARMA_MEAN, NARMA_DEVIATION = 0.388, 0.11
PROCESSES: dict[str, Process] = {
    "gaussian": gaussian,
    "harmonic": harmonic,
    "pseudo_periodic": pseudo_periodic,
    "gaussian_process": gaussian_process,
    "autoregressive": autoregressive,
    "continuous_autoregressive": continuous_autoregressive,
    "narma": narma,
}


def _time(shape: tuple[int, int, int]) -> Float[np.ndarray, "1 time 1"]:
    return np.arange(shape[1])[None, :, None] / shape[1]


def _noise(generator: np.random.Generator, shape: tuple[int, int, int]) -> Series:
    return NOISE * generator.standard_normal(shape)


def _remembering(
    generator: np.random.Generator, shape: tuple[int, int, int], kept: Float[np.ndarray, "sample time 1"]
) -> Series:
    """Series of variance 1 that keep a share of their value at each step, and draw the rest anew."""
    series = generator.standard_normal(shape)
    for t in range(1, shape[1]):
        series[:, t] = kept[:, t] * series[:, t - 1] + np.sqrt(1 - kept[:, t] ** 2) * series[:, t]
    return series
