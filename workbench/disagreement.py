"""Disagreement: on which samples, and about which features, methods contradict each other most."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
from jaxtyping import Float
from scipy.stats import rankdata

from workbench.agreement import named, places
from workbench.records import Attribution, Column, Table
from workbench.words import merged_words
from zoo.errors import InputError

TOP = 0.1
"""The share of a sample's places that count as its top, at least one: what people look at."""


def rank_agreement(first: Float[np.ndarray, "place"], second: Float[np.ndarray, "place"]) -> float:
    """Spearman's rank correlation of the values; NaN where all values of one are equal."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(np.corrcoef(rankdata(first), rankdata(second))[0, 1]) if len(first) > 1 else float("nan")


def top_overlap(first: Float[np.ndarray, "place"], second: Float[np.ndarray, "place"], top: float = TOP) -> float:
    """|T(a) ∩ T(b)| / k, T the k places of largest |value|, k the share `top` of all, at least one.

    Where equal values lie across the edge of the top each of them belongs to it with the share that fits, so that the
    order of places does not decide. Two random maps share about `top` of it.
    """
    count = max(1, round(top * len(first)))
    return float(np.minimum(_belonging(first, count), _belonging(second, count)).sum() / count)


def sign_agreement(first: Float[np.ndarray, "place"], second: Float[np.ndarray, "place"], top: float = TOP) -> float:
    """The share of places in the top of either map where both have the same sign. Two random maps share half."""
    count = max(1, round(top * len(first)))
    either = (_belonging(first, count) > 0) | (_belonging(second, count) > 0)
    return float((np.sign(first[either]) == np.sign(second[either])).mean())


MEASURES = {"Rank correlation": rank_agreement, "Top-k overlap": top_overlap, "Sign agreement": sign_agreement}


def by_sample(attributions: Sequence[Attribution], titles: Sequence[str], top: float = TOP) -> Table:
    """One row a sample, the one with the most disagreement first: means over all pairs of methods.

    The columns are Spearman's rank correlation, the overlap of the top places and the agreement of signs there; the
    last names the pair whose ranks agree least.

    When it misleads: a method that gives magnitudes disagrees in sign with every signed one by construction, and
    methods that agree may be wrong together. Reference: [krishna2024disagreement]
    """
    _check(attributions)
    rows = []
    for index, name in enumerate(attributions[0].sample_ids):
        flat = [places(record, index).astype(np.float64) for record in attributions]
        pairs = list(combinations(range(len(flat)), 2))
        ranked = np.array([rank_agreement(flat[a], flat[b]) for a, b in pairs])
        overlap = np.mean([top_overlap(flat[a], flat[b], top) for a, b in pairs])
        signs = np.mean([sign_agreement(flat[a], flat[b], top) for a, b in pairs])
        known = np.isfinite(ranked)
        mean = float(ranked[known].mean()) if known.any() else None
        a, b = pairs[int(np.nanargmin(ranked))] if known.any() else pairs[0]
        rows.append((name, mean, float(overlap), float(signs), f"{titles[a]} and {titles[b]}"))
    rows.sort(key=lambda row: (row[1] is None, row[1]))
    columns = [Column(title=title, higher_is_better=True, digits=2) for title in MEASURES]
    return Table(
        title="Where the methods disagree most",
        columns=(Column(title="Sample"), *columns, Column(title="Least alike")),
        rows=tuple(rows),
        note=f"Means over all pairs of {len(attributions)} methods; the top is {100 * top:.0f} % of a sample's places. "
        "Magnitudes disagree in sign with signed values by construction.",
        provenance=attributions[0].provenance,
    )


def disputed(attributions: Sequence[Attribution], titles: Sequence[str], index: int = 0, most: int = 8) -> Table:
    """The words, features or places of one sample whose ranks are furthest apart, with their rank by each method: none
    that all methods rank alike.

    Rank 1 has the largest |value|. The first column of numbers is the standard deviation over methods of the rank, in
    per cent of the number of places. When it misleads: as `by_feature`.
    """
    _check(attributions)
    ranks = np.stack([rankdata(-np.abs(places(record, index))) for record in attributions])
    spread = 100 * ranks.std(0) / ranks.shape[1]
    order = [place for place in np.argsort(-spread, kind="stable")[:most] if spread[place] > 0]
    names = _named(attributions[0], index)
    return Table(
        title="What the methods disagree about most",
        columns=(
            Column(title="Place"),
            Column(title="Apart", unit="% of ranks", digits=0),
            *(Column(title=title, unit="rank", digits=0) for title in titles),
        ),
        rows=tuple((names[place], float(spread[place]), *map(float, ranks[:, place])) for place in order),
        provenance=attributions[0].provenance,
    )


def by_feature(attributions: Sequence[Attribution]) -> Attribution:
    """For each place how far the methods are apart about it: the standard deviation over methods of its rank.

    d_i = std_m [rank_m(|a_i|) / number of places], 0 where all methods rank it alike, at most ½. The rank is of the
    magnitude, over the places of a sample that are not padding, equal values sharing theirs.

    When it misleads: many places that no method cares for share a middle rank, or a random one. Reference:
    [krishna2024disagreement]
    """
    _check(attributions)
    flat = [record.sum("channel") if "channel" in record.axes else record for record in attributions]
    found = np.zeros(flat[0].values.shape)
    for index in range(len(found)):
        inside = _inside(flat[0], index)
        shares = [rankdata(np.abs(record.values[index][inside])) / max(1, int(inside.sum())) for record in flat]
        found[index][inside] = np.std(shares, axis=0)
    unknown = np.full(len(found), np.nan)
    return replace(
        flat[0],
        title="Disagreement",
        values=found,
        method="disagreement",
        parameters={"methods": tuple(record.method for record in attributions)},
        f_reference=unknown,
        seed=None,
        seconds=0.0,
        forward_passes=0,
        backward_passes=0,
        claims=(),
        steps=("standard deviation over methods of the ranks of magnitudes",),
    )


def _belonging(values: Float[np.ndarray, "place"], count: int) -> Float[np.ndarray, "place"]:
    """1 in the top, 0 outside it, and between for values that are equal across its edge."""
    size = np.abs(values)
    edge = np.sort(size)[-count]
    above, at = size > edge, size == edge
    return above + at * ((count - above.sum()) / at.sum())


def _named(record: Attribution, index: int) -> list[str]:
    """What the places of a sample are called, in the order of `places`."""
    if record.axes == ("sample", "token") and record.words is not None:
        return list(merged_words(record, index)[0])
    axes = [axis for axis in record.axes[1:] if axis != "channel"]
    shape = [size for axis, size in zip(record.axes[1:], record.values.shape[1:], strict=True) if axis != "channel"]
    if axes[-1:] == ["feature"]:
        return [named(record, place) for place in range(record.values[index].size)]
    return [" ".join(f"{a} {i}" for a, i in zip(axes, place, strict=True)) for place in np.ndindex(*shape)]


def _inside(record: Attribution, index: int) -> np.ndarray:
    """True for the places of a sample that are not padding."""
    if record.axes == ("sample", "token") and record.words is not None:
        return np.array(record.words[index]) >= 0
    return np.ones(record.values.shape[1:], dtype=bool)


def _check(attributions: Sequence[Attribution]) -> None:
    if len(attributions) < 2:
        raise InputError("Disagreement needs at least two methods. Choose another one.")
    if len({record.sample_ids for record in attributions}) > 1:
        raise InputError("These attributions are of different samples. Explain the same samples by every method.")
