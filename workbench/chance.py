"""Chance: random numbers that depend on a seed and a sample alone, never on the batch the sample came in."""

import hashlib
from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def generator(seed: int, *words: object) -> torch.Generator:
    """A generator of its own for a seed and any words (a sample's id, a purpose); the global one is left alone."""
    text = "/".join(map(str, (seed, *words)))
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
    return torch.Generator().manual_seed(number)


def per_sample(draw: Callable[[torch.Generator], Tensor], ids: Sequence[str], seed: int, purpose: str) -> Tensor:
    """`draw` for each sample from a generator of its own, stacked: a sample gets the same in any batch."""
    return torch.stack([draw(generator(seed, purpose, name)) for name in ids])
