"""Hierarchies: groups of inputs as the leaves of a binary tree, what lies together or varies together first."""

from math import inf
from typing import Any, TypeAlias

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from workbench.allocation import Allocation
from workbench.chance import generator
from workbench.coalitions import distinct

Hierarchy: TypeAlias = int | tuple[Any, Any]
"""A group, or two hierarchies that are told apart before what is inside them."""


def by_place(groups: Int[Tensor, "..."]) -> Hierarchy:
    """Halves of halves: the groups of one sample are cut across the axis along which they spread furthest.

    A group's place is the mean of its entries' places; an image is cut into halves, quarters, …, a sentence into spans.
    """
    inside = (groups >= 0).nonzero()
    index = groups[tuple(inside.T)]
    count = int(groups.amax()) + 1
    total = torch.zeros(count, groups.ndim, dtype=torch.float64).index_add_(0, index, inside.double())
    return _halved(torch.arange(count), total / index.bincount(minlength=count)[:, None])


def by_correlation(rows: Float[np.ndarray, "row feature"]) -> Hierarchy:
    """Columns joined by average linkage, those first whose |correlation| over the rows is highest."""
    from scipy.cluster.hierarchy import linkage
    from scipy.spatial.distance import squareform

    count = rows.shape[1]
    if count < 2:
        return 0
    centred = rows.astype(np.float64) - rows.mean(0, dtype=np.float64)
    lengths = np.linalg.norm(centred, axis=0)
    directions = np.divide(centred, lengths, out=np.zeros_like(centred), where=lengths > 0)
    distances = np.clip(1 - np.abs(directions.T @ directions), 0, 1)
    np.fill_diagonal(distances, 0)
    nodes: list[Hierarchy] = list(range(count))
    for first, second, *_ in linkage(squareform(distances, checks=False), "average"):
        nodes.append((nodes[int(first)], nodes[int(second)]))
    return nodes[-1]


def coalitions_asked(tree: Hierarchy, depth: int = 0) -> float:
    """How many coalitions the exact Owen values of a hierarchy need, the empty and the full one left out.

    A part at depth d is looked at with each of its 2^d surroundings; infinity where that is past counting.
    """
    if isinstance(tree, int):
        return 0
    return inf if depth > 60 else 2 ** (depth + 1) + sum(coalitions_asked(part, depth + 1) for part in tree)


def owen_allocation(tree: Hierarchy, players: int) -> Allocation:
    """Owen values: what a group adds, averaged over whether each part that it is told apart from has come before it."""
    leaves = list(_surroundings(tree, torch.zeros(1, players, dtype=torch.bool)))
    without = torch.cat([around for _, around in leaves])
    player = torch.cat([torch.full((len(around),), leaf) for leaf, around in leaves])
    share = torch.cat([torch.full((len(around),), 1 / len(around), dtype=torch.float64) for _, around in leaves])
    together = without | (torch.arange(players) == player[:, None])
    present, index, _ = distinct(torch.cat((without, together)))
    weights = torch.zeros(len(present), players, dtype=torch.float64)
    weights.index_put_((index, player.repeat(2)), torch.cat((-share, share)), accumulate=True)
    return Allocation(present, weights)


def nested_orders(tree: Hierarchy, players: int, pairs: int, seed: int) -> Int[Tensor, "order group"]:
    """Random orders in which no part is interrupted, each followed by its reverse: every pair of parts is tossed for.

    Their mean is unbiased for the Owen values.
    """
    orders = _tossed(tree, pairs, generator(seed, "nested orders", players))
    return torch.stack((orders, orders.flip(1)), 1).flatten(0, 1)


def _halved(groups: Int[Tensor, "group"], places: Float[Tensor, "player axis"]) -> Hierarchy:
    if len(groups) == 1:
        return int(groups)
    own = places[groups]
    axis = int((own.amax(0) - own.amin(0)).argmax())
    seen = own[:, axis].unique()
    by_number = torch.arange(len(groups)) < len(groups) // 2  # where all are in one place
    first = own[:, axis] < seen[len(seen) // 2] if len(seen) > 1 else by_number
    return _halved(groups[first], places), _halved(groups[~first], places)


def _members(tree: Hierarchy) -> list[int]:
    return [tree] if isinstance(tree, int) else [*_members(tree[0]), *_members(tree[1])]


def _surroundings(
    tree: Hierarchy, around: Bool[Tensor, "row group"]
) -> list[tuple[int, Bool[Tensor, "context group"]]]:
    """Each leaf with the coalitions that may have come before it, all equally likely."""
    if isinstance(tree, int):
        return [(tree, around)]
    found = []
    for part, other in (tree, tree[::-1]):
        joined = around.clone()
        joined[:, _members(other)] = True
        found += _surroundings(part, torch.cat((around, joined)))
    return found


def _tossed(tree: Hierarchy, count: int, chance: torch.Generator) -> Int[Tensor, "order group"]:
    if isinstance(tree, int):
        return torch.full((count, 1), tree)
    first, second = (_tossed(part, count, chance) for part in tree)
    heads = torch.rand(count, 1, generator=chance) < 0.5
    return torch.where(heads, torch.cat((first, second), 1), torch.cat((second, first), 1))
