"""Induction: what followed this letter the last time?"""

from dataclasses import dataclass
from string import ascii_lowercase

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from zoo.errors import InputError
from zoo.generated import BLOCK, Generated
from zoo.symbols import FIRST, SymbolTask
from zoo.task import Samples

LONGEST = 20
"""Letters of a row."""

Rows = Int[np.ndarray, "sample token"]
Letters = Int[np.ndarray, "sample letter"]
Places = Int[np.ndarray, "sample"]


@dataclass(frozen=True, kw_only=True)
class Induction(Generated, SymbolTask):
    """Rows of 20 letters, the last of which occurred once before; the class is the letter that followed it then.

    Rule: in … A B … A the next letter is B. All other letters of a row differ, and none says anything about the class.
    The evidence is the earlier A, the B behind it, and the last A, which asks. The best possible accuracy is 100 %.
    Two layers of attention can do it: a head of the first lets each letter know the one before it, a head of the second
    looks for the letter that knows the last one. Groups are the letters.

    When it misleads: B alone decides which class it is, and both A only that it is B, so that explanations rightly
    differ in what they give to A.
    Reference: [olsson2022context], [elhage2021mathematical]
    """

    name = "induction"
    title = "What followed last time"
    classes = tuple(ascii_lowercase)
    symbols = classes
    longest = LONGEST
    vocabulary = FIRST + len(symbols)
    citation = "olsson2022context"
    rule = "The class is the letter that followed the last letter of the row where it occurred before."
    bayes = 1.0
    about = (
        f"Generated rows of {LONGEST} letters. The last one occurred once before, and the class is the letter that "
        "followed it there; all others differ, and their order says nothing. Repeating what followed last time is the "
        "simplest thing that language models do with what they have just read. Splits come from different seeds."
    )

    train: int = 20_000

    def load(self, split: str) -> Samples:
        rows, _, places = self._rows(split)
        return self._samples(split, rows, rows, places)

    def without_evidence(self, split: str) -> Samples:
        """The same rows in which the pair was never planted: two letters that the row does not have stand there."""
        rows, spare, places = self._rows(split)
        changed, each = rows.copy(), np.arange(len(rows))
        changed[each, places], changed[each, places + 1] = spare[:, 0], spare[:, 1]
        return self._samples(split, changed, rows, places)

    def with_other_rest(self, split: str) -> Samples:
        """The same pairs at the same places amid the other letters in another order, some exchanged for spare ones."""
        rows, spare, places = self._rows(split)
        changed = rows.copy()
        for row, free, place in zip(changed, spare, places, strict=True):
            others = np.delete(np.arange(LONGEST - 1), (place, place + 1))
            row[others] = np.concatenate((free, row[others]))[: len(others)]
        return self._samples(split, changed, rows, places)

    def parse(self, text: str) -> list[str]:
        letters = [letter for letter in text.lower() if not letter.isspace()]
        if not 2 <= len(letters) <= LONGEST or any(letter not in self.symbols for letter in letters):
            raise InputError(f"{text[:40]!r} is not a row of 2 to {LONGEST} letters from a to z. Type one: c a t c.")
        return letters

    def _rows(self, split: str) -> tuple[Rows, Letters, Places]:
        """Rows of letters, the letters that each row does not have, and where its pair begins."""
        blocks = [[part[:count] for part in _block(generator)] for generator, count in self.draws(split)]
        rows, spare, places = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
        return rows, spare, places

    def _samples(self, split: str, rows: Rows, asked: Rows, places: Places) -> Samples:
        """Samples of these rows; the class is what the pair of the rows asked is completed by."""
        each = torch.arange(len(rows))
        evidence = torch.zeros(rows.shape, dtype=torch.bool)
        for place in (places, places + 1, np.full_like(places, LONGEST - 1)):
            evidence[each, torch.from_numpy(place)] = True
        labels: Int[Tensor, "sample"] = torch.from_numpy(asked[np.arange(len(rows)), places + 1])
        return self.from_ids(torch.from_numpy(FIRST + rows), labels, split, evidence=evidence)


def _block(generator: np.random.Generator) -> tuple[Rows, Letters, Places]:
    """One block: letters in random order, a place for the pair, and its first letter once more at the end."""
    letters = generator.permuted(np.tile(np.arange(len(ascii_lowercase)), (BLOCK, 1)), axis=1)
    rows, spare = letters[:, :LONGEST].copy(), letters[:, LONGEST - 1 :]
    places = generator.integers(LONGEST - 2, size=BLOCK)
    rows[:, -1] = rows[np.arange(BLOCK), places]
    return rows, spare, places
