"""Copy memory: symbols to be said again after a long pause."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from zoo.generated import BLOCK, Generated
from zoo.task import Kind, Samples

SYMBOLS = tuple("ABCDEFGH")
BLANK, GO = len(SYMBOLS), len(SYMBOLS) + 1

Codes = Int[np.ndarray, "sample symbol"]


@dataclass(frozen=True, kw_only=True)
class CopyMemory(Generated):
    """Eight random symbols of eight, one a step; blanks; a sign to start; and blanks, at which to answer.

    Rule: the answers are the symbols in their order. Each step is one-hot over the symbols, blank and the sign. At the
    last `recall` steps one symbol each is asked for; the label of a sample is the last of them, and the evidence is
    therefore the step at which that one was shown. Who remembers nothing has a loss of ln 8 = 2.08 at every step that
    is asked for (recall · ln 8 / length over all steps, the figure usually given) and one answer in eight right.
    Groups are single steps.

    When it misleads: removing a symbol leaves a series without one, which no model has seen.
    Reference: [hochreiter1997long], [arjovsky2016unitary]
    """

    name = "copy_memory"
    title = "Copying eight symbols from memory"
    kind = Kind.SERIES
    classes = SYMBOLS
    axes = ("time", "feature")
    features = (*SYMBOLS, "blank", "go")
    citation = "arjovsky2016unitary"
    about = (
        "Generated series: eight random symbols out of eight, then blanks, then a sign, at which the symbols are to be "
        "said again in their order, one at each of the last eight steps. Nothing but memory helps: an answer by chance "
        "is right one time in eight. The label is the last symbol. Splits come from different seeds."
    )
    rule = "The answers are the symbols shown at the beginning, in their order; the label is the last of them."
    bayes = 1.0

    recall: int = 8
    pause: int = 20
    """Blanks between the last symbol and the sign."""
    train: int = 20_000

    def __post_init__(self) -> None:
        if (self.recall, self.pause) != (type(self).recall, type(self).pause):
            self._describe(
                name=f"copy_memory_{self.recall}_{self.pause}",
                title=f"Copying {self.recall} symbols after {self.pause} blanks",
            )

    @classmethod
    def variants(cls) -> tuple[Self, ...]:
        return (cls(),)

    def load(self, split: str) -> Samples:
        return self._samples(split, lambda codes: codes)

    def groups(self, inputs: Float[Tensor, "sample time feature"]) -> Int[Tensor, "sample time feature"]:
        return torch.arange(inputs.shape[1])[:, None].expand(inputs.shape).clone()

    def without_evidence(self, split: str) -> Samples:
        """The same series with a blank in the last symbol's place; the answers asked for stay."""
        return self._samples(split, lambda codes: codes, hidden=True)

    def with_other_rest(self, split: str) -> Samples:
        """The same last symbol after the other symbols of the next series, which are then asked for."""
        return self._samples(split, lambda codes: np.hstack((np.roll(codes[:, :-1], 1, axis=0), codes[:, -1:])))

    def _samples(self, split: str, change: Callable[[Codes], Codes], *, hidden: bool = False) -> Samples:
        parts = []
        for generator, count in self.draws(split):
            codes = generator.integers(len(SYMBOLS), size=(BLOCK, self.recall))
            parts.append(torch.from_numpy(change(codes)[:count]))
        wanted = torch.cat(parts)
        shown = wanted.clone()
        if hidden:
            shown[:, -1] = BLANK
        inputs = self._series(shown)
        evidence = torch.zeros(inputs.shape, dtype=torch.bool)
        evidence[:, self.recall - 1] = not hidden
        return Samples(
            inputs=inputs,
            labels=wanted[:, -1],
            ids=tuple(f"{split}:{i}" for i in range(len(inputs))),
            evidence=evidence,
            answers=wanted,
        )

    def _series(self, codes: Int[Tensor, "sample symbol"]) -> Float[Tensor, "sample time feature"]:
        """Symbols, blanks, the sign, and blanks but one for the answers, the first of which is due at the sign."""
        rest = torch.full((self.pause + self.recall,), BLANK)
        rest[self.pause] = GO
        steps = torch.cat((codes, rest.expand(len(codes), -1)), dim=1)
        return torch.nn.functional.one_hot(steps, len(self.features)).float()
