"""Augmentation: changes of a training batch that leave its labels true, made on the batch's own device."""

import functools
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor
from torch.nn import functional

from zoo.errors import unknown
from zoo.task import Kind, Task, TextTask
from zoo.warping import mask, warp

ROTATION = 0.17
"""Largest angle in radians, about 10°: a 6 stays a 6."""
SCALE = 0.1
SHEAR = 0.1
SHIFT = 0.15
"""In half images: 0.6 pixels of 8."""
STEP = 0.08
"""Largest shift by whole pixels, in images: 2 pixels of 28, 3 of 32."""
HOLE = 0.375
"""Side of the square that is cut out, in images: 12 pixels of 32."""
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


def mirror(
    images: Float[Tensor, "sample channel height width"], generator: torch.Generator
) -> Float[Tensor, "sample channel height width"]:
    """Each image as it is, or with left and right exchanged."""
    return torch.where((_uniform(images, 1, generator) < 0.5)[..., None, None], images, images.flip(3))


def shift(
    images: Float[Tensor, "sample channel height width"], generator: torch.Generator, *, rim: str = "constant"
) -> Float[Tensor, "sample channel height width"]:
    """Each image moved by whole pixels, each distance alike; what comes in is black ("constant") or the image's own
    rim, mirrored ("reflect")."""
    height, width = images.shape[2:]
    down, right = round(STEP * height), round(STEP * width)
    wide = functional.pad(images, (right, right, down, down), mode=rim)
    moved = (_uniform(images, 2, generator) * torch.tensor((2 * down + 1, 2 * right + 1), device=images.device)).long()
    rows = moved[:, :1] + torch.arange(height, device=images.device)
    columns = moved[:, 1:] + torch.arange(width, device=images.device)
    wide = wide.gather(2, rows[:, None, :, None].expand(-1, images.shape[1], -1, wide.shape[3]))
    return wide.gather(3, columns[:, None, None, :].expand(-1, images.shape[1], height, -1))


def cutout(
    images: Float[Tensor, "sample channel height width"], generator: torch.Generator
) -> Float[Tensor, "sample channel height width"]:
    """Each image with one square of its own mean colour somewhere, so that no single part of it suffices; a square
    near the rim is cut off there. Reference: [devries2017improved]"""
    place = _uniform(images, 2, generator)
    rows, columns = (
        (torch.arange(side, device=images.device) - (middle * side).floor()[:, None]).abs() <= HOLE * side / 2
        for side, middle in zip(images.shape[2:], place.unbind(1), strict=True)
    )
    inside = rows[:, None, :, None] & columns[:, None, None, :]
    return torch.where(inside, images.mean((2, 3), keepdim=True), images)


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


Change = Callable[[Tensor, torch.Generator], Tensor]
IMAGES: dict[str, tuple[Change, ...]] = {
    "affine": (affine,),
    "flip": (flip,),
    "mirror": (mirror,),
    "mirror_and_shift": (mirror, shift),
    "mirror_shift_and_cutout": (mirror, shift, cutout),
}
"""What is done to images, one after the other, by the name under which a recipe asks for it."""
SERIES: dict[str, tuple[Change, ...]] = {"warp": (warp,), "warp_and_mask": (warp, mask)}
"""The same for series whose features are neighbours, such as bands of frequencies."""
AUGMENTATIONS = (*IMAGES, *SERIES, "word_dropout", "split_and_drop")


def augmentation(name: str | None, task: Task) -> Change | None:
    """The transformation called `name` for a task's inputs; None where nothing is to be changed."""
    if name in ("word_dropout", "split_and_drop") and isinstance(task, TextTask):
        drop = functools.partial(word_dropout, padding=task.padding, missing=task.missing)
        halves = task.halves()
        if name == "word_dropout" or halves is None:
            return drop
        split = functools.partial(token_split, padding=task.padding, halves=halves)
        return lambda tokens, generator: drop(split(tokens, generator), generator)
    if name in IMAGES and task.kind is Kind.IMAGE:
        return _in_turn([_on(task, change) for change in IMAGES[name]])
    if name in SERIES and task.kind is Kind.SERIES:
        return _in_turn(SERIES[name])
    if name is not None:
        raise unknown(f"augmentation for {task.kind}", name, AUGMENTATIONS)
    return None


def _on(task: Task, change: Change) -> Change:
    """The change as it is made on a task's images: where black does not mean that nothing is there, none comes in."""
    return change if change is not shift or task.absence == "zero" else functools.partial(shift, rim="reflect")


def _in_turn(changes: Sequence[Change]) -> Change:
    def change(images: Tensor, generator: torch.Generator) -> Tensor:
        for each in changes:
            images = each(images, generator)
        return images

    return change


def _uniform(images: Shaped[Tensor, "sample ..."], count: int, generator: torch.Generator) -> Tensor:
    return torch.rand((len(images), count), generator=generator, device=images.device)
