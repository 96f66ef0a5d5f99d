"""Allocations: which coalitions of players a method asks for, and how each player's share follows from their values."""

from collections.abc import Callable
from dataclasses import dataclass
from math import factorial

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

from workbench.chance import generator
from workbench.coalitions import distinct
from workbench.perturbations import coalition_values, group_counts, spread
from workbench.query import Query

ROWS_AT_ONCE = 2**20
"""Coalitions whose values are kept at the same time."""
BUILT_AT_ONCE = 2**20
"""Input elements up to which all changed inputs are built in one step, sample by coalition: of narrow inputs a step
costs more than its arithmetic (measured: 20 columns in a third of the time that chunks take)."""


@dataclass(frozen=True, eq=False)
class Allocation:
    """φ = weightsᵀ v: shares that are linear in the values v of the coalitions `present`.

    The first coalition is the empty one and the last the full one; every column of `weights` sums to zero, so that
    only differences count.
    """

    present: Bool[Tensor, "row group"]
    weights: Float[Tensor, "row group"]

    def shares(self, values: Float[Tensor, "sample row"]) -> Float[Tensor, "sample group"]:
        """φ of each sample from the values of the coalitions, in float64."""
        exact = values.double()
        return (exact - exact[:, :1]) @ self.weights


def every_coalition(players: int) -> Bool[Tensor, "row group"]:
    """All 2^M coalitions; player i is present where bit i of the row's number is set."""
    return (torch.arange(2**players)[:, None] >> torch.arange(players)) & 1 == 1


def exact_allocation(players: int) -> Allocation:
    """Shapley's weights over all coalitions: (|S| − 1)! (M − |S|)! / M! for members, −|S|! (M − |S| − 1)! / M! else."""
    present = every_coalition(players)
    whole = factorial(players)
    joined = [factorial(max(size - 1, 0)) * factorial(players - size) / whole for size in range(players + 1)]
    left = [-factorial(size) * factorial(max(players - size - 1, 0)) / whole for size in range(players + 1)]
    inside, outside = (torch.tensor(column, dtype=torch.float64)[present.sum(1)] for column in (joined, left))
    return Allocation(present, torch.where(present, inside[:, None], outside[:, None]))


def allocation_of_orders(orders: Int[Tensor, "order group"]) -> Allocation:
    """The mean over orders of v(those before i, and i) − v(those before i); each row of `orders` names the players as
    they come. Coalitions that several orders pass through are asked for once."""
    count, players = orders.shape
    place = orders.argsort(1)  # when each player comes
    passed = place[:, None] < torch.arange(players + 1)[:, None]  # order, step, group
    present, index, _ = distinct(passed.flatten(0, 1))
    index = index.view(count, players + 1)
    weights = torch.zeros(len(present), players, dtype=torch.float64)
    one = torch.full((count * players,), 1 / count, dtype=torch.float64)
    weights.index_put_((index[:, 1:].flatten(), orders.flatten()), one, accumulate=True)
    weights.index_put_((index[:, :-1].flatten(), orders.flatten()), -one, accumulate=True)
    return Allocation(present, weights)


def antithetic_orders(players: int, pairs: int, seed: int) -> Int[Tensor, "order group"]:
    """Uniformly random orders, each followed by its reverse. The players alone decide, never the sample."""
    draws = torch.rand(pairs, players, generator=generator(seed, "orders", players), dtype=torch.float64)
    orders = draws.argsort(1)
    return torch.stack((orders, orders.flip(1)), 1).flatten(0, 1)


def allocated(
    query: Query,
    allocations: Callable[[Int[Tensor, "..."], int], Allocation],
    reference: Shaped[Tensor, "sample ..."],
    groups: Int[Tensor, "sample ..."],
) -> Float[Tensor, "sample ..."]:
    """The shares of every sample's groups, each spread equally over its entries.

    `allocations(groups of one sample, players)` gives the allocation of all samples whose groups lie alike.
    """
    kinds, index = torch.unique(groups.flatten(1), dim=0, return_inverse=True)
    values = torch.zeros(len(groups), max(1, int(group_counts(groups).amax())), dtype=torch.float64)
    precision = torch.float32
    for kind, layout in enumerate(kinds):
        players = int(layout.amax()) + 1
        if players == 0:
            continue
        plan = allocations(layout.view(groups.shape[1:]), players)
        members = (index == kind).nonzero()[:, 0]
        for block in members.split(max(1, ROWS_AT_ONCE // len(plan.present))):
            found = _values(query, plan.present, block, reference, groups)
            values[block, :players] = plan.shares(found)
            precision = found.dtype
    return spread(values, groups).to(precision)


def _values(
    query: Query,
    present: Bool[Tensor, "row group"],
    samples: Int[Tensor, "member"],
    reference: Shaped[Tensor, "sample ..."],
    groups: Int[Tensor, "sample ..."],
) -> Float[Tensor, "member row"]:
    """The value of every coalition of every one of these samples."""
    count, rows = len(present), samples.repeat_interleave(len(present))
    if len(rows) * query.inputs[0].numel() <= BUILT_AT_ONCE:  # a member's groups lie like any other's
        kept = present.index_select(1, groups[samples[0]].clamp(min=0).flatten()).view(count, *groups.shape[1:])
        built = torch.where(kept, query.inputs[samples, None], reference[samples, None]).flatten(0, 1)
        return query.values(built, rows).view(len(samples), count)
    which = torch.arange(len(samples) * count)

    def coalitions(part: slice) -> Tensor:
        return present[which[part] % count]

    return coalition_values(query, coalitions, rows, reference, groups).view(len(samples), count)
