"""Augmentation: changes of a training batch that leave its labels true, made on the batch's own device."""

import functools
from collections.abc import Callable

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor
from torch.nn import functional

from zoo.errors import unknown
from zoo.task import Kind, Task, TextTask

ROTATION = 0.17
"""Largest angle in radians, about 10°: a 6 stays a 6."""
SCALE = 0.1
SHEAR = 0.1
SHIFT = 0.15
"""In half images: 0.6 pixels of 8."""
MISSING = 0.2
"""Share of tokens that word dropout takes out."""
SPLIT = 0.15
"""Share of tokens that are spelt as the two they were merged from."""


def affine(
    images: Float[Tensor, "sample channel height width"], generator: torch.Generator
) -> Float[Tensor, "sample channel height width"]:
    """Each image a little turned, scaled, sheared and shifted; what comes in from outside is black."""
    angle, scale, shear, right, down = (2 * _uniform(images, 5, generator) - 1).unbind(1)
    angle, scale, shear = ROTATION * angle, 1 + SCALE * scale, SHEAR * shear
    cosine, sine = scale * angle.cos(), scale * angle.sin()
    first = torch.stack((cosine, shear - sine, SHIFT * right), dim=1)
    second = torch.stack((sine, cosine, SHIFT * down), dim=1)
    grid = functional.affine_grid(torch.stack((first, second), dim=1), list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, align_corners=False)


def flip(
    images: Float[Tensor, "sample channel height width"], generator: torch.Generator
) -> Float[Tensor, "sample channel height width"]:
    """Each image as it is or one of its seven mirror images and turns; for outlines without a handedness."""
    upright, mirrored, turned = (_uniform(images, 3, generator) < 0.5)[..., None, None, None].unbind(1)
    images = torch.where(upright, images, images.flip(2))
    images = torch.where(mirrored, images, images.flip(3))
    return torch.where(turned, images, images.transpose(2, 3))


def word_dropout(
    tokens: Int[Tensor, "sample token"], generator: torch.Generator, *, padding: int, missing: int
) -> Int[Tensor, "sample token"]:
    """One token in five replaced by the token that stands for a missing one, so that a model has seen it."""
    dropped = torch.rand(tokens.shape, generator=generator, device=tokens.device) < MISSING
    return torch.where(dropped & (tokens != padding), missing, tokens)


def token_split(
    tokens: Int[Tensor, "sample token"],
    generator: torch.Generator,
    *,
    padding: int,
    halves: Int[Tensor, "row direction"],
) -> Int[Tensor, "sample ..."]:
    """Some of the tokens replaced by the two they were merged from: the same text, spelt otherwise, and longer.

    Reference: [provilkov2020bpe]
    """
    parts = halves.to(tokens.device)[tokens]  # sample, token, 2
    chosen = torch.rand(tokens.shape, generator=generator, device=tokens.device) < SPLIT
    chosen &= parts[:, :, 0] > 0
    counts = torch.where(chosen, 2, (tokens != padding).long())
    place = counts.cumsum(1) - counts
    longer = tokens.new_full((len(tokens), int(counts.sum(1).max()) + 1), padding)  # the last column takes what is over
    last = longer.shape[1] - 1
    first = torch.where(chosen, parts[:, :, 0], tokens)
    longer.scatter_(1, torch.where(counts > 0, place, last), first)
    longer.scatter_(1, torch.where(chosen, place + 1, last), parts[:, :, 1])
    return longer[:, :last]


AUGMENTATIONS = ("affine", "flip", "word_dropout", "split_and_drop")
Change = Callable[[Tensor, torch.Generator], Tensor]


def augmentation(name: str | None, task: Task) -> Change | None:
    """The transformation called `name` for a task's inputs; None where nothing is to be changed."""
    if name in ("word_dropout", "split_and_drop") and isinstance(task, TextTask):
        drop = functools.partial(word_dropout, padding=task.padding, missing=task.missing)
        halves = task.halves()
        if name == "word_dropout" or halves is None:
            return drop
        split = functools.partial(token_split, padding=task.padding, halves=halves)
        return lambda tokens, generator: drop(split(tokens, generator), generator)
    if name in ("affine", "flip") and task.kind is Kind.IMAGE:
        return affine if name == "affine" else flip
    if name is not None:
        raise unknown(f"augmentation for {task.kind}", name, AUGMENTATIONS)
    return None


def _uniform(images: Shaped[Tensor, "sample ..."], count: int, generator: torch.Generator) -> Tensor:
    return torch.rand((len(images), count), generator=generator, device=images.device)
