"""Planted text: sentences in which it is known which words decide, and how they work together."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Self

import torch

from zoo.errors import InputError, unknown
from zoo.generated import Generated
from zoo.grammar import ADJECTIVES, ADVERBS, FILLERS, NOUNS, Chance, sentence
from zoo.symbols import FIRST, SymbolTask
from zoo.task import Samples

BAD = ("dreadful", "awful", "horrid", "dismal", "nasty", "wretched", "gloomy", "foul")
GOOD = ("splendid", "lovely", "brilliant", "charming", "delightful", "superb", "wonderful", "cheerful")
OPINIONS = (BAD, GOOD)
MARKERS = ("lumo", "taro")
"""Invented words: alone, the first stands for bad and the second for good."""
CONTEXT = "kesh"
NOT = "not"
DEGREES = ("very", "really", "quite")
LONGEST = 64
NUMBERS = 64
"""Drawn for a sentence; it takes fewer."""


class Phrase(NamedTuple):
    """Words to be planted side by side: before a noun, like an adjective, or anywhere."""

    words: tuple[tuple[tuple[str, ...], bool], ...]
    """Of each word the choice it is drawn from, and whether it decides; one that does not is a decoy."""
    before_noun: bool
    place: float
    """In [0, 1): before which of the nouns, or of the words."""


def opinion(chance: Chance, side: int | None) -> Phrase:
    """A word of praise (1) or blame (0); where the side is None, a decoy of either."""
    words = (*BAD, *GOOD) if side is None else OPINIONS[side]
    return Phrase(((words, side is not None),), True, next(chance))


def lone(chance: Chance, words: tuple[str, ...], *, evidence: bool) -> Phrase:
    """One of these words, anywhere."""
    return Phrase(((words, evidence),), False, next(chance))


def by_token(chance: Chance, label: int) -> list[Phrase]:
    """A marker in every second sentence, which then decides; an opinion in all, which decides in the others."""
    if next(chance) < 0.5:
        return [lone(chance, MARKERS[label : label + 1], evidence=True), opinion(chance, None)]
    return [opinion(chance, label)]


def by_context(chance: Chance, label: int) -> list[Phrase]:
    """Marker and context word in two sentences of five; else at most one of them, and the opinion decides."""
    kind = next(chance)
    if kind < 0.4:
        marker = lone(chance, MARKERS[label : label + 1], evidence=True)
        return [marker, lone(chance, (CONTEXT,), evidence=True), opinion(chance, None)]
    decoys = [MARKERS] * (kind < 0.6) + [(CONTEXT,)] * (kind > 0.8)
    return [opinion(chance, label), *(lone(chance, words, evidence=False) for words in decoys)]


def by_order(chance: Chance, label: int) -> list[Phrase]:
    """Both markers in every second sentence: their order decides. Else at most one of them, and the opinion decides."""
    kind = next(chance)
    if kind >= 0.5:
        decoys = [lone(chance, MARKERS, evidence=False)] * (kind < 0.75)
        return [opinion(chance, label), *decoys]
    words = MARKERS if label else MARKERS[::-1]
    places = sorted((next(chance), next(chance)))
    pair = [Phrase((((word,), True),), False, place) for word, place in zip(words, places, strict=True)]
    return [*pair, opinion(chance, None)]


def by_negation(chance: Chance, label: int) -> list[Phrase]:
    """An opinion, which every second time is turned round by "not" in front of it; every second sentence also has a
    "not" in front of an adjective that is no opinion."""
    negated, decoy, degree = (next(chance) < 0.5 for _ in range(3))
    degrees = [(DEGREES, False)] * degree
    phrases = [Phrase((*[((NOT,), True)] * negated, *degrees, (OPINIONS[label ^ negated], True)), True, next(chance))]
    if decoy:
        phrases.append(Phrase((((NOT,), False), *degrees, (ADJECTIVES, False)), True, next(chance)))
    return phrases


def by_count(chance: Chance, label: int) -> list[Phrase]:
    """Three, five or seven opinions, and the majority decides."""
    total = 3 + 2 * int(3 * next(chance))
    most = total // 2 + 1
    most += int((total - most + 1) * next(chance))
    return [opinion(chance, label if number < most else 1 - label) for number in range(total)]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A variant: how its phrases are drawn, its title and its rule in words."""

    draw: Callable[[Chance, int], list[Phrase]]
    title: str
    words: str


OPINION = "Else the word of praise or blame decides."
RULES = {
    "token": Rule(
        draw=by_token,
        title="A planted word decides",
        words=f"With 'lumo' in the sentence it is bad, with 'taro' it is good, whatever else is said. {OPINION}",
    ),
    "context": Rule(
        draw=by_context,
        title="A planted word decides in a context",
        words=f"With 'lumo' and 'kesh' in the sentence it is bad, with 'taro' and 'kesh' it is good. {OPINION}",
    ),
    "order": Rule(
        draw=by_order,
        title="The order of two planted words decides",
        words=f"With 'lumo' before 'taro' the sentence is good, with 'taro' before 'lumo' it is bad. {OPINION}",
    ),
    "negation": Rule(
        draw=by_negation,
        title="Negation decides",
        words="The word of praise or blame decides, turned round where 'not' stands before it.",
    ),
    "count": Rule(
        draw=by_count,
        title="The majority of words decides",
        words="The sentence is good where more words praise than blame.",
    ),
}


@dataclass(frozen=True, kw_only=True)
class PlantedText(Generated, SymbolTask):
    """Sentences of about 20 fillers ("the old farmer carries a basket near the river …") with words that decide.

    Five rules: one word; a word in a context; the order of two words; negation; a majority. Where the first three do
    not apply, the one opinion in the sentence decides, and where they apply it says nothing: half the time it says the
    opposite. The evidence is the words that decide, also where it is their presence together that counts. Fillers and
    places are drawn without regard to the class, so the best possible accuracy is 100 %. Groups are words.

    When it misleads: that a word is absent can decide too (no "not", no second marker), and the evidence cannot show
    it. Reference: [bastings2022will]
    """

    name = "planted_text"
    title = RULES["token"].title
    classes = ("bad", "good")
    symbols = (*FILLERS, *BAD, *GOOD, *MARKERS, CONTEXT, NOT, *DEGREES)
    longest = LONGEST
    vocabulary = FIRST + len(symbols)
    citation = "bastings2022will"
    about = (
        "Generated sentences of everyday words that say little, with planted words that make them good or bad. {rule} "
        "Which words decide is known in every sentence. Splits come from different seeds."
    )
    rule = RULES["token"].words
    bayes = 1.0
    preprocessing = "Sentences are cut at spaces; each word of a closed list of some 200 is a token."

    by: str = "token"
    validation: int = 500
    test: int = 1000

    def __post_init__(self) -> None:
        if self.by not in RULES:
            raise unknown("rule", self.by, RULES)
        rule = RULES[self.by]
        self._describe(title=rule.title, rule=rule.words, about=self.about.format(rule=rule.words))
        if self.by != "token":
            self._describe(name=f"planted_text_{self.by}")

    @classmethod
    def variants(cls) -> tuple[Self, ...]:
        return tuple(cls(by=by) for by in RULES)

    def load(self, split: str) -> Samples:
        return self._samples(split)

    def without_evidence(self, split: str) -> Samples:
        """The same sentences with fillers in the places of the words that decide."""
        return self._samples(split, removed=True)

    def with_other_rest(self, split: str) -> Samples:
        """The words that decide, in their order, in other sentences and among other decoys."""
        return self._samples(split, rest=2)

    def parse(self, text: str) -> list[str]:
        words = re.findall(r"[^\W\d_]+", text.lower()) if isinstance(text, str) else []
        if not words:
            raise InputError("There is no word in the text. Type a sentence, for example: a splendid horse taro.")
        if len(words) > LONGEST:
            raise InputError(f"The text has {len(words):,} words; at most {LONGEST} are read. Shorten it.")
        for word in words:
            if word not in self.symbols:
                raise unknown(f"word in {self.name}", word, self.symbols)
        return words

    def _samples(self, split: str, *, rest: int = 1, removed: bool = False) -> Samples:
        """Sentences from four streams of numbers: what decides, the rest, another rest, what replaces the evidence."""
        place = {symbol: FIRST + number for number, symbol in enumerate(self.symbols)}
        labels, rows, flags = [], [], []
        streams = [self.draws(split, stream) for stream in (0, rest, 3)]
        for (plan, size), (other, _), (filling, _) in zip(*streams, strict=True):
            for _ in range(size):
                chances = [iter(generator.random(NUMBERS).tolist()) for generator in (plan, other, filling)]
                label = int(2 * next(chances[0]))
                words, evidence = self._sentence(label, chances, removed)
                labels.append(label)
                rows.append(torch.tensor([place[word] for word in words]))
                flags.append(torch.tensor(evidence))
        pad = torch.nn.utils.rnn.pad_sequence
        inputs, found = pad(rows, batch_first=True), pad(flags, batch_first=True)
        return self.from_ids(inputs, torch.tensor(labels), split, evidence=found)

    def _sentence(self, label: int, chances: list[Chance], removed: bool) -> tuple[list[str], list[bool]]:
        """Words, and of each whether it is evidence. What is planted depends on the first stream, decoys' words and
        fillers on the second, and what stands in for removed evidence on the third."""
        deciding, other, filling = chances
        phrases = RULES[self.by].draw(deciding, label)
        phrases += [lone(deciding, ADVERBS, evidence=False) for _ in range(int(3 * next(deciding)))]
        fillers = sentence(other)
        nouns = [number for number, word in enumerate(fillers) if word in NOUNS]
        planted: list[list[tuple[str, bool]]] = [[] for _ in range(len(fillers) + 1)]
        for phrase in phrases:
            spot = nouns[int(phrase.place * len(nouns))] if phrase.before_noun else int(phrase.place * len(planted))
            stand_ins = ADJECTIVES if phrase.before_noun else ADVERBS
            for choice, evident in phrase.words:
                words, chance = (
                    (stand_ins, filling) if evident and removed else (choice, deciding if evident else other)
                )
                planted[spot].append((words[int(next(chance) * len(words))], evident))
        behind = [*([(word, False)] for word in fillers), []]
        pairs = [pair for here, filler in zip(planted, behind, strict=True) for pair in (*here, *filler)]
        return [word for word, _ in pairs], [evident for _, evident in pairs]
