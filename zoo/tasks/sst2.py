"""SST-2: real sentences about films, liked or not."""

from dataclasses import dataclass

from zoo.reviews import Reviews

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
class Sst2(Reviews):
    """Sentences from film reviews, by whether they speak well of the film. Words are cut as in the Penn treebank and
    then into byte-pair pieces; groups are words. A longer text is cut off after 128 pieces, at a word's end, and its
    `texts` entry then ends in "[…]". Reference: [socher2013recursive]
    """

    name = "sst2"
    title = "Film reviews"
    splits = ("train", "validation", "examples")
    scored = "validation"
    source = "stanfordnlp/sst2"
    columns = ("sentence", "label")
    vocabulary = 4000
    beginning = longest = 128  # the longest sentence of the data has 79 pieces
    examples = EXAMPLES
    preprocessing = (
        "Sentences are cut into words as in the Penn treebank, in small letters, and words into 4,000 byte-pair pieces "
        "learnt from the training split; at most 128 pieces are read."
    )
    licence = "Not stated; for research (Stanford Sentiment Treebank)"
    citation = "socher2013recursive"
    about = (
        "Sentences from film reviews, marked as speaking well or badly of the film; half-hearted ones were left out by "
        "the authors. Scored on the validation split, because the public copy hides the labels of its test split; its "
        "training split holds 67,349 phrases cut out of sentences, while the models here were trained on the 6,920 "
        "whole sentences. The split 'examples' is a dozen sentences of our own, which need no data."
    )
