"""Soft masks: numbers between 0 and 1 on an input, that add up to a given area, from smooth scores."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from workbench.interpolation import hats
from workbench.perturbations import fine_features, group_counts
from workbench.query import Query
from zoo.task import Kind

HALVINGS, NEWTON = 14, 2
"""Halvings of the interval in which a threshold is sought, and steps of Newton's method within what is left."""


@dataclass(frozen=True, eq=False)
class Places:
    """What a mask of each sample covers, and how it follows from the scores at the nodes of a coarse grid.

    Images: pixels, smooth in both directions. Series: entries, smooth in time. Text and tables: words and columns.
    """

    nodes: tuple[int, ...]
    smooth: tuple[Tensor, ...]
    """(place, node): interpolation along the first axes of the scores; none where places are scored one by one."""
    valid: Bool[Tensor, "sample place"]
    groups: Int[Tensor, "sample ..."] | None
    kind: Kind

    @classmethod
    def of(cls, query: Query, n_nodes: int) -> "Places":
        """Those of a query's samples, with about `n_nodes` nodes along an image's shorter side or along time."""
        kind, shape, device = query.subject.task.kind, query.inputs.shape[1:], query.points.device
        if kind not in (Kind.IMAGE, Kind.SERIES):
            groups = fine_features(query.subject.task, query.inputs).to(device)
            counts = group_counts(groups)
            valid = torch.arange(max(1, int(counts.amax())), device=device) < counts[:, None]
            return cls((valid.shape[1],), (), valid, groups, kind)
        sizes = shape[1:] if kind is Kind.IMAGE else shape[:1]
        spacing = max(1.0, min(sizes) / n_nodes)
        smooth = tuple(hats(size, spacing, torch.full((1,), spacing / 2))[0].to(query.points) for size in sizes)
        rest = () if kind is Kind.IMAGE else shape[1:]
        nodes = (*(one.shape[1] for one in smooth), *rest)
        count = shape[-2:].numel() if kind is Kind.IMAGE else shape.numel()
        return cls(nodes, smooth, torch.ones(len(query.inputs), count, dtype=torch.bool, device=device), None, kind)

    def scores(self, nodes: Float[Tensor, "sample ..."]) -> Float[Tensor, "sample place"]:
        """The score of every place, by linear interpolation between nodes."""
        for axis, along in enumerate(self.smooth, start=1):
            nodes = torch.tensordot(nodes, along, dims=([axis], [1])).movedim(-1, axis)
        return nodes.flatten(1)

    def placed(self, mask: Float[Tensor, "sample place"], points: Float[Tensor, "sample ..."]) -> Tensor:
        """The mask as it multiplies points (embeddings have an axis more than the inputs)."""
        if self.groups is None:
            shape = points.shape[1:]
            return mask.view(len(mask), 1, *shape[1:]) if self.kind is Kind.IMAGE else mask.view(len(mask), *shape)
        chosen = mask.gather(1, self.groups.flatten(1).clamp(min=0)).view(self.groups.shape)
        return chosen.view(*chosen.shape, *[1] * (points.ndim - chosen.ndim))


def of_area(
    scores: Float[Tensor, "sample place"],
    valid: Bool[Tensor, "sample place"],
    area: Float[Tensor, "sample"],
    softness: float,
) -> Float[Tensor, "sample place"]:
    """m = σ((score - τ) / softness) with the τ of each sample for which Σ m is its `area`; 0 outside `valid`.

    Differentiable in the scores: by the implicit function theorem dτ = Σ m (1 - m) ds / Σ m (1 - m).
    """
    with torch.no_grad():
        low = scores.where(valid, torch.inf).amin(1) - 40 * softness
        high = scores.where(valid, -torch.inf).amax(1) + 40 * softness
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            above = (torch.sigmoid((scores - middle[:, None]) / softness) * valid).sum(1) > area
            low, high = torch.where(above, middle, low), torch.where(above, high, middle)
        middle = (low + high) / 2
        for _ in range(NEWTON):
            mask = torch.sigmoid((scores - middle[:, None]) / softness) * valid
            slope = (mask * (1 - mask)).sum(1).clamp(min=1e-12) / softness
            middle = (middle + (mask.sum(1) - area) / slope).clamp(low, high)
        mask = torch.sigmoid((scores - middle[:, None]) / softness) * valid
        share = mask * (1 - mask)
        share = share / share.sum(1, keepdim=True).clamp(min=torch.finfo(share.dtype).tiny)
    threshold = middle + (share * (scores - scores.detach())).sum(1)
    return torch.sigmoid((scores - threshold[:, None]) / softness) * valid
