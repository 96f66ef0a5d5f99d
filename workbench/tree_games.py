"""Tree games: Shapley values of a sum over decision trees, from who must be there for each leaf to be reached."""

from math import comb

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from zoo.trees import Paths, Trees, paths

AT_ONCE = 2**22
"""Questions of samples that are looked at together."""


def tree_shares(
    trees: Trees,
    inputs: Float[np.ndarray, "sample feature"],
    reference: Float[np.ndarray, "sample feature"],
    answers: Float[np.ndarray, "node class"],
    classes: Int[np.ndarray, "sample"],
    players: Int[np.ndarray, "feature"],
) -> Float[np.ndarray, "sample player"]:
    """φ of each player (whose features are those with its number) in Σ over trees of the leaf's answer, in float64.

    A leaf is reached by a coalition that holds all players that only x passes on its way (p of them) and none that only
    x' passes (n of them). That game's Shapley values are (p − 1)! n! / (p + n)! for the former and
    −p! (n − 1)! / (p + n)! for the latter; where neither passes, the leaf is never reached.
    """
    found = paths(trees)
    total = np.zeros((len(inputs), int(players.max()) + 1))
    if not len(found.leaf):
        return total
    pairs = _Pairs(found, players)
    size = max(1, AT_ONCE // len(found.leaf))
    for begin in range(0, len(inputs), size):
        part = slice(begin, begin + size)
        passes = pairs.passed(inputs[part]), pairs.passed(reference[part])
        worth = answers[found.node[pairs.leaves]][:, classes[part]].T
        total[part, pairs.present] = pairs.shares(*passes, worth)
    return total


class _Pairs:
    """Leaves and the players that are asked on the way to them, sorted by leaf: each pair once."""

    def __init__(self, found: Paths, players: Int[np.ndarray, "feature"]) -> None:
        player = players[found.feature]
        self.order = np.lexsort((player, found.leaf))
        key = np.stack((found.leaf, player), 1)[self.order]
        self.found = found
        self.first = _starts(key)
        self.leaves, self.leaf = np.unique(key[self.first, 0], return_inverse=True)
        self.first_of_leaf = _starts(self.leaf[:, None])
        self.player = key[self.first, 1]
        self.by_player = np.argsort(self.player, kind="stable")
        self.first_of_player = _starts(self.player[self.by_player][:, None])
        self.present = self.player[self.by_player][self.first_of_player]

    def passed(self, inputs: Float[np.ndarray, "sample feature"]) -> Bool[np.ndarray, "sample pair"]:
        """Whether an input passes all questions that a leaf's way asks about a player."""
        asked = inputs[:, self.found.feature[self.order]]
        inside = (asked > self.found.low[self.order]) & (asked <= self.found.high[self.order])
        return np.logical_and.reduceat(inside, self.first, axis=1)

    def shares(
        self,
        by_input: Bool[np.ndarray, "sample pair"],
        by_reference: Bool[np.ndarray, "sample pair"],
        worth: Float[np.ndarray, "sample leaf"],
    ) -> Float[np.ndarray, "sample player"]:
        """Σ over leaves of the worth times what each player has in reaching it."""
        needed, forbidden = by_input & ~by_reference, by_reference & ~by_input
        p, n = (np.add.reduceat(held, self.first_of_leaf, axis=1, dtype=np.int64) for held in (needed, forbidden))
        reached = np.logical_and.reduceat(by_input | by_reference, self.first_of_leaf, axis=1)
        joining, leaving = _weights(int(p.max(initial=0)), int(n.max(initial=0)))
        gain, loss = ((reached * worth * weight[p, n])[:, self.leaf] for weight in (joining, leaving))
        each = np.where(needed, gain, 0) - np.where(forbidden, loss, 0)
        return np.add.reduceat(each[:, self.by_player], self.first_of_player, axis=1)


def _starts(keys: Shaped[np.ndarray, "row column"]) -> Int[np.ndarray, "run"]:
    """Where a new run of equal rows begins."""
    return np.flatnonzero(np.concatenate(([True], (keys[1:] != keys[:-1]).any(1))))


def _weights(most_p: int, most_n: int) -> tuple[Float[np.ndarray, "p n"], Float[np.ndarray, "p n"]]:
    """(p − 1)! n! / (p + n)! and p! (n − 1)! / (p + n)!, 0 where there is nobody to get it."""
    sizes = [(p, n) for p in range(most_p + 1) for n in range(most_n + 1)]
    shape = (most_p + 1, most_n + 1)
    joining = np.array([1 / (p * comb(p + n, p)) if p else 0.0 for p, n in sizes]).reshape(shape)
    leaving = np.array([1 / (n * comb(p + n, n)) if n else 0.0 for p, n in sizes]).reshape(shape)
    return joining, leaving
