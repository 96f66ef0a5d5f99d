"""Early stopping: a part of the training split held out, which says when training no longer helps."""

from collections.abc import Sequence

import torch

from zoo.errors import InputError
from zoo.task import Samples


def hold_out(samples: Samples, share: float, seed: int) -> tuple[Samples, Samples]:
    """Samples to learn from, and samples held out: about `share` of every class, drawn from the seed.

    A class of one sample is learnt from. The order of what is learnt from is that of the samples. A regression task has
    one class, so its samples are held out at random.
    """
    if not 0 < share < 1:
        raise InputError(f"The share of samples to hold out cannot be {share}. Choose it between 0 and 1, say 0.1.")
    generator = torch.Generator().manual_seed(seed)
    held = torch.zeros(len(samples), dtype=torch.bool)
    for label in samples.labels.unique():
        rows = (samples.labels == label).nonzero().flatten()
        count = min(round(share * len(rows)), len(rows) - 1)
        held[rows[torch.randperm(len(rows), generator=generator)[:count]]] = True
    if not held.any():
        raise InputError(
            f"A share of {share} of {len(samples):,} samples is not one of any class: nothing is held out to stop by. "
            "Raise the share, or train without patience."
        )
    return samples.take((~held).nonzero().flatten().tolist()), samples.take(held.nonzero().flatten().tolist())


def is_best(losses: Sequence[float]) -> bool:
    """Whether the last of these held-out losses, one per epoch, is below all before it."""
    return losses[-1] < min(losses[:-1], default=float("inf"))


def has_stopped(losses: Sequence[float], patience: int) -> bool:
    """Whether the least of these held-out losses, one per epoch, is `patience` epochs ago.

    Reference: [prechelt1998early]
    """
    return len(losses) > 0 and len(losses) - 1 - losses.index(min(losses)) >= patience
