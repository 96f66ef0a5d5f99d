"""IMDB: whole film reviews, for or against."""

import re
from dataclasses import dataclass

from zoo.reviews import Reviews

BREAK = re.compile(r"<br\s*/?>")

EXAMPLES = (
    (
        "I went in expecting little and came out shaken. The first half hour is slow, I admit, and the music tries too "
        "hard. But then the two sisters finally talk, and from there on there is not one false note. I have thought "
        "about it every day since.",
        "positive",
    ),
    (
        "What a waste of a great cast. Everybody on screen has been wonderful elsewhere, and here they stand about "
        "waiting for a joke that never arrives. The trailer was funny; the film is not. Save your money.",
        "negative",
    ),
    (
        "The critics hated this one, and I cannot see why. Yes, the story is silly and the effects are cheap. It is "
        "also warm, quick and full of good lines, and my children asked to see it again at once. Don't listen to them: "
        "go.",
        "positive",
    ),
    (
        "Beautifully shot, I'll give it that. The desert has rarely looked better. Sadly nobody thought of writing a "
        "script, so for two hours beautiful people walk through a beautiful desert and say nothing of interest. I "
        "looked at my watch more often than at the screen.",
        "negative",
    ),
    (
        "I have seen it four times now and keep finding something new. The old man's face in the last scene says more "
        "than most films do in three hours. Not for those in a hurry, but a masterpiece all the same.",
        "positive",
    ),
    (
        "I loved the book. I loved the first film. I even liked the second. This third part throws away everything "
        "that made them work: the humour is gone, the plot is a mess and the ending insults whoever stayed for it.",
        "negative",
    ),
    (
        "It isn't perfect. The villain is dull and the accents wander. But the chase through the market is the best I "
        "have seen in years, and the lead is a delight from start to finish. Great fun.",
        "positive",
    ),
    (
        "My friends told me this was the scariest film of the decade. I was not scared for one minute. Doors creak, a "
        "cat jumps, somebody screams, and then it all happens again. Boring, predictable and badly acted.",
        "negative",
    ),
    (
        "Forget the poster, which makes it look like one more war film. It is a quiet story of two brothers, told with "
        "patience and without a single speech about honour. I cried, and I do not cry easily. Highly recommended.",
        "positive",
    ),
    (
        "If you cannot sleep, this is the film for you. Nothing happens, and it happens slowly. The director seems to "
        "believe that pointing a camera at rain makes art. It makes a wet camera. One of the worst I have sat through.",
        "negative",
    ),
    (
        "Hardly anybody remembers this little comedy, which is a shame. No stars, no budget, one house and five "
        "people, and I laughed more than at anything that came out this year. Find it if you can.",
        "positive",
    ),
    (
        "It could have been so good. The idea is clever, the first ten minutes promise a lot, and the lead actress "
        "does what she can. Then the clever idea is explained, again and again, until there is nothing left of it. A "
        "disappointment.",
        "negative",
    ),
)
"""Our own reviews, with turns and concessions, for wherever the data is not at hand."""


@dataclass(frozen=True)
class Imdb(Reviews):
    """Film reviews of any length, by whether their author gave the film many stars or few. Words are cut as in the
    Penn treebank and then into byte-pair pieces; groups are words. Of a longer review the first 128 and the last 127
    pieces are read, with a missing token between them. Reference: [maas2011learning]
    """

    name = "imdb"
    title = "Whole film reviews"
    splits = ("train", "test", "examples")
    source = "stanfordnlp/imdb"
    columns = ("text", "label")
    vocabulary = 8000
    beginning, ending = 128, 127
    longest = 256
    by_class = True
    examples = EXAMPLES
    preprocessing = (
        "Line breaks (<br />) are taken out; words are cut as in the Penn treebank, in small letters, and then into "
        "8,000 byte-pair pieces learnt from the training split; of a review of more than 255 pieces the first 128 and "
        "the last 127 are read."
    )
    licence = "Not stated; for research (Large Movie Review Dataset)"
    citation = "maas2011learning"
    about = (
        "50,000 reviews from the Internet Movie Database, half of them training and half test: those of at most 4 "
        "stars of 10 are negative, those of at least 7 positive, and lukewarm ones were left out by the authors. No "
        "film was to be in both halves, yet 123 texts are. Four in ten are longer than what is read here, which is the "
        "beginning and the ending. The source has one class after the other; here they are in an order drawn once. The "
        "split 'examples' is a dozen reviews of our own, which need no data."
    )

    def tidy(self, text: str) -> str:
        return " ".join(BREAK.sub(" ", text).split())
