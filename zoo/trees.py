"""Trees: the questions and answers of fitted decision trees as arrays, for whoever computes on their structure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int


class Sum(StrEnum):
    """What the trees' answers add up to."""

    PROBABILITY = "probability"
    LOGIT = "logit"
    NUMBER = "number"


@dataclass(frozen=True, eq=False)
class Trees:
    """Several trees in one table of nodes: node n asks whether x[feature] ≤ threshold and goes `left`, else `right`.

    A leaf has no children (−1) and answers `values`; one leaf of each tree is reached. Probabilities, logits or the
    number of each class are `start` plus the sum of these answers. Inputs are compared after rounding to `precision`.
    """

    feature: Int[np.ndarray, "node"]
    threshold: Float[np.ndarray, "node"]
    left: Int[np.ndarray, "node"]
    right: Int[np.ndarray, "node"]
    values: Float[np.ndarray, "node class"]
    start: Float[np.ndarray, "class"]
    count: int
    sums: Sum
    precision: type = np.float32


@dataclass(frozen=True, eq=False)
class Paths:
    """Which inputs reach a leaf: those with low < x[feature] ≤ high in each of its rows, sorted by leaf and feature.

    `node` (leaf,) is each leaf's place in the table of nodes; a feature has one row per leaf on whose path it is asked.
    """

    node: Int[np.ndarray, "leaf"]
    leaf: Int[np.ndarray, "row"]
    feature: Int[np.ndarray, "row"]
    low: Float[np.ndarray, "row"]
    high: Float[np.ndarray, "row"]


@runtime_checkable
class MadeOfTrees(Protocol):
    """A model whose answer is a sum over trees."""

    def structure(self) -> Trees:
        """Its fitted trees."""
        ...


def joined(trees: Sequence[Trees]) -> Trees:
    """The trees of several tables in one; the starts add up."""
    offsets = np.cumsum([0, *(len(tree.feature) for tree in trees[:-1])]).tolist()

    def moved(children: Int[np.ndarray, "node"], offset: int) -> Int[np.ndarray, "node"]:
        return np.where(children < 0, -1, children + offset)

    return Trees(
        feature=np.concatenate([tree.feature for tree in trees]),
        threshold=np.concatenate([tree.threshold for tree in trees]),
        left=np.concatenate([moved(tree.left, offset) for tree, offset in zip(trees, offsets, strict=True)]),
        right=np.concatenate([moved(tree.right, offset) for tree, offset in zip(trees, offsets, strict=True)]),
        values=np.concatenate([tree.values for tree in trees]),
        start=np.sum([tree.start for tree in trees], axis=0),
        count=sum(tree.count for tree in trees),
        sums=trees[0].sums,
        precision=trees[0].precision,
    )


def paths(trees: Trees) -> Paths:
    """The way to each leaf, its questions about one feature made into one interval."""
    parent, sign = np.full(len(trees.left), -1), np.zeros(len(trees.left), int)
    inner = np.flatnonzero(trees.left >= 0)
    for children, way in ((trees.left, 1), (trees.right, -1)):
        parent[children[inner]], sign[children[inner]] = inner, way
    leaves = np.flatnonzero(trees.left < 0)
    asked: list[tuple[np.ndarray, ...]] = []
    at, leaf = leaves, np.arange(len(leaves))
    while len(kept := np.flatnonzero(parent[at] >= 0)):
        leaf, at = leaf[kept], at[kept]
        asked.append((leaf, parent[at], sign[at]))
        at = parent[at]
    if not asked:
        none = np.zeros(0, int)
        return Paths(leaves, none, none, np.zeros(0), np.zeros(0))
    leaf, node, side = (np.concatenate(parts) for parts in zip(*asked, strict=True))
    feature, threshold = trees.feature[node], trees.threshold[node]
    order = np.lexsort((feature, leaf))
    key = np.stack((leaf, feature), 1)[order]
    first = np.flatnonzero(np.concatenate(([True], (key[1:] != key[:-1]).any(1))))
    low = np.maximum.reduceat(np.where(side < 0, threshold, -np.inf)[order], first)
    high = np.minimum.reduceat(np.where(side > 0, threshold, np.inf)[order], first)
    return Paths(leaves, key[first, 0], key[first, 1], low, high)
