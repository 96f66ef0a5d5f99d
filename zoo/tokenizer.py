"""The tokenizer: sentences to pieces of words and back, learnt from a training split and kept as JSON."""

import functools
import json
from collections.abc import Iterable
from pathlib import Path

import torch
from jaxtyping import Bool, Int
from tokenizers import Encoding, Regex, decoders, models, normalizers, pre_tokenizers, trainers
from tokenizers import Tokenizer as Pieces
from torch import Tensor

from zoo.errors import InputError

PADDING, MISSING = "[PAD]", "[MASK]"
"""Ids 0 and 1."""
WORD_START = "Ġ"
"""How a byte-level piece writes the space in front of a word; a piece without it continues the word before."""
SYMBOL = r"\p{So}[\p{Sk}\ufe0f]*"
WORDS = (
    r"n't\b|'(?:s|re|ve|ll|d|m)\b|\.{2,}|-{2,}|[^\W_]+?(?=n't\b)|\w+|"
    rf"{SYMBOL}(?:\u200d{SYMBOL})*|\S"
)
"""Words as the Penn treebank cuts them: "do" "n't", "it" "'s", every mark of punctuation alone, an emoji in one piece
with its skin tone or its family; and in the end any character at all, so that nothing but white space is lost."""


class Tokenizer:
    """Byte-pair pieces of lower-case words. Nothing is unknown to it: what it never saw falls into bytes.

    Every word starts with a piece that carries the space in front of it, so which word a piece is in can be read from
    the ids alone. Reference: [sennrich2016neural]
    """

    def __init__(self, pieces: Pieces) -> None:
        pieces.encode_special_tokens = True
        self.pieces = pieces
        starts = [piece.startswith(WORD_START) or piece in (PADDING, MISSING) for piece in _vocabulary(pieces)]
        self._starts = torch.tensor(starts)

    def __len__(self) -> int:
        return self.pieces.get_vocab_size()

    def encode(self, texts: Iterable[str]) -> list[Encoding]:
        """Ids and places of the pieces of each text; marks such as [MASK] in a text are plain text."""
        return self.pieces.encode_batch(list(texts))

    def decode(self, texts: Iterable[list[int]]) -> list[str]:
        """Words with a space between them, of the ids of each text; padding and missing tokens vanish."""
        return [text.strip() for text in self.pieces.decode_batch(list(texts), skip_special_tokens=True)]

    def words(self, ids: Int[Tensor, "sample token"]) -> Int[Tensor, "sample token"]:
        """The number of the word each token is in, from 0; -1 for padding. A missing token is a word of its own."""
        starts: Bool[Tensor, "sample token"] = self._starts[ids].clone()
        starts[:, :1] = True
        return (starts.long().cumsum(1) - 1).masked_fill(ids == 0, -1)

    def halves(self) -> Int[Tensor, "row direction"]:
        """The two pieces that each piece was merged from; (0, 0) for one that is a single byte."""
        ids = self.pieces.get_vocab()
        table = torch.zeros(len(self), 2, dtype=torch.long)
        for first, second in json.loads(self.pieces.to_str())["model"]["merges"]:
            table[ids[first + second]] = torch.tensor((ids[first], ids[second]))
        return table

    def to_json(self) -> str:
        return self.pieces.to_str(pretty=False) + "\n"


def learn(texts: Iterable[str], size: int) -> Tokenizer:
    """A tokenizer of `size` pieces: the bytes, then the pairs that occur most often, in order, at least twice each."""
    pieces = Pieces(models.BPE())
    pieces.normalizer = _normaliser()
    pieces.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(WORDS), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=True, use_regex=False),
        ]
    )
    pieces.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        min_frequency=2,
        special_tokens=[PADDING, MISSING],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    pieces.train_from_iterator(texts, trainer)
    return Tokenizer(pieces)


@functools.cache
def read(path: Path) -> Tokenizer:
    """The tokenizer in a file; `InputError` where it is missing or broken."""
    remedy = "Restore it with `git checkout zoo/weights`."
    if not path.is_file():
        raise InputError(f"The tokenizer is missing: there is no {path}. {remedy}")
    try:
        return Tokenizer(Pieces.from_str(path.read_text(encoding="utf-8")))
    except Exception as error:  # the library raises plain Exception
        raise InputError(f"{path} is not a tokenizer ({str(error)[:80]}). {remedy}") from None


def _normaliser() -> normalizers.Normalizer:
    """Typographic quotes to plain ones, brackets as the treebank writes them to brackets, capitals to small letters."""
    replace = normalizers.Replace
    return normalizers.Sequence(
        [
            normalizers.NFC(),
            replace(Regex("[\u2018\u2019`]"), "'"),
            replace(Regex("[\u201c\u201d]|''"), '"'),
            replace("\u2026", "..."),
            replace("\\/", "/"),
            replace("\\*", "*"),
            normalizers.Lowercase(),
            replace("-lrb-", "("),
            replace("-rrb-", ")"),
        ]
    )


def _vocabulary(pieces: Pieces) -> list[str]:
    return [piece for piece, _ in sorted(pieces.get_vocab().items(), key=lambda item: item[1])]
