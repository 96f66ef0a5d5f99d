"""Attention flow."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from scipy.sparse import coo_array
from scipy.sparse.csgraph import maximum_flow
from torch import Tensor

from workbench.attention import AbstractAttention, Weights, averaged

UNITS = 1_000_000
"""Of flow that a capacity of 1 is: the algorithm counts in whole numbers."""


@dataclass(frozen=True, kw_only=True)
class AttentionFlow(AbstractAttention):
    """How much could flow from the answer to each token, were the attention weights the capacities of pipes.

    a_i = the maximum flow from the answer to token i, through Ā_L, …, Ā_1 with Ā_l = (mean_h A_l,h + 1) / 2

    The answer feeds the queries it is read from, each up to its share. Capacities are counted in millionths.
    When it misleads: as rollout does, and flows to several tokens share pipes, so that the values do not add up to
    anything. Reference: [abnar2020quantifying]
    """

    name = "attention_flow"
    title = "Attention flow"

    def looked_at(
        self, layers: Sequence[Weights], gradients: Sequence[Weights], readout: Float[Tensor, "row query"]
    ) -> Float[Tensor, "row key"]:
        pipes = [averaged(weights).cpu().double().numpy() for weights in reversed(layers)]
        feeds = readout.cpu().double().numpy()
        found = [_flows(feed, [pipe[row] for pipe in pipes]) for row, feed in enumerate(feeds)]
        return torch.tensor(np.array(found), dtype=readout.dtype, device=readout.device)


def _flows(feed: Float[np.ndarray, "query"], pipes: Sequence[np.ndarray]) -> list[float]:
    """The maximum flow from a source, through each layer of pipes, to each of the last nodes alone."""
    matrices = [feed[None], *pipes]
    starts = np.cumsum([0, *(len(matrix) for matrix in matrices)])
    whole = [np.rint(UNITS * matrix).astype(np.int32) for matrix in matrices]
    tails, heads, capacities = [], [], []
    for start, end, matrix in zip(starts[:-1], starts[1:], whole, strict=True):
        row, column = np.nonzero(matrix)
        tails.append(start + row)
        heads.append(end + column)
        capacities.append(matrix[row, column])
    size = int(starts[-1]) + whole[-1].shape[1]
    edges = (np.concatenate(tails), np.concatenate(heads))
    graph = coo_array((np.concatenate(capacities), edges), shape=(size, size)).tocsr()
    return [maximum_flow(graph, 0, node).flow_value / UNITS for node in range(int(starts[-1]), size)]
