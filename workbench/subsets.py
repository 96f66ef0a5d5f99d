"""Subsets: which groups a random perturbation keeps, each with the same probability and independent of the others."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from workbench.chance import generator


@dataclass(frozen=True, eq=False)
class Subsets:
    """Which groups are present in each subset, and the subset's weight; the weights add up to 1."""

    present: Bool[Tensor, "subset group"]
    weights: Float[Tensor, "subset"]


@dataclass(frozen=True, eq=False)
class Asked:
    """The subsets of all samples, one after the other; samples of as many groups share theirs."""

    by_count: dict[int, Subsets]
    counts: Int[Tensor, "sample"]
    rows: Int[Tensor, "row"]
    """The sample of each row."""
    present: Bool[Tensor, "row group"]

    def of_count(self, count: int, values: Float[Tensor, "row"]) -> Float[Tensor, "sample subset"]:
        """The values of the samples that have so many groups."""
        chosen = self.counts == count
        return values[chosen[self.rows]].view(int(chosen.sum()), -1)


def subsets(groups: int, budget: int, share: float, seed: int) -> Subsets:
    """All 2^groups subsets with their probabilities where the budget allows; else `budget` of them, drawn.

    P(z) = share^|z| (1 - share)^(groups - |z|)
    """
    if groups < 31 and 2**groups <= budget:
        present = (torch.arange(2**groups)[:, None] >> torch.arange(groups)) % 2 == 1
        sizes = present.sum(1).double()
        return Subsets(present, share**sizes * (1 - share) ** (groups - sizes))
    present = torch.rand(budget, groups, generator=generator(seed, "subsets", groups)) < share
    return Subsets(present, torch.full((budget,), 1 / budget, dtype=torch.float64))


def asked(counts: Int[Tensor, "sample"], choose: Callable[[int], Subsets]) -> Asked:
    """The subsets `choose(number of groups)` of every sample, as rows that can be asked for together."""
    by_count = {count: choose(count) for count in counts.unique().tolist()}
    most = int(counts.amax())
    present, rows = [], []
    for sample, count in enumerate(counts.tolist()):
        chosen = by_count[count].present
        present.append(torch.nn.functional.pad(chosen, (0, max(1, most) - count)))
        rows.append(torch.full((len(chosen),), sample))
    return Asked(by_count, counts, torch.cat(rows), torch.cat(present))
