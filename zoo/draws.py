"""Draws: random numbers block by block, so that a larger split begins with a smaller one."""

from collections.abc import Iterator

import numpy as np

BLOCK = 500
"""Samples drawn from one generator."""


def draws(seed: int, stream: int, count: int) -> Iterator[tuple[np.random.Generator, int]]:
    """A generator for each block of 500 samples, and how many of the block are wanted: draw all, keep so many.

    It depends on seed, stream and the number of the block alone.
    """
    for start in range(0, count, BLOCK):
        yield np.random.default_rng((seed, stream, start // BLOCK)), min(BLOCK, count - start)
