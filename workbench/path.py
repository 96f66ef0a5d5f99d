"""Paths: the integral of a gradient along straight lines, on pieces that are halved where they do not add up."""

from dataclasses import dataclass, replace
from typing import Any, Self

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from workbench.query import Query

WORST = 0.25
"""Pieces whose gap is at least this share of their sample's largest are halved together: fewer, larger batches."""
NARROWEST = 1e-6
"""Of the path: a piece that does not add up at this width holds a jump of f, which no gradient tells of."""


@dataclass(frozen=True, eq=False)
class Pieces:
    """The paths of several samples, cut into pieces; `owner` says whose each piece is.

    The middle of a piece is where its gradient is taken, and where it is cut: f is known there already, so that
    halving a piece costs two gradients and nothing else.
    """

    query: Query
    start: Float[Tensor, "all ..."]
    path: Float[Tensor, "all ..."]
    rows: Int[Tensor, "sample"]
    gain: Float[Tensor, "sample"]
    """f(x) - f(x')."""
    size: Float[Tensor, "sample"]
    """The larger of |f(x)| and |f(x')|."""
    owner: Int[Tensor, "piece"]
    left: Float[Tensor, "piece"]
    width: Float[Tensor, "piece"]
    f_left: Float[Tensor, "piece"]
    """NaN, like `f_right`, until it is needed."""
    f_middle: Float[Tensor, "piece"]
    f_right: Float[Tensor, "piece"]
    gradient: Float[Tensor, "piece ..."]
    rise: Float[Tensor, "piece"]
    """What the attributions of each piece add up to."""
    settled: Float[Tensor, "sample ..."]
    """Mean gradients of the samples whose pieces are no longer kept, in float64."""
    settled_rise: Float[Tensor, "sample"]

    @classmethod
    def even(cls, query: Query, start: Tensor, path: Tensor, rows: Int[Tensor, "sample"], count: int) -> Self:
        """Each path in `count` pieces of one width."""
        x, reference = query.values_at((start + path)[rows], rows), query.values_at(start[rows], rows)
        f = torch.stack((reference, x)).cpu().double()
        left = (torch.arange(count, dtype=torch.float64) / count).repeat(len(rows))
        owner = torch.arange(len(rows)).repeat_interleave(count)
        none = dict.fromkeys(_FLOATS, left[:0])
        size = f.abs().amax(0)
        gain = f[1] - f[0]
        zero = {"settled": torch.zeros_like(path[rows], dtype=torch.float64), "settled_rise": torch.zeros_like(gain)}
        empty = cls(query, start, path, rows, gain, size, owner=owner[:0], gradient=path[:0], **none, **zero)
        unknown = torch.full_like(left, torch.nan)
        return empty._with(owner, left, torch.full_like(left, 1 / count), unknown, unknown)

    def count(self) -> Int[Tensor, "sample"]:
        """Pieces of each sample."""
        return torch.bincount(self.owner, minlength=len(self.rows))

    def gap(self) -> Float[Tensor, "sample"]:
        """The completeness gap of each sample."""
        return self._rises() - self.gain

    def jumps(self) -> Float[Tensor, "sample"]:
        """What f gains on pieces too narrow to be halved, less what their attributions add up to."""
        narrow = self.width <= NARROWEST
        missed = (self.f_right - self.f_left - self.rise)[narrow]
        return torch.zeros_like(self.gain).index_add_(0, self.owner[narrow], missed)

    def total(self) -> Float[Tensor, "sample ..."]:
        """Displacement times the mean gradient, added up in float64."""
        return (self._means() * self.path[self.rows]).to(self.path.dtype)

    def without(self, finished: Bool[Tensor, "sample"]) -> Self:
        """With the pieces of the finished samples added up, so that later rounds do not carry them along."""
        gone = finished[self.owner]
        if not gone.any():
            return self
        done = self._only(gone)
        return replace(self._only(~gone), settled=done._means(), settled_rise=done._rises())

    def _only(self, kept: Bool[Tensor, "piece"]) -> Self:
        return replace(self, **{name: getattr(self, name)[kept] for name in (*_FLOATS, "owner", "gradient")})

    def _rises(self) -> Float[Tensor, "sample"]:
        return self.settled_rise.index_add(0, self.owner, self.rise)

    def _means(self) -> Float[Tensor, "sample ..."]:
        width = self.width.to(self.path.device).view(-1, *[1] * (self.path.ndim - 1))
        return self.settled.index_add(0, self.owner.to(self.path.device), self.gradient.double() * width)

    def halved(self, unfinished: Bool[Tensor, "sample"]) -> Self:
        """With the worst pieces of the unfinished samples cut in the middle."""
        open_pieces = unfinished[self.owner] & (self.width > NARROWEST)
        if not open_pieces.any():
            return self
        known = self._with_ends(open_pieces)
        gaps = (self.rise - (known.f_right - known.f_left)).abs()
        worst = torch.zeros_like(self.gain).scatter_reduce_(0, self.owner, gaps.where(open_pieces, 0.0), "amax")
        cut = open_pieces & (gaps >= WORST * worst[self.owner])
        half = self.width[cut] / 2
        return known._only(~cut)._with(
            self.owner[cut].repeat(2),
            torch.cat((self.left[cut], self.left[cut] + half)),
            half.repeat(2),
            torch.cat((known.f_left[cut], self.f_middle[cut])),
            torch.cat((self.f_middle[cut], known.f_right[cut])),
        )

    def _with_ends(self, wanted: Bool[Tensor, "piece"]) -> Self:
        """With f known at both ends of the wanted pieces; pieces that touch share it."""
        new = wanted & self.f_left.isnan()
        if not new.any():
            return self
        owner, left, right = self.owner[new], self.left[new], (self.left + self.width)[new]
        places, index = torch.stack((owner.repeat(2), torch.cat((left, right))), 1).unique(dim=0, return_inverse=True)
        points, rows = _points(self.start, self.path, self.rows[places[:, 0].long()], places[:, 1])
        f = self.query.values_at(points, rows).cpu().double()[index]
        f_left, f_right = self.f_left.clone(), self.f_right.clone()
        f_left[new], f_right[new] = f.chunk(2)
        return replace(self, f_left=f_left, f_right=f_right)

    def _with(self, owner: Tensor, left: Tensor, width: Tensor, f_left: Tensor, f_right: Tensor) -> Self:
        """These pieces and new ones, whose gradients are asked for."""
        points, rows = _points(self.start, self.path, self.rows[owner], left + width / 2)
        values, gradient = self.query.values_and_gradients(points, rows)
        slope = (gradient * self.path[rows]).flatten(1).sum(1, dtype=torch.float64).cpu()
        new = {
            "owner": owner,
            "left": left,
            "width": width,
            "f_left": f_left,
            "f_middle": values.cpu().double(),
            "f_right": f_right,
            "gradient": gradient,
            "rise": slope * width,
        }
        joined: dict[str, Any] = {name: torch.cat((getattr(self, name), value)) for name, value in new.items()}
        return replace(self, **joined)


_FLOATS = ("left", "width", "f_left", "f_middle", "f_right", "rise")


def _points(
    start: Tensor, path: Tensor, rows: Int[Tensor, "row"], times: Float[Tensor, "row"]
) -> tuple[Float[Tensor, "row ..."], Int[Tensor, "row"]]:
    """The points of the paths `rows` at these times, and the rows."""
    time = times.to(path.device, path.dtype).view(-1, *[1] * (path.ndim - 1))
    return start[rows] + time * path[rows], rows
