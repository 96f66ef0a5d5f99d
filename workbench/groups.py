"""Groups: which entries of an input a perturbation method switches on and off together.

A method asks once, `feature_groups(query, name, n_groups)`, and passes the numbers on to `coalition_values`, `spread`
or `imputed_values`, which take groups of any kind.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

from workbench.perturbations import fine_features
from workbench.query import Query
from zoo.errors import InputError, unknown
from zoo.task import Kind

GROUPS = ("task", "fine", "superpixels", "tokens", "sentences", "time", "columns")
"""task: the task's own (patches, words, columns, blocks of a series). fine: pixels, words, columns, each entry of a
series. superpixels: of images, by SLIC. tokens, sentences: of text. time: stretches of a series over all it measures.
columns: of tables, the columns of a one-hot code together; of a series each thing that is measured, over all its time.
"""
SUPERPIXELS, STRETCHES = 50, 16
"""How many there are about, where a method does not ask for a number."""
COMPACTNESS = 10.0
"""Of superpixels: how much nearness counts beside likeness of colour."""
ENDS = frozenset(".!?…¶")
"""Marks that end a sentence."""


def feature_groups(query: Query, name: str = "task", n_groups: int = 0) -> Int[Tensor, "sample ..."]:
    """The number of the group of each entry, in the shape of the inputs; -1 marks padding.

    Every sample's groups are numbered from 0 without a gap, and depend on that sample (and the task) alone. `n_groups`
    is about how many superpixels or stretches of time there shall be; 0: 50 and 16.

    When it misleads: superpixels follow edges of the image, so that their outline looks like a finding of the method.
    Reference: [achanta2012slic]
    """
    if name not in GROUPS:
        raise unknown("kind of groups", name, GROUPS)
    if name == "task":
        return query.groups
    kind = query.subject.task.kind
    if name == "fine":
        return fine_features(query.subject.task, query.inputs)
    if (name, kind) not in MAKERS:
        fitting = ", ".join(dict.fromkeys(["task", "fine", *(one for one, of in MAKERS if of is kind)]))
        raise InputError(f"Groups {name!r} are not for a task of kind {kind}. Choose one of: {fitting}.")
    return MAKERS[name, kind](query, n_groups)


def _superpixels(query: Query, n_groups: int) -> Int[Tensor, "sample channel height width"]:
    """SLIC on each image by itself, over all channels."""
    from skimage.segmentation import slic

    found = []
    for image in query.inputs.double().cpu().numpy():
        low, high = image.min(), image.max()
        scaled = (image - low) / max(high - low, np.finfo(float).tiny)
        labels = slic(
            scaled.transpose(1, 2, 0),
            n_segments=n_groups or SUPERPIXELS,
            compactness=COMPACTNESS if len(image) == 3 else COMPACTNESS / 100,  # colours are compared in Lab, to 100
            channel_axis=-1,
            start_label=0,
        )
        found.append(torch.from_numpy(np.unique(labels, return_inverse=True)[1].reshape(labels.shape)))
    return torch.stack(found).long()[:, None].expand(query.inputs.shape).clone()


def _tokens(query: Query) -> Int[Tensor, "sample token"]:
    present = query.groups >= 0
    return torch.where(present, present.long().cumsum(1) - 1, -1)


def _sentences(query: Query) -> Int[Tensor, "sample token"]:
    """A sentence ends after a word that ends in a mark such as a full stop, before the next word.

    A full stop of an abbreviation ends one too; marks without a word of their own stay with the sentence before.
    """
    pieces, words = query.samples.tokens, query.groups
    if pieces is None:
        raise InputError("These samples do not say how their tokens are written. Choose the groups 'task' or 'tokens'.")
    found = torch.full_like(words, -1)
    for sample, (row, numbers) in enumerate(zip(pieces, words.tolist(), strict=True)):
        found[sample] = torch.tensor(_numbered(row, numbers))
    return found


def _numbered(pieces: Sequence[str], words: Sequence[int]) -> list[int]:
    """The sentence of each token; -1 for padding."""
    ends = [any(mark in ENDS for mark in piece.strip()[-1:]) for piece in pieces]
    only = [bool(piece.strip("Ġ ")) and set(piece.strip("Ġ ")) <= ENDS for piece in pieces]
    found, number, closed, before = [], 0, False, -1
    for word, end, mark in zip(words, ends, only, strict=False):
        if word < 0:
            found.append(-1)
            continue
        if word != before and closed and not mark:
            number += 1
        closed, before = end or (closed and word == before and mark), word
        found.append(number)
    return found


def _time(query: Query, n_groups: int) -> Int[Tensor, "sample time feature"]:
    length = query.inputs.shape[1]
    count = min(n_groups or STRETCHES, length)
    stretch = torch.arange(length) * count // length
    return stretch.view(-1, *[1] * (query.inputs.ndim - 2)).expand(query.inputs.shape).clone()


def _measured(query: Query) -> Int[Tensor, "sample time feature"]:
    return torch.arange(query.inputs.shape[-1]).expand(query.inputs.shape).clone()


def _columns(query: Query) -> Int[Tensor, "sample feature"]:
    return one_hot_groups(query.subject.task.samples("train").inputs).expand(query.inputs.shape).clone()


def one_hot_groups(table: Float[Tensor, "row feature"]) -> Int[Tensor, "feature"]:
    """The number of each column's group: neighbours of two values of which each row has exactly one at its higher.

    Columns that were standardised are recognised too. A column that completes no such run is a group of its own.
    """
    low, high = table.amin(0), table.amax(0)
    on, two = table == high, ((table == low) | (table == high)).all(0) & (low < high)
    groups, number, start = torch.zeros(table.shape[1], dtype=torch.long), 0, 0
    while start < table.shape[1]:
        stop = _run(on[:, start:], two[start:])
        groups[start : start + stop] = number
        number, start = number + 1, start + stop
    return groups


def _run(on: Bool[Tensor, "row feature"], two: Bool[Tensor, "feature"]) -> int:
    """How many of the first columns code one choice; 1 where they do not."""
    times = on.long().cumsum(1)
    for count in range(1, on.shape[1] + 1):
        if not two[count - 1] or int(times[:, count - 1].amax()) > 1:
            return 1
        if count > 1 and bool((times[:, count - 1] == 1).all()):
            return count
    return 1


MAKERS: dict[tuple[str, Kind], Callable[[Query, int], Shaped[Tensor, "sample ..."]]] = {
    ("superpixels", Kind.IMAGE): _superpixels,
    ("tokens", Kind.TEXT): lambda query, _: _tokens(query),
    ("sentences", Kind.TEXT): lambda query, _: _sentences(query),
    ("time", Kind.SERIES): _time,
    ("columns", Kind.SERIES): lambda query, _: _measured(query),
    ("columns", Kind.TABLE): lambda query, _: _columns(query),
}
