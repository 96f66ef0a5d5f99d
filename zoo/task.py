"""Tasks: where samples come from, what their classes are called, and how their features are grouped."""

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from typing import ClassVar, Protocol, Self, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

from zoo.errors import InputError, unknown


class Kind(StrEnum):
    """What a sample is."""

    IMAGE = "image"
    TEXT = "text"
    SERIES = "series"
    TABLE = "table"


@dataclass(frozen=True, kw_only=True, eq=False)
class Samples:
    """A batch of samples; one sample is a batch of one.

    `inputs`   what the model takes: float images (sample, channel, height, width), token ids (sample, token), …
    `labels`   class index per sample, -1 where it is not known (a sentence somebody typed).
    `ids`      how to find each sample again: "test:7".
    `evidence` the planted ground truth: True where a feature caused the label, in the shape of the inputs without the
               channel axis; None where it is not known.
    `texts`, `tokens`, `words`: of text only. The original text; each token's piece of it; the word each token is in
               (-1 for padding), so that attributions per token can be merged per word.
    `values`   of regression only: the number that is asked for. There is one output, so every label is 0.
    `answers`  of sequence tasks only: the class that is asked for at each step of the output, -1 where nothing is. The
               label is the answer at the last step.
    """

    inputs: Shaped[Tensor, "sample ..."]
    labels: Int[Tensor, "sample"]
    ids: tuple[str, ...]
    evidence: Bool[Tensor, "sample ..."] | None = None
    texts: tuple[str, ...] | None = None
    tokens: tuple[tuple[str, ...], ...] | None = None
    words: tuple[tuple[int, ...], ...] | None = None
    values: Float[Tensor, "sample"] | None = None
    answers: Int[Tensor, "sample step"] | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, indices: Sequence[int]) -> Self:
        """These samples, in this order."""
        rows = torch.as_tensor(list(indices), dtype=torch.long)

        def pick(values: Sequence | None) -> tuple | None:
            return None if values is None else tuple(values[i] for i in indices)

        def cut(values: Tensor | None) -> Tensor | None:
            return None if values is None else values[rows]

        return replace(
            self,
            inputs=self.inputs[rows],
            labels=self.labels[rows],
            ids=tuple(self.ids[i] for i in indices),
            evidence=cut(self.evidence),
            texts=pick(self.texts),
            tokens=pick(self.tokens),
            words=pick(self.words),
            values=cut(self.values),
            answers=cut(self.answers),
        )


class Task(ABC):
    """A question with labelled samples. Concrete tasks are one file each in `zoo/tasks/`.

    The split called `scored` is the one that reported accuracy is measured on; no choice is ever made on it.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    kind: ClassVar[Kind]
    classes: ClassVar[tuple[str, ...]]
    """What there is to choose from; of regression one name, that of the output with its unit."""
    axes: ClassVar[tuple[str, ...]]
    """Names of the axes of one input, e.g. ("channel", "height", "width")."""
    splits: ClassVar[tuple[str, ...]] = ("train", "test")
    scored: ClassVar[str] = "test"
    licence: ClassVar[str]
    citation: ClassVar[str]
    """A key of `references.bib`."""
    about: ClassVar[str]
    """Two or three sentences: what the data is, how it is split and why, what to beware of."""
    planted: ClassVar[bool] = False
    """Whether samples carry evidence."""
    absence: ClassVar[str] = "zero"
    """The reference input that means "nothing is here": zero (no ink), mean, or blur (images without a background)."""
    features: ClassVar[tuple[str, ...] | None] = None
    """Names of a table's columns, or of what a series measures at each step."""
    rule: ClassVar[str] = ""
    """Planted tasks: what decides the label, in one sentence."""
    bayes: ClassVar[float | None] = None
    """The best score that any model can reach (accuracy; R² of regression), where it is known."""
    preprocessing: ClassVar[str] = "None: the inputs are as the source gives them."
    """How raw data becomes inputs, in one sentence."""
    source: ClassVar[str] = "generated"
    """Where the data comes from: a set of the hub, an address with its commit, a library."""

    @classmethod
    def variants(cls) -> "tuple[Self, ...]":
        """The settings of this task that we ship, the first of them under the plain name."""
        return (cls(),)

    @property
    def regression(self) -> bool:
        """Whether a number is asked for and not a class."""
        return len(self.classes) == 1

    def _describe(self, **words: object) -> None:
        """Give a variant a name, title, rule, … of its own; said in `__post_init__`, since tasks are frozen."""
        for key, value in words.items():
            if not hasattr(type(self), key):
                raise TypeError(f"A task has no {key!r} to describe.")
            object.__setattr__(self, key, value)

    @abstractmethod
    def load(self, split: str) -> Samples:
        """All samples of a split, in a fixed order. Use `samples`, which checks the name and remembers the result."""

    @abstractmethod
    def groups(self, inputs: Shaped[Tensor, "sample ..."]) -> Int[Tensor, "sample ..."]:
        """The coarse features that perturbation methods switch on and off together.

        Same shape as the inputs; entries of one sample that carry the same number 0, 1, … belong to one group (an image
        patch, a word, a column), and -1 marks padding, which is never touched.
        """

    def unavailable(self) -> str | None:
        """None where the data is at hand; else one sentence that says why it is not and what to do."""
        return None

    def fingerprint(self) -> str | None:
        """sha256 of the file that turns raw data into inputs (a tokenizer); None where there is none."""
        return None

    def samples(self, split: str) -> Samples:
        """All samples of a split; loaded once per process and task (tasks that are frozen dataclasses are equal where
        their fields are)."""
        if split not in self.splits:
            raise unknown(f"split of {self.name}", split, self.splits)
        return _load(self, split)

    def select(self, reference: str) -> Samples:
        """The samples that a reference names.

        "test:7" is one sample, "test:0:8" samples 0 to 7, "7" and "0:8" the same of the scored split, "7,12" two.
        """
        head, _, tail = reference.partition(":")
        named = bool(head) and not head[0].isdigit() and head[0] != "-"
        split, rest = (head, tail) if named else (self.scored, reference)
        whole = self.samples(split)
        return whole.take(_indices(rest, len(whole), f"split {split!r} of {self.name}"))


@runtime_checkable
class Ablatable(Protocol):
    """A planted task that can be rendered again without its evidence, and with everything else exchanged."""

    def without_evidence(self, split: str) -> Samples:
        """The same samples in which the evidence was never planted."""
        ...

    def with_other_rest(self, split: str) -> Samples:
        """The same evidence amid the rest of other samples."""
        ...


class TextTask(Task):
    """A task whose samples are sentences, and which also takes sentences that somebody typed."""

    kind = Kind.TEXT
    axes = ("token",)
    padding: ClassVar[int] = 0
    missing: ClassVar[int] = 1
    """The token that stands for a missing one: [MASK], which training shows to the models by word dropout, so that
    a sentence with words taken out is still something the model has seen."""
    longest: ClassVar[int | None] = None
    """Tokens of a sentence that are read at most; None where there is no limit."""
    vocabulary: ClassVar[int | None] = None
    """Token ids are below it; None where the task does not say."""

    @abstractmethod
    def encode(self, texts: Sequence[str], labels: Sequence[int] | None = None, name: str = "typed") -> Samples:
        """Token ids, pieces and words of sentences, padded to the longest; ids are "NAME:0", "NAME:1", …"""

    def halves(self) -> Int[Tensor, "row direction"] | None:
        """The two tokens that each token of the vocabulary was merged from, (0, 0) where it is whole; None where the
        tokenizer merges nothing."""
        return None

    @abstractmethod
    def decode(self, inputs: Int[Tensor, "sample token"]) -> list[str]:
        """The text of token ids, with padding and missing tokens left out."""


@lru_cache(maxsize=64)
def _load(task: Task, split: str) -> Samples:
    return task.load(split)


def _indices(text: str, size: int, where: str) -> Sequence[int]:
    """The indices in "7", "0:8" or "7,12". Bounds are checked on the numbers as written, so that a reference from a
    link costs no more than the split it names, whatever it says."""
    parts = text.split(":" if ":" in text else ",", maxsplit=size)
    if not all(re.fullmatch(" *[0-9]{1,18} *", part) for part in parts) or (":" in text and len(parts) != 2):
        raise InputError(
            f"{_shortened(text)!r} does not name samples. Write one index (7), a range (0:8) or a list (7,12) of at "
            f"most {size:,}, with a split in front if you like (test:7)."
        )
    numbers = [int(part) for part in parts]
    indices = range(*numbers) if ":" in text else numbers
    if not indices:
        raise InputError(f"The range {text!r} is empty. Write START:STOP with START below STOP, for example 0:8.")
    if len(indices) > size or max(indices) >= size:
        given = _shortened(text)
        raise InputError(f"Sample {given} is not in {where}, which has {size:,} samples: 0 to {size - 1}.")
    return indices


def _shortened(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:40]}…"
