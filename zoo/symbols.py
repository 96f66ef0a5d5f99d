"""Texts made of few symbols, each of them a token: letters, numbers and signs."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from zoo.errors import InputError
from zoo.task import Samples, TextTask

FIRST = 2
"""Token id of the first symbol; below it are padding and the missing token."""


class SymbolTask(TextTask):
    """A text task with a closed list of symbols: nothing has to be learnt to cut a text into tokens."""

    symbols: ClassVar[tuple[str, ...]]
    between: ClassVar[str] = " "
    """What is written between two symbols."""

    @abstractmethod
    def parse(self, text: str) -> list[str]:
        """The symbols of a text that somebody typed, or an `InputError` that says what is wrong with it."""

    def encode(self, texts: Sequence[str], labels: Sequence[int] | None = None, name: str = "typed") -> Samples:
        if not texts:
            raise InputError("No text was given. Give at least one.")
        place = {symbol: FIRST + number for number, symbol in enumerate(self.symbols)}
        rows = [torch.tensor([place[symbol] for symbol in self.parse(text)]) for text in texts]
        inputs = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=self.padding)
        return self.from_ids(inputs, torch.tensor([-1] * len(texts) if labels is None else list(labels)), name)

    def decode(self, inputs: Int[Tensor, "sample token"]) -> list[str]:
        return [self.between.join(piece for piece in row if piece) for row in self._pieces(inputs)]

    def groups(self, inputs: Int[Tensor, "sample token"]) -> Int[Tensor, "sample token"]:
        """Every symbol is a word of its own."""
        present = inputs != self.padding
        return (present.long().cumsum(1) - 1).masked_fill(~present, -1)

    def from_ids(
        self,
        inputs: Int[Tensor, "sample token"],
        labels: Int[Tensor, "sample"],
        name: str,
        *,
        evidence: Bool[Tensor, "sample token"] | None = None,
        answers: Int[Tensor, "sample token"] | None = None,
    ) -> Samples:
        """Samples from token ids, with their texts, pieces and words; ids are "NAME:0", "NAME:1", …"""
        return Samples(
            inputs=inputs,
            labels=labels,
            ids=tuple(f"{name}:{i}" for i in range(len(inputs))),
            evidence=evidence,
            texts=tuple(self.decode(inputs)),
            tokens=tuple(self._pieces(inputs)),
            words=tuple(tuple(row) for row in self.groups(inputs).tolist()),
            answers=answers,
        )

    def _pieces(self, inputs: Int[Tensor, "sample token"]) -> list[tuple[str, ...]]:
        """The symbol of each token; nothing for padding and missing ones."""
        names = ("", "", *self.symbols)
        return [tuple(names[i] for i in row) for row in inputs.tolist()]
