"""Vocabulary: which tokens a text task's training sentences are made of, and how often each of them occurs."""

from functools import lru_cache

import torch
from jaxtyping import Int
from torch import Tensor

from zoo.task import TextTask


@lru_cache(maxsize=64)
def token_counts(task: TextTask) -> Int[Tensor, "token"]:
    """How often each token id occurs in the training split; padding counts as never. Computed once per task."""
    counts = torch.bincount(task.samples("train").inputs.flatten())
    counts[task.padding] = 0
    return counts
