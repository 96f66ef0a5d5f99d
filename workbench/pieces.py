"""Pieces: paths cut into pieces, each with the slope at its middle, and halved there."""

from collections.abc import Sequence
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
class Even:
    """Paths in pieces of one width: what each is made of to begin with."""

    query: Query
    nodes: Float[Tensor, "sample node ..."]
    rows: Int[Tensor, "sample"]
    values: Float[Tensor, "sample piece"]
    """f at the pieces' middles."""
    slopes: Float[Tensor, "sample piece ..."]
    velocity: Float[Tensor, "sample line ..."]
    """Of the pieces, or of all of them where the path is straight."""

    @classmethod
    def of(cls, query: Query, nodes: Float[Tensor, "sample node ..."], rows: Int[Tensor, "sample"], count: int) -> Self:
        """Each path in `count` pieces, a multiple of the straight lines that it is made of."""
        lines = nodes.shape[1] - 1
        start, velocity = nodes[:, :-1], nodes.diff(dim=1)
        if lines > 1:
            start, velocity = (values.repeat_interleave(count // lines, 1) for values in (start, velocity))
        times = (torch.arange(count, dtype=torch.float64) + 0.5) / count * lines % 1
        since = times.to(nodes.device, nodes.dtype).view(-1, *[1] * (nodes.ndim - 2))
        points = torch.addcmul(start, since, velocity).flatten(0, 1)
        values, slopes = query.values_and_gradients(points, rows.repeat_interleave(count))
        slopes = slopes.unflatten(0, (len(rows), count))
        if lines > 1:
            velocity = velocity * lines
            slopes = slopes * velocity
        return cls(query, nodes, rows, values.view(len(rows), count), slopes, velocity)

    def mean(self) -> Float[Tensor, "sample ..."]:
        """The mean slope of each path."""
        return self.slopes.mean(1)

    def shares(self) -> Float[Tensor, "sample piece"]:
        """What the attributions of each piece add up to."""
        products = self.slopes * self.velocity if self.nodes.shape[1] == 2 else self.slopes
        return products.flatten(2).sum(2, dtype=torch.float64).cpu() / self.slopes.shape[1]

    def pieces(
        self,
        kept: Bool[Tensor, "sample"],
        shares: Float[Tensor, "sample piece"],
        gain: Float[Tensor, "sample"],
        enough: Float[Tensor, "sample"],
    ) -> "Pieces":
        """Pieces of the paths that are kept."""
        here = kept.to(self.nodes.device)
        nodes, count = self.nodes[here], self.slopes.shape[1]
        left = (torch.arange(count, dtype=torch.float64) / count).repeat(len(nodes))
        unknown = torch.full_like(left, torch.nan)
        return Pieces(
            query=self.query,
            nodes=nodes,
            rows=self.rows[kept],
            gain=gain[kept],
            enough=enough[kept],
            owner=torch.arange(len(nodes)).repeat_interleave(count),
            left=left,
            width=torch.full_like(left, 1 / count),
            f_left=unknown,
            f_middle=self.values.cpu().double()[kept].flatten(),
            f_right=unknown,
            slope=self.slopes[here].flatten(0, 1),
            rise=shares[kept].flatten(),
            settled=torch.zeros_like(nodes[:, 0], dtype=torch.float64),
            settled_rise=torch.zeros_like(gain[kept]),
        )


@dataclass(frozen=True, eq=False)
class Pieces:
    """The paths of several samples, cut into pieces; `owner` says whose each piece is.

    The middle of a piece is where its gradient is taken, and where it is cut: f is known there already, so that
    halving a piece costs two gradients and nothing else.
    """

    query: Query
    nodes: Float[Tensor, "sample node ..."]
    """Between which each path is straight; it spends the same time, 1 / (nodes - 1), between any two."""
    rows: Int[Tensor, "sample"]
    """Which of the query's samples they belong to."""
    gain: Float[Tensor, "sample"]
    """f(x) - f(x')."""
    enough: Float[Tensor, "sample"]
    """The gap that is good enough."""
    owner: Int[Tensor, "piece"]
    left: Float[Tensor, "piece"]
    width: Float[Tensor, "piece"]
    f_left: Float[Tensor, "piece"]
    """NaN, like `f_right`, until it is needed."""
    f_middle: Float[Tensor, "piece"]
    f_right: Float[Tensor, "piece"]
    slope: Float[Tensor, "piece ..."]
    """What each input contributes in a unit of time: gradient times velocity. Of a straight path, whose velocity is the
    same everywhere, the gradient alone."""
    rise: Float[Tensor, "piece"]
    """What the attributions of each piece add up to."""
    settled: Float[Tensor, "sample ..."]
    """Mean slopes of the samples whose pieces are no longer kept, in float64."""
    settled_rise: Float[Tensor, "sample"]

    @classmethod
    def joined(cls, parts: Sequence["Pieces"]) -> Self:
        """The pieces of several lots of samples."""
        first = torch.tensor([0, *(len(part.rows) for part in parts)]).cumsum(0)
        owner = [part.owner + int(start) for part, start in zip(parts, first, strict=False)]
        names = ("nodes", "rows", "gain", "enough", "slope", "settled", "settled_rise", *_FLOATS)
        lots: dict[str, Any] = {name: torch.cat([getattr(part, name) for part in parts]) for name in names}
        return cls(query=parts[0].query, owner=torch.cat(owner), **lots)

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
        """The mean slope of each path, added up in float64."""
        return self._sums().to(self.nodes.dtype)

    def without(self, finished: Bool[Tensor, "sample"]) -> Self:
        """With the pieces of the finished samples added up, so that later rounds do not carry them along."""
        gone = finished[self.owner]
        if not gone.any():
            return self
        done = self._only(gone)
        return replace(self._only(~gone), settled=done._sums(), settled_rise=done._rises())

    def _only(self, kept: Bool[Tensor, "piece"]) -> Self:
        return replace(self, **{name: getattr(self, name)[kept] for name in (*_FLOATS, "owner", "slope")})

    def _rises(self) -> Float[Tensor, "sample"]:
        return self.settled_rise.index_add(0, self.owner, self.rise)

    def _sums(self) -> Float[Tensor, "sample ..."]:
        width = self.width.to(self.slope.device).view(-1, *[1] * (self.slope.ndim - 1))  # in float64, so the product is
        return self.settled.index_add(0, self.owner.to(self.slope.device), self.slope * width)

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
        whose = places[:, 0].long()
        points, _ = self._at(whose, places[:, 1])
        f = self.query.values_at(points, self.rows[whose]).cpu().double()[index]
        f_left, f_right = self.f_left.clone(), self.f_right.clone()
        f_left[new], f_right[new] = f.chunk(2)
        return replace(self, f_left=f_left, f_right=f_right)

    def _with(self, owner: Tensor, left: Tensor, width: Tensor, f_left: Tensor, f_right: Tensor) -> Self:
        """These pieces and new ones, whose gradients are asked for."""
        points, velocity = self._at(owner, left + width / 2)
        values, gradient = self.query.values_and_gradients(points, self.rows[owner])
        products = gradient * velocity
        new: dict[str, Any] = {
            "owner": owner,
            "left": left,
            "width": width,
            "f_left": f_left,
            "f_middle": values.cpu().double(),
            "f_right": f_right,
            "slope": products if self.nodes.shape[1] > 2 else gradient,
            "rise": products.flatten(1).sum(1, dtype=torch.float64).cpu() * width,
        }
        joined: dict[str, Any] = {name: torch.cat((getattr(self, name), value)) for name, value in new.items()}
        return replace(self, **joined)

    def _at(
        self, owner: Int[Tensor, "piece"], times: Float[Tensor, "piece"]
    ) -> tuple[Float[Tensor, "piece ..."], Float[Tensor, "piece ..."]]:
        """Where the paths of these samples are at these times, and their velocities there."""
        lines = self.nodes.shape[1] - 1
        line = (times * lines).long().clamp(max=lines - 1)
        place = (owner * self.nodes.shape[1] + line).to(self.nodes.device)
        start = self.nodes.flatten(0, 1).index_select(0, place)
        step = self.nodes.flatten(0, 1).index_select(0, place + 1) - start
        since = (times * lines - line).to(start.device, start.dtype).view(-1, *[1] * (start.ndim - 1))
        return torch.addcmul(start, since, step), step * lines if lines > 1 else step


_FLOATS = ("left", "width", "f_left", "f_middle", "f_right", "rise")
