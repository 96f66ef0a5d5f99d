"""Perturbations: taking features out of an input, or leaving only some of them in."""

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

from workbench.query import Query


def keep(
    inputs: Shaped[Tensor, "row ..."],
    kept: Bool[Tensor, "row ..."],
    reference: Shaped[Tensor, "row ..."],
) -> Shaped[Tensor, "row ..."]:
    """The inputs where `kept`, the reference inputs elsewhere; `kept` broadcasts over the axes it lacks on the left."""
    return torch.where(kept, inputs, reference)


def group_counts(groups: Int[Tensor, "sample ..."]) -> Int[Tensor, "sample"]:
    """How many groups each sample has."""
    return groups.flatten(1).amax(1) + 1


def coalition_values(
    query: Query,
    coalitions: Bool[Tensor, "row group"],
    rows: Int[Tensor, "row"],
    reference: Shaped[Tensor, "sample ..."],
) -> Float[Tensor, "row"]:
    """f where only the groups of each coalition are present and all others are at their reference."""
    groups = query.groups
    flat = groups.flatten(1).clamp(min=0)

    def build(part: slice) -> Tensor:
        where = rows[part]
        present = coalitions[part].gather(1, flat[where]).view(len(where), *groups.shape[1:])
        return keep(query.inputs[where], present, reference[where])

    return query.built_values(build, rows)


def spread(
    per_group: Float[Tensor, "sample group"], groups: Int[Tensor, "sample ..."]
) -> Float[Tensor, "sample ..."]:
    """Each group's value shared equally among its entries, so that sums are kept; padding gets 0."""
    flat = groups.flatten(1)
    index = flat.clamp(min=0)
    inside = (flat >= 0).to(per_group.dtype)
    sizes = torch.zeros_like(per_group).scatter_add_(1, index, inside).clamp(min=1)
    values = (per_group / sizes).gather(1, index) * inside
    return values.view(groups.shape)
