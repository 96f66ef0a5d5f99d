"""Characters: which one comes next in sentences about films?"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from string import ascii_lowercase

import torch
from jaxtyping import Int
from torch import Tensor

from zoo import mirror
from zoo.errors import InputError
from zoo.symbols import FIRST, SymbolTask
from zoo.task import Samples

SOURCE = "stanfordnlp/sst2"
SPLITS = {"train": "train", "test": "validation"}
"""The splits of the source that ours are cut from: its own test split has no public labels, and none are needed."""
CONTEXT = 64
STEP = 8
"""Characters from one window of the test split to the next."""
SPACE, END, DIGIT, OTHER = " ", "¶", "0", "·"


@dataclass(frozen=True, kw_only=True)
class Characters(SymbolTask):
    """64 characters of running text, at each of which the next one is asked for; the label is the one after the last.

    The sentences stand one after the other, each closed by ¶. Capitals are small letters, letters lose their accents,
    every digit is 0 and every rare mark ·: 34 characters in all. Groups are words, each with the space before it.

    When it misleads: the next character is often open, so that no accuracy near 100 % can be expected; how likely the
    true one was held (nats per character) says more. Reference: [shannon1951prediction]
    """

    name = "characters"
    title = "The next character"
    symbols = (*ascii_lowercase, SPACE, END, ".", ",", "-", "'", DIGIT, OTHER)
    classes = (*ascii_lowercase, "space", "end of sentence", ".", ",", "-", "'", "digit", "other mark")
    between = ""
    longest = CONTEXT
    vocabulary = FIRST + len(symbols)
    licence = "Not stated; for research (Stanford Sentiment Treebank)"
    citation = "socher2013recursive"
    source = SOURCE
    preprocessing = (
        "Sentences in their order, each closed by ¶; small letters without accents, digits as 0, rare marks as ·; cut "
        "into windows of 64 characters, those of the test split 8 characters apart."
    )
    about = (
        "Sentences of film reviews, character by character: the 6,920 training sentences of SST-2 make about 11,000 "
        "windows of 64 characters, at each of which the next one is asked for; the windows of the test split come from "
        "its 872 validation sentences and overlap, so they are not independent draws. Much of what comes next is open: "
        "people who guess English letter by letter, with much text before it, need about 1 bit (0.7 nats) for each."
    )

    def load(self, split: str) -> Samples:
        (sentences,) = mirror.read(SOURCE, SPLITS[split], ("sentence",))
        place = {symbol: number for number, symbol in enumerate(self.symbols)}
        stream = torch.tensor([place[symbol] for symbol in plain(sentences)])
        windows = stream.unfold(0, CONTEXT + 1, CONTEXT if split == "train" else STEP)
        answers = windows[:, 1:].clone()
        return self.from_ids(FIRST + windows[:, :-1], answers[:, -1].clone(), split, answers=answers)

    def unavailable(self) -> str | None:
        return mirror.unavailable(SOURCE)

    def parse(self, text: str) -> list[str]:
        """The last 64 characters of a text: those before are beyond what is read."""
        if not text.strip():
            raise InputError("The text is empty. Type the beginning of a sentence, for example: a film that neve")
        return list(plain([text])[:-1])[-CONTEXT:]

    def groups(self, inputs: Int[Tensor, "sample token"]) -> Int[Tensor, "sample token"]:
        starts = inputs == FIRST + self.symbols.index(SPACE)
        starts[:, :1] = True
        return (starts.long().cumsum(1) - 1).masked_fill(inputs == self.padding, -1)


def plain(sentences: Iterable[str]) -> str:
    """The sentences in the characters that the task knows, each closed by ¶."""
    known = set(Characters.symbols)
    text = "".join(" ".join(sentence.lower().replace(END, OTHER).split()) + END for sentence in sentences)
    letters = (letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return "".join(DIGIT if one.isdecimal() else one if one in known else OTHER for one in letters)
