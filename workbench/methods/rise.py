"""RISE."""

from dataclasses import dataclass, replace
from typing import Self

import torch
from jaxtyping import Float, Int
from torch import Tensor

from workbench.chance import generator
from workbench.explanation import AbstractMethod, Claim
from workbench.groups import GROUPS, feature_groups
from workbench.imputation import MISSING, AbstractImputer, Reference, imputed_values, imputer
from workbench.interpolation import hats
from workbench.perturbations import group_counts, spread
from workbench.query import Query
from workbench.settings import setting
from workbench.subsets import Subsets, asked, subsets
from zoo.task import Kind

BLOCK = 256
"""Masks that exist at the same time where they are added up."""


@dataclass(frozen=True, kw_only=True)
class Rise(AbstractMethod):
    """The mean of the scalar over random masks that keep a feature, less the mean over all.

    a_i = E[f(m ⊙ x + (1 - m) ⊙ x') m_i] / E[m_i] - E[f(m ⊙ x + (1 - m) ⊙ x')]

    The published estimator is the first term alone; its mean, the same for all features, is taken off, so that a model
    that does not react gets zeros. Images: masks are grids of `grid` cells a side, each kept with probability `share`,
    shifted at random and interpolated, so they take any value from 0 to 1. Series: stretches of time, text: words,
    tables: columns, each kept whole with that probability, and a group's value is shared by its entries; where the
    budget allows every subset, all are asked and the means are exact. What looks at which features are kept (road,
    marginal, conditional) has masks cut at one half. Symmetry holds for groups, in expectation where they are drawn.

    When it misleads: with few masks neighbouring places differ by chance alone, and the grid's cells show in the map.
    Reference: [petsiuk2018rise]
    """

    name = "rise"
    title = "RISE"
    claims = frozenset({Claim.LINEARITY, Claim.SYMMETRY, Claim.IMPLEMENTATION_INVARIANCE})

    n_masks: int = setting(1024, low=4, high=1_000_000, help="Random masks per sample")
    share: float = setting(0.5, low=0.01, high=0.99, help="Probability that a cell or a group is kept")
    groups: str = setting("auto", choices=("auto", *GROUPS), help="What masks are made of; auto: cells, words, time")
    n_groups: int = setting(0, low=0, high=4096, help="Superpixels or stretches of time, about; 0: 50 and 16")
    grid: int = setting(7, low=2, high=64, help="Cells along the shorter side of an image")
    missing: str = setting("auto", choices=MISSING, help="What shows where the mask is 0 (on text: [MASK])")
    seed: int = setting(0, low=0, high=2**31 - 1, help="Of the masks, and of missing values that are random")

    def rough(self) -> Self:
        return replace(self, n_masks=min(256, self.n_masks))

    def attribute(self, query: Query) -> Float[Tensor, "sample ..."]:
        stand_in = imputer(query, self.missing, self.seed)
        kind = query.subject.task.kind
        if self.groups == "auto" and kind is Kind.IMAGE:
            return self._by_grid(query, stand_in)
        automatic = "time" if kind is Kind.SERIES else "task"
        groups = feature_groups(query, automatic if self.groups == "auto" else self.groups, self.n_groups)
        wanted = asked(group_counts(groups), lambda count: subsets(count, self.n_masks, self.share, self.seed))
        values = imputed_values(query, stand_in, wanted.present.__getitem__, wanted.rows, groups).double()
        per_group = torch.zeros(len(groups), wanted.present.shape[1], dtype=torch.float64)
        for count, some in wanted.by_count.items():
            per_group[wanted.counts == count, :count] = conditional_means(wanted.of_count(count, values), some)
        return spread(per_group, groups).to(torch.float32)

    def cost(self, query: Query) -> tuple[int, int]:
        return self.n_masks, 0

    def _by_grid(self, query: Query, stand_in: AbstractImputer) -> Float[Tensor, "sample ..."]:
        inputs, binary = query.inputs, not isinstance(stand_in, Reference)
        shape = height, width = inputs.shape[2:]
        spacing = max(1.0, min(shape) / self.grid)
        chance = generator(self.seed, "grid masks", *shape)
        shifts = torch.rand(2, self.n_masks, generator=chance) * spacing
        nodes = [hats(size, spacing, torch.zeros(1)).shape[2] for size in shape]
        cells = (torch.rand(self.n_masks, *nodes, generator=chance) < self.share).to(inputs.dtype)

        def masks(which: Int[Tensor, "row"]) -> Float[Tensor, "row height width"]:
            down, across = (hats(shape[i], spacing, shifts[i, which], inputs.dtype) for i in range(2))
            smooth = down @ cells[which] @ across.mT
            return (smooth >= 0.5).to(smooth) if binary else smooth

        rows = torch.arange(len(inputs)).repeat_interleave(self.n_masks)

        def build(part: slice) -> Tensor:
            where = rows[part]
            mask = masks(torch.arange(part.start, min(part.stop, len(rows))) % self.n_masks)[:, None]
            kept = (mask >= 0.5) if binary else torch.zeros_like(mask, dtype=torch.bool)
            other = stand_in.replace(inputs[where], kept.expand_as(inputs[where]), where)
            return mask * inputs[where] + (1 - mask) * other

        values = query.built_values(build, rows).double().view(len(inputs), -1)
        centred = values - values.mean(1, keepdim=True)
        total, times = centred.new_zeros(len(inputs), height * width), centred.new_zeros(height * width)
        for which in torch.arange(self.n_masks).split(BLOCK):
            block = masks(which).double().flatten(1)
            total, times = total + centred[:, which] @ block, times + block.sum(0)
        means = (total / times.clamp(min=1e-12)).view(-1, 1, height, width)
        return means.expand_as(inputs).to(torch.float32)


def conditional_means(values: Float[Tensor, "sample subset"], some: Subsets) -> Float[Tensor, "sample group"]:
    """E[f z_i] / E[z_i] - E[f] for each group; 0 for one that is never kept."""
    centred = (values - values @ some.weights[:, None] / some.weights.sum()) * some.weights
    kept = some.present.double()
    return centred @ kept / (some.weights @ kept).clamp(min=1e-12)
