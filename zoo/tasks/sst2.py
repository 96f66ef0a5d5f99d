"""SST-2: real sentences about films, liked or not."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import torch
from jaxtyping import Int
from tokenizers import Encoding
from torch import Tensor

from zoo import mirror, storage, tokenizer
from zoo.errors import InputError
from zoo.task import Samples, TextTask

SOURCE = "stanfordnlp/sst2"
TOKENIZER = "sst2_tokenizer.json"
VOCABULARY = 4000
LONGEST = 128
"""Tokens of a sentence that are read; the longest sentence of the data has 79."""
CHARACTERS = 20_000
"""Above it a text was pasted by mistake."""
CUT = " […]"
"""Ends a text of which only the beginning was read."""

EXAMPLES = (
    ("A warm, funny and quietly devastating film.", "positive"),
    ("The plot makes no sense and the jokes fall flat.", "negative"),
    ("Not a bad film, but never a good one.", "negative"),
    ("It isn't boring for a single minute.", "positive"),
    ("I can't remember when I was last so moved.", "positive"),
    ("The acting is superb; everything else is a waste of two hours.", "negative"),
    ("Slow at first, it grows into something unforgettable.", "positive"),
    ("You won't find a more tedious thriller this year.", "negative"),
    ("Neither clever nor funny, and far too long.", "negative"),
    ("Despite a clumsy script, it is impossible not to love these characters.", "positive"),
    ("What could have been a masterpiece ends up a mess.", "negative"),
    ("Hardly original, yet it works beautifully.", "positive"),
)
"""Our own sentences, with negation and contrast, for wherever the data is not at hand."""


@dataclass(frozen=True)
class Sst2(TextTask):
    """Sentences from film reviews, by whether they speak well of the film. Words are cut as in the Penn treebank and
    then into byte-pair pieces; groups are words. A longer text is cut off after 128 pieces, at a word's end, and its
    `texts` entry then ends in "[…]". Reference: [socher2013recursive]
    """

    name = "sst2"
    title = "Film reviews"
    classes = ("negative", "positive")
    splits = ("train", "validation", "examples")
    scored = "validation"
    longest = LONGEST
    vocabulary = VOCABULARY
    licence = "Not stated; for research (Stanford Sentiment Treebank)"
    citation = "socher2013recursive"
    about = (
        "Sentences from film reviews, marked as speaking well or badly of the film; half-hearted ones were left out by "
        "the authors. Scored on the validation split, because the public copy hides the labels of its test split; its "
        "training split holds 67,349 phrases cut out of sentences, while the models here were trained on the 6,920 "
        "whole sentences. The split 'examples' is a dozen sentences of our own, which need no data."
    )

    def load(self, split: str) -> Samples:
        if split == "examples":
            texts = [text for text, _ in EXAMPLES]
            return self.encode(texts, [self.classes.index(label) for _, label in EXAMPLES], split)
        texts, labels = mirror.read(SOURCE, split, ("sentence", "label"))
        return self.encode([text.strip() for text in texts], labels, split)

    def unavailable(self) -> str | None:
        return mirror.unavailable(SOURCE)

    def encode(self, texts: Sequence[str], labels: Sequence[int] | None = None, name: str = "typed") -> Samples:
        if not texts:
            raise InputError("No text was given. Give at least one sentence.")
        for text in texts:
            _check(text)
        read = [_read(text, encoding) for text, encoding in zip(texts, self.tokenizer().encode(texts), strict=True)]
        width = max(len(sentence.ids) for sentence in read)
        inputs = torch.tensor([sentence.ids + [self.padding] * (width - len(sentence.ids)) for sentence in read])
        return Samples(
            inputs=inputs,
            labels=torch.tensor([-1] * len(texts) if labels is None else list(labels)),
            ids=tuple(f"{name}:{i}" for i in range(len(texts))),
            texts=tuple(sentence.text for sentence in read),
            tokens=tuple((*sentence.pieces, *[""] * (width - len(sentence.ids))) for sentence in read),
            words=tuple(tuple(row) for row in self.groups(inputs).tolist()),
        )

    def decode(self, inputs: Int[Tensor, "sample token"]) -> list[str]:
        return [self.tokenizer().decode(row) for row in inputs.tolist()]

    def groups(self, inputs: Int[Tensor, "sample token"]) -> Int[Tensor, "sample token"]:
        return self.tokenizer().words(inputs)

    def halves(self) -> Int[Tensor, "row direction"]:
        return self.tokenizer().halves()

    def fingerprint(self) -> str:
        return storage.sha256(self.tokenizer().to_json().encode())

    def learn_tokenizer(self) -> tokenizer.Tokenizer:
        """The same pieces, learnt again; a network only understands those that it was trained with."""
        texts, _ = mirror.read(SOURCE, "train", ("sentence", "label"))
        return tokenizer.learn((text.strip() for text in texts), VOCABULARY)

    def write_tokenizer(self) -> Path:
        """Learn the pieces again and keep them; every network must then be trained again."""
        path = storage.WEIGHTS / TOKENIZER
        storage.write_atomically({path: self.learn_tokenizer().to_json().encode()})
        return path

    def tokenizer(self) -> tokenizer.Tokenizer:
        """The pieces, as learnt from the training split and kept beside the weights."""
        return tokenizer.read(storage.WEIGHTS / TOKENIZER)


@dataclass(frozen=True, kw_only=True)
class _Sentence:
    """A text as it was read: ids, and for each of them the piece of the text it stands for."""

    text: str
    ids: list[int]
    pieces: list[str]


def _read(text: str, encoding: Encoding) -> _Sentence:
    """The first `LONGEST` pieces, up to a word's end.

    Each shows the text since the one before, so nothing is lost where the normaliser made one character of several;
    where one character became several pieces, the first shows it.
    """
    if not encoding.ids:
        raise InputError(f"There is no word in the text {text[:40]!r}. Type a sentence.")
    count, words = len(encoding.ids), encoding.word_ids
    if count > LONGEST:
        count = max((i for i in range(1, LONGEST + 1) if words[i] != words[i - 1]), default=LONGEST)
    ends = [0, *(end for _, end in encoding.offsets[:count])]
    pieces = [text[a:b].strip() for a, b in pairwise(ends)]
    read = text if count == len(encoding.ids) else text[: ends[-1]] + CUT
    return _Sentence(text=read, ids=list(encoding.ids[:count]), pieces=pieces)


def _check(text: str) -> None:
    if not isinstance(text, str) or not text.strip():
        raise InputError("The text is empty. Type a sentence, for example: not a bad film, but never a good one.")
    if len(text) > CHARACTERS:
        raise InputError(
            f"The text has {len(text):,} characters; at most {CHARACTERS:,} are allowed, and only the first {LONGEST} "
            "word pieces are read. Type or paste one sentence."
        )
