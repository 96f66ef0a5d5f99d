"""Reviews: texts that speak well or badly of something, read as byte-pair pieces of words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Int
from tokenizers import Encoding
from torch import Tensor

from zoo import mirror, storage, tokenizer
from zoo.errors import InputError
from zoo.task import Samples, TextTask

CHARACTERS = 20_000
"""Above it a text was pasted by mistake."""
CUT = "[…]"
"""Stands where a part of a text was not read."""
BATCH = 500
"""Texts that are cut into pieces at a time; all at once would take a gigabyte."""


class Reviews(TextTask):
    """Texts with their verdict. Words are cut as in the Penn treebank and then into byte-pair pieces; groups are words.

    Of a longer text the first `beginning` and the last `ending` pieces are read, cut at the ends of words. Its `texts`
    entry then has "[…]" where something is left out; where an ending follows, a missing token stands there.
    """

    classes = ("negative", "positive")
    columns: ClassVar[tuple[str, str]]
    """Text and label, as the source calls them."""
    vocabulary: ClassVar[int]
    beginning: ClassVar[int]
    ending: ClassVar[int] = 0
    by_class: ClassVar[bool] = False
    """Whether the source has one class after the other; its rows are then taken in an order drawn once."""
    examples: ClassVar[tuple[tuple[str, str], ...]]
    """Our own texts and verdicts, for wherever the data is not at hand: the split "examples"."""

    def load(self, split: str) -> Samples:
        if split == "examples":
            texts = [text for text, _ in self.examples]
            return self.encode(texts, [self.classes.index(label) for _, label in self.examples], split)
        texts, labels = mirror.read(self.source, split, self.columns)
        if self.by_class:
            order = np.random.default_rng(0).permutation(len(texts))
            texts, labels = [texts[i] for i in order], [labels[i] for i in order]
        return self.encode(texts, labels, split)

    def unavailable(self) -> str | None:
        return mirror.unavailable(self.source)

    def tidy(self, text: str) -> str:
        """The text without what is no part of its words."""
        return text.strip()

    def encode(self, texts: Sequence[str], labels: Sequence[int] | None = None, name: str = "typed") -> Samples:
        if not texts:
            raise InputError("No text was given. Give at least one sentence.")
        read = list(self._read([self._checked(text) for text in texts]))
        width = max(len(each.ids) for each in read)
        inputs = torch.full((len(read), width), self.padding)
        for row, each in zip(inputs, read, strict=True):
            row[: len(each.ids)] = torch.tensor(each.ids)
        return Samples(
            inputs=inputs,
            labels=torch.tensor([-1] * len(texts) if labels is None else list(labels)),
            ids=tuple(f"{name}:{i}" for i in range(len(texts))),
            texts=tuple(each.text for each in read),
            tokens=tuple((*each.pieces, *[""] * (width - len(each.ids))) for each in read),
            words=tuple(map(tuple, self.groups(inputs).tolist())),
        )

    def decode(self, inputs: Int[Tensor, "sample token"]) -> list[str]:
        return self.tokenizer().decode(inputs.tolist())

    def groups(self, inputs: Int[Tensor, "sample token"]) -> Int[Tensor, "sample token"]:
        return self.tokenizer().words(inputs)

    def halves(self) -> Int[Tensor, "row direction"]:
        return self.tokenizer().halves()

    def fingerprint(self) -> str:
        return storage.sha256(self.tokenizer().to_json().encode())

    def learn_tokenizer(self) -> tokenizer.Tokenizer:
        """The same pieces, learnt again; a network only understands those that it was trained with."""
        texts, _ = mirror.read(self.source, "train", self.columns)
        return tokenizer.learn((self.tidy(text) for text in texts), self.vocabulary)

    def write_tokenizer(self) -> Path:
        """Learn the pieces again and keep them; every network must then be trained again."""
        storage.write_atomically({self._place: self.learn_tokenizer().to_json().encode()})
        return self._place

    def tokenizer(self) -> tokenizer.Tokenizer:
        """The pieces, as learnt from the training split and kept beside the weights."""
        return tokenizer.read(self._place)

    @property
    def _place(self) -> Path:
        return storage.WEIGHTS / f"{self.name}_tokenizer.json"

    def _checked(self, text: str) -> str:
        tidy = self.tidy(text) if isinstance(text, str) else ""
        if not tidy:
            raise InputError("The text is empty. Type a sentence, for example: not a bad film, but never a good one.")
        if len(text) > CHARACTERS:
            raise InputError(
                f"The text has {len(text):,} characters; at most {CHARACTERS:,} are allowed, and only {self.longest} "
                "word pieces are read. Type or paste one review."
            )
        return tidy

    def _read(self, texts: list[str]) -> Iterator["_Read"]:
        shared: dict[str, str] = {}  # the same piece is kept once, however often it occurs
        for start in range(0, len(texts), BATCH):
            batch = texts[start : start + BATCH]
            for text, encoding in zip(batch, self.tokenizer().encode(batch), strict=True):
                if not encoding.ids:
                    raise InputError(f"There is no word in the text {text[:40]!r}. Type a sentence.")
                yield self._excerpt(text, encoding, shared)

    def _excerpt(self, text: str, encoding: Encoding, shared: dict[str, str]) -> "_Read":
        """What is read of a text.

        Each piece shows the text since the one before, so nothing is lost where the normaliser made one character of
        several; where one character became several pieces, the first shows it.
        """
        ids, ends = encoding.ids, [0, *(end for _, end in encoding.offsets)]
        if len(ids) <= self.beginning + self.ending:
            return _Read(text=text, ids=ids, pieces=_shown(text, ends, shared))
        first, last = self._kept(encoding.word_ids)
        cut = f"{text[: ends[first]]} {CUT} {text[ends[last] :].strip()}".strip()
        if not self.ending:
            return _Read(text=cut, ids=ids[:first], pieces=_shown(text, ends[: first + 1], shared))
        pieces = [*_shown(text, ends[: first + 1], shared), CUT, *_shown(text, ends[last:], shared)]
        return _Read(text=cut, ids=[*ids[:first], self.missing, *ids[last:]], pieces=pieces)

    def _kept(self, words: Sequence[int | None]) -> tuple[int, int]:
        """How many pieces of the beginning are read, and with which piece the ending starts: where words end, if one
        does."""
        count, start = len(words), len(words) - self.ending
        first = max((i for i in range(1, self.beginning + 1) if words[i] != words[i - 1]), default=self.beginning)
        return first, min((i for i in range(start, count) if words[i] != words[i - 1]), default=start)


@dataclass(frozen=True, kw_only=True)
class _Read:
    """A text as it was read: ids, and for each of them the piece of the text it stands for."""

    text: str
    ids: list[int]
    pieces: list[str]


def _shown(text: str, ends: list[int], shared: dict[str, str]) -> list[str]:
    """The text between each end and the next; the same piece is the same object."""
    pieces = (text[a:b].strip() for a, b in pairwise(ends))
    return [shared.setdefault(piece, piece) for piece in pieces]
