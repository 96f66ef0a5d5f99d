"""Contributions: m (x - x'), what DeepLIFT says of samples and their reference inputs, chunk by chunk."""

from dataclasses import dataclass
from itertools import product

import torch
from jaxtyping import Float, Int
from torch import Tensor

from workbench.broadcast import beside
from workbench.multipliers import multipliers
from workbench.query import Query
from workbench.records import Output
from workbench.subject import chunked, read, rows_at_once
from workbench.tape import Tape, record

GAP = 1e-6
"""Of the mean difference of a sample from its references. Where rounding leaves more, it is done again in float64:
saturated gates and products of them make multipliers of opposite sign that are a hundred times what they add up to."""
SEVERAL = 4
"""Samples with all their references that must not fit a chunk, or it costs less to take all pairs alike: what is done
once for a sample is then little beside what is done once for an operation."""


@dataclass(frozen=True, eq=False)
class Parts:
    """Contributions of pairs of a sample and a reference, and f at both."""

    found: Float[Tensor, "pair ..."]
    ends: Float[Tensor, "2 pair"]

    def coarse(self, count: int) -> Int[Tensor, "again"]:
        """Pairs in which too much is lost to rounding, of the mean difference of each `count` that share a sample."""
        x, reference = self.ends.double()
        wanted = (x - reference).view(-1, count).mean(1).abs().repeat_interleave(count)
        missed = (self.found.double().flatten(1).sum(1) - x + reference).abs()
        return torch.where(missed > GAP * wanted)[0]


def contributions(
    query: Query,
    references: Float[Tensor, "list reference ..."],
    rows: Int[Tensor, "sample"],
    reveal: bool = False,
) -> Float[Tensor, "sample reference ..."]:
    """m (x - x') for the samples `rows`, each against every reference (points, not inputs) of its own list, or of the
    only list there is: samples and references of that are passed forward but once."""
    count = references.shape[1]
    owners = rows.repeat_interleave(count)
    most = rows_at_once(2 * references[0, 0].numel(), query.subject.device)
    shared = len(references) == 1 < min(count, len(rows)) and query.mask is None and not reveal
    parts = _of_samples(query, references[0], rows, most) if shared and SEVERAL * count >= most else None
    if parts is None:
        pairs = references.expand(len(rows), *references.shape[1:]).flatten(0, 1)
        parts = _of_pairs(query, pairs, owners, reveal)
    coarse = parts.coarse(count)
    if len(coarse) and parts.found.dtype != torch.float64:
        again = references[coarse // count if len(references) > 1 else 0, coarse % count].double()
        parts.found[coarse] = _of_pairs(query.doubled(), again, owners[coarse], reveal).found.to(parts.found)
    return parts.found.unflatten(0, (len(rows), count))


def _of_pairs(query: Query, reference: Tensor, rows: Int[Tensor, "pair"], reveal: bool) -> Parts:
    """Each pair by itself, as many at once as a chunk has room for."""
    ends = []

    def compute(part: slice) -> Tensor:
        points = query.points[rows[part]]
        tape, twin = query.recorded(points, rows[part]), query.recorded(reference[part], rows[part])
        found = multipliers(tape, twin, torch.ones_like(tape.values[tape.output]), reveal)
        query.subject.meter.add(forward=0, backward=len(found))
        ends.append(_ends(tape, twin))
        return found * (points - reference[part])

    found = chunked(compute, len(rows), 2 * reference[0].numel(), query.subject.device)
    return Parts(found, torch.cat(ends, 1))


def _of_samples(
    query: Query, references: Float[Tensor, "reference ..."], rows: Int[Tensor, "sample"], most: int
) -> Parts | None:
    """One sample after the other, each beside up to `most` references. None where the network's values have no axis of
    their own for rows."""
    found = references.new_empty(len(rows), *references.shape)
    ends = references.new_empty(2, *found.shape[:2])
    for part, some in product(torch.arange(len(references)).split(most), torch.arange(len(rows)).split(most)):
        drawn = references[part]
        twin, tape = query.recorded_logits(drawn), _of_another_length(query, rows[some], len(part))
        for place, sample in enumerate(some.tolist()):
            row, single = int(rows[sample]), beside(tape, twin, place)
            if single is None:
                return None
            seed, ends[:, sample, part] = _read(query, single, twin, row)
            found[sample, part] = multipliers(single, twin, seed) * (query.points[row] - drawn)
            query.subject.meter.add(forward=0, backward=len(part))
    return Parts(found.flatten(0, 1), ends.flatten(1))


def _of_another_length(query: Query, rows: Int[Tensor, "sample"], length: int) -> Tape:
    """The tape of these samples, the last of them twice where they were as many as `length`."""
    if len(rows) == length:
        rows = torch.cat((rows, rows[-1:]))
    return query.recorded_logits(query.points[rows], rows)


def _read(query: Query, tape: Tape, twin: Tape, row: int) -> tuple[Float[Tensor, "reference class"], Tensor]:
    """The multipliers of the logits, and f at both ends."""
    there = twin.values[twin.output]
    here = tape.values[tape.output].expand_as(there)
    classes = query.classes[row].expand(len(there))
    if query.output is Output.LOGIT or there.shape[1] == 1:  # linear: the multipliers are the derivative
        with torch.enable_grad():
            leaf = there.clone().requires_grad_()
            f = read(leaf, classes, Output.LOGIT)
            seed = torch.autograd.grad(f.sum(), leaf)[0]
        return seed, torch.stack((read(here, classes, Output.LOGIT), f.detach()))
    one, other = (record(lambda logits: read(logits, classes, query.output), each) for each in (here, there))
    return multipliers(one, other, torch.ones_like(other.values[other.output])), _ends(one, other)


def _ends(tape: Tape, twin: Tape) -> Float[Tensor, "2 pair"]:
    """f at x and at x'."""
    return torch.stack((tape.values[tape.output], twin.values[twin.output]))
