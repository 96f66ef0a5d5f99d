"""Paths: the integral of a gradient along lines, or chains of them, on pieces halved where they do not add up."""

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import Any, Self

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from workbench.explanation import AbstractMethod
from workbench.query import Query
from workbench.settings import setting
from zoo.model import Capability

WORST = 0.25
"""Pieces whose gap is at least this share of their sample's largest are halved together: fewer, larger batches."""
ELEMENTS_AT_ONCE = 2**24
"""Gradients that are kept at the same time: 64 MB."""
PATIENCE = 64
"""Rounds in which a gap may fall by less than 1 %. The digit that needs most needs 24: its pieces' gaps cancel."""
FLOOR = 2e-6
"""Of the gap that is good enough, in units of the scalar's size: differences of float32 outputs are no better."""
NARROWEST = 1e-6
"""Of the path: a piece that does not add up at this width holds a jump of f, which no gradient tells of."""


@dataclass(frozen=True, kw_only=True)
class AbstractPath(AbstractMethod):
    """What methods have in common that integrate the gradient along a path from a reference input x' to x.

    The path is cut into `n_steps` pieces, each with the gradient at its middle. A piece is right when its share of the
    attributions adds up to what f gains along it; for each sample the worst pieces are halved until the completeness
    gap |Σ a - (f(x) - f(x'))| is at most `tolerance` of |f(x) - f(x')|, there are `max_steps` pieces, or halving no
    longer lowers it.
    """

    needs = frozenset({Capability.GRADIENT})

    n_steps: int = setting(32, low=2, high=1024, help="Pieces of the path to begin with")
    max_steps: int = setting(8192, low=2, high=65536, help="Pieces at which halving stops; n_steps: never halve")
    tolerance: float = setting(0.005, low=1e-6, high=1.0, help="Completeness gap that is good enough, relative")

    @abstractmethod
    def nodes(self, query: Query, rows: Int[Tensor, "sample"]) -> Float[Tensor, "sample node ..."]:
        """The points that each path joins by straight lines, from x' to x; it has at most `n_steps` lines."""

    def rough(self) -> Self:
        return replace(self, max_steps=min(self.n_steps, self.max_steps))

    def attribute(self, query: Query) -> Float[Tensor, "sample ..."]:
        block = max(1, ELEMENTS_AT_ONCE // (4 * self.n_steps * query.points[0].numel()))
        return torch.cat([self._along(query, rows) for rows in torch.arange(len(query.inputs)).split(block)])

    def cost(self, query: Query) -> tuple[int, int]:
        if self.max_steps <= self.n_steps:
            return self.n_steps + 2, self.n_steps
        return 3 * self.n_steps, 2 * self.n_steps  # the mean over digits and shapes; a stubborn sample takes far more

    def _along(self, query: Query, rows: Int[Tensor, "sample"]) -> Float[Tensor, "sample ..."]:
        """Attributions of the samples `rows`, by halving the pieces of those that do not add up yet."""
        pieces = Pieces.even(query, self.nodes(query, rows), rows, self.n_steps)
        enough = pieces.gain.abs() * self.tolerance + FLOOR * pieces.size
        least, waited = torch.full_like(enough, torch.inf), torch.zeros_like(rows)
        unfinished = torch.ones_like(rows, dtype=torch.bool)
        while True:
            gap = (pieces.gap() + pieces.jumps()).abs()
            falls = gap < 0.99 * least
            least, waited = gap.where(falls, least), (waited + 1).where(~falls, 0)
            unfinished &= (gap > enough) & (pieces.count() < self.max_steps) & (waited < PATIENCE)
            if not unfinished.any():
                return pieces.total()
            pieces = pieces.without(~unfinished).halved(unfinished)


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
    size: Float[Tensor, "sample"]
    """The larger of |f(x)| and |f(x')|."""
    owner: Int[Tensor, "piece"]
    left: Float[Tensor, "piece"]
    width: Float[Tensor, "piece"]
    f_left: Float[Tensor, "piece"]
    """NaN, like `f_right`, until it is needed."""
    f_middle: Float[Tensor, "piece"]
    f_right: Float[Tensor, "piece"]
    slope: Float[Tensor, "piece ..."]
    """Gradient times velocity: what each input contributes in a unit of time."""
    rise: Float[Tensor, "piece"]
    """What the attributions of each piece add up to."""
    settled: Float[Tensor, "sample ..."]
    """Attributions of the samples whose pieces are no longer kept, in float64."""
    settled_rise: Float[Tensor, "sample"]

    @classmethod
    def even(
        cls, query: Query, nodes: Float[Tensor, "sample node ..."], rows: Int[Tensor, "sample"], count: int
    ) -> Self:
        """Each path in `count` pieces of one width, or more: a multiple of the straight lines that it is made of."""
        count += -count % (nodes.shape[1] - 1)
        x, reference = query.values_at(nodes[:, -1], rows), query.values_at(nodes[:, 0], rows)
        f = torch.stack((reference, x)).cpu().double()
        left = (torch.arange(count, dtype=torch.float64) / count).repeat(len(rows))
        owner = torch.arange(len(rows)).repeat_interleave(count)
        none = dict.fromkeys(_FLOATS, left[:0])
        size = f.abs().amax(0)
        gain = f[1] - f[0]
        zero = {"settled": torch.zeros_like(nodes[:, 0], dtype=torch.float64), "settled_rise": torch.zeros_like(gain)}
        empty = cls(query, nodes, rows, gain, size, owner=owner[:0], slope=nodes[:0, 0], **none, **zero)
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
        """The attributions: gradient times displacement, added up in float64."""
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
        slope = gradient * velocity
        new: dict[str, Any] = {
            "owner": owner,
            "left": left,
            "width": width,
            "f_left": f_left,
            "f_middle": values.cpu().double(),
            "f_right": f_right,
            "slope": slope,
            "rise": slope.flatten(1).sum(1, dtype=torch.float64).cpu() * width,
        }
        if not len(self.owner):
            return replace(self, **new)
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
