"""Words: attributions of subword tokens, merged into the words a person reads."""

import numpy as np

from workbench.records import Attribution


def merged_words(attribution: Attribution, index: int = 0) -> tuple[tuple[str, ...], np.ndarray]:
    """The words of one sample and the sum of their tokens' values; padding is left out.

    A sum over a word's tokens keeps completeness. Raises `ValueError` where the attribution is not of text.
    """
    if attribution.axes != ("sample", "token") or attribution.tokens is None or attribution.words is None:
        raise ValueError(f"Words need an attribution of tokens; this one has axes {attribution.axes}.")
    pieces: dict[int, list[str]] = {}
    values: dict[int, float] = {}
    tokens, words = attribution.tokens[index], attribution.words[index]
    for piece, word, value in zip(tokens, words, attribution.values[index].tolist(), strict=False):
        if word >= 0:
            pieces.setdefault(word, []).append(piece)
            values[word] = values.get(word, 0.0) + value
    return tuple("".join(parts) for parts in pieces.values()), np.array(list(values.values()))
