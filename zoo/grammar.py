"""Grammar: sentences of everyday words that mean little, into which other words can be planted."""

from collections.abc import Iterator

Chance = Iterator[float]
"""Numbers drawn uniformly from [0, 1)."""


def _listed(words: str) -> tuple[str, ...]:
    return tuple(words.split())


DETERMINERS = _listed("the a this that every some one another")
NOUNS = _listed(
    """
    farmer baker sailor teacher doctor painter singer driver child neighbour cousin uncle aunt clerk guard pilot
    tailor nurse judge student basket letter bottle window table chair carpet ladder hammer bucket blanket ticket
    kettle mirror candle saddle wagon bicycle boat train river valley village harbour market garden forest meadow
    bridge tower station kitchen cellar attic corner street island mountain desert field horse donkey goose rabbit
    pigeon cat dog sheep
    """
)
VERBS = _listed(
    """
    carries brings takes moves opens closes finds keeps sells buys paints washes lifts follows watches meets visits
    leaves crosses reaches passes holds drops pushes pulls turns fills empties counts measures describes remembers
    mentions repairs builds covers cuts folds ties sends
    """
)
ADJECTIVES = _listed(
    """
    old young tall short long round square flat wide narrow red blue green brown grey white black wooden woollen
    leather copper northern southern eastern western distant nearby local foreign wet dry heavy
    """
)
ADVERBS = _listed(
    """
    today yesterday tomorrow again often sometimes usually slowly quickly early late there here indoors outside
    upstairs downstairs later then now
    """
)
PREPOSITIONS = _listed("near behind beside under above across around towards from with without")
CONJUNCTIONS = _listed("and while because before after when")
FILLERS = (*DETERMINERS, *NOUNS, *VERBS, *ADJECTIVES, *ADVERBS, *PREPOSITIONS, *CONJUNCTIONS)
"""All of these words."""

Slot = tuple[tuple[str, ...], float]
"""Words, one of which stands there, and how often one does."""
NOUN: tuple[Slot, ...] = ((DETERMINERS, 1), (ADJECTIVES, 0.4), (NOUNS, 1))
CLAUSE: tuple[Slot, ...] = (*NOUN, (VERBS, 1), *NOUN, (PREPOSITIONS, 1), *NOUN)
SENTENCE: tuple[Slot, ...] = (*CLAUSE, (CONJUNCTIONS, 1), *CLAUSE)


def sentence(chance: Chance) -> list[str]:
    """Two clauses of fillers: "the old farmer carries a basket near the dry river while every goose …"."""
    return [words[int(next(chance) * len(words))] for words, share in SENTENCE if next(chance) < share]
