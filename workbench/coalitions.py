"""Coalitions: which subsets of players a Shapley regression asks about, how they are weighted, and its solution."""

from dataclasses import dataclass
from itertools import combinations
from math import comb

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from workbench.chance import generator


@dataclass(frozen=True, eq=False)
class Design:
    """Coalitions and their weights in the regression; the empty and the full one are left to the constraint."""

    present: Bool[Tensor, "row group"]
    weights: Float[Tensor, "row"]


def coalitions(players: int, budget: int, seed: int, sampling: str = "paired") -> Design:
    """At most `budget` coalitions of `players`, closed under complement, weighted by the Shapley kernel.

    Sizes are taken in pairs (s, players - s) from the outside in, where most of the kernel's weight is. A pair of
    sizes is enumerated where drawing would take at least as many of the remaining budget; all other sizes are drawn,
    stratified by size, each draw together with its complement. Sizes are drawn in proportion to their weight or, where
    `sampling` is "leverage", all alike, which is in proportion to the leverage 1 / C(M, |z|) of each coalition in the
    regression [musco2025provably]; what is drawn more often than it weighs is weighted down. All players alike, so one
    design serves all samples that have as many players.
    """
    everything = 2**players - 2 <= budget
    left, parts, weights = budget, [], []
    open_sizes = {size: _size_share(players, size, sampling) for size in range(1, players // 2 + 1)}
    for size in list(open_sizes):
        count = comb(players, size) * (1 if 2 * size == players else 2)
        if not everything and left * open_sizes[size] < count * sum(open_sizes.values()):
            break
        parts.append(_all_of_size(players, size))
        weights.append(torch.full((count,), _size_weight(players, size) / count, dtype=torch.float64))
        del open_sizes[size]
        left -= count
    if open_sizes and left >= 2:
        drawn, shares = _drawn(players, open_sizes, left // 2, seed)
        parts.append(drawn)
        weights.append(shares)
    if not parts:
        return Design(torch.zeros(0, players, dtype=torch.bool), torch.zeros(0, dtype=torch.float64))
    return Design(torch.cat(parts), torch.cat(weights))


def shapley_regression(
    design: Design, gains: Float[Tensor, "sample row"], wanted: Float[Tensor, "sample"]
) -> Float[Tensor, "sample group"]:
    """φ of least weighted squared error Σ w (gain - z·φ)² among those with Σ φ = `wanted`, in float64.

    φ = wanted / M + ψ with Σ ψ = 0, so ψ solves the normal equations projected on that plane. Where the coalitions do
    not determine it, ψ is the shortest solution.
    """
    z = design.present.double()
    players = z.shape[1]
    if players == 0:
        return gains.new_zeros(len(wanted), 0)
    equal = (wanted / players)[:, None].expand(-1, players)
    plane = torch.eye(players, dtype=torch.float64) - 1 / players
    weighted = z * design.weights[:, None]
    normal = plane @ (z.T @ weighted) @ plane
    right = (gains - equal @ z.T) @ weighted @ plane
    return equal + right @ torch.linalg.pinv(normal, hermitian=True) @ plane


def distinct(
    present: Bool[Tensor, "row group"],
) -> tuple[Bool[Tensor, "kind group"], Int[Tensor, "row"], Int[Tensor, "kind"]]:
    """The coalitions that differ, in lexicographic order; which of them each row is, and how often each comes.

    Up to 62 groups rows are compared as whole numbers, which is five times faster than entry by entry.
    """
    players = present.shape[1]
    if not 0 < players <= 62:
        return torch.unique(present, dim=0, return_inverse=True, return_counts=True)
    places = torch.arange(players - 1, -1, -1)
    numbers = (present.long() << places).sum(1)
    kinds, index, times = torch.unique(numbers, return_inverse=True, return_counts=True)
    return (kinds[:, None] >> places) & 1 == 1, index, times


def _size_weight(players: int, size: int) -> float:
    """Total kernel weight of all coalitions of `size` and of `players - size`, up to a common factor."""
    return (1 if 2 * size == players else 2) / (size * (players - size))


def _size_share(players: int, size: int, sampling: str) -> float:
    """Of the draws, up to a common factor."""
    return _size_weight(players, size) if sampling == "paired" else (1 if 2 * size == players else 2)


def _all_of_size(players: int, size: int) -> Bool[Tensor, "row group"]:
    index = torch.tensor(list(combinations(range(players), size)), dtype=torch.long)
    present = torch.zeros(len(index), players, dtype=torch.bool).scatter_(1, index, True)
    return present if 2 * size == players else torch.cat((present, ~present))


def _drawn(
    players: int, sizes: dict[int, float], pairs: int, seed: int
) -> tuple[Bool[Tensor, "row group"], Float[Tensor, "row"]]:
    """`pairs` random coalitions and their complements, the sizes in these proportions; duplicates merged. A row weighs
    its size's weight over the share of its size, so that in expectation the kernel comes out."""
    share = torch.tensor(list(sizes.values()), dtype=torch.float64)
    middle = (torch.arange(pairs, dtype=torch.float64) + 0.5) / pairs
    slot = torch.searchsorted(share.cumsum(0) / share.sum(), middle).clamp(max=len(sizes) - 1)
    chosen: Int[Tensor, "row"] = torch.tensor(list(sizes))[slot]
    order = torch.rand(pairs, players, generator=generator(seed, "coalitions", players)).argsort(1).argsort(1)
    half = order < chosen[:, None]
    present, _, times = distinct(torch.cat((half, ~half)))
    smaller = torch.minimum(present.sum(1), players - present.sum(1)).tolist()
    ratio = torch.tensor([_size_weight(players, size) / sizes[size] for size in smaller], dtype=torch.float64)
    return present, times * ratio * float(share.sum()) / (2 * pairs)
