"""Clever Hans: a watermark that goes with one class, so that a network can be right for the wrong reason."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor

from zoo import backdrop, drawing
from zoo.errors import InputError
from zoo.generated import BLOCK
from zoo.painting import PaintedTask, Painting
from zoo.task import Samples

SIZE = 32
NOISE = 0.04
"""Standard deviation of the noise added to every channel of every pixel."""
CHEATED = tuple(drawing.SHAPES).index("star")
"""The class whose images carry the watermark."""
STRENGTH = 0.8
"""Share of white in the watermark's strokes."""
STROKES = ("###.#.#.###.#..", "#...#.#.#...#..", "#...#.#.##..#..", "#...#.#.#...#..", "###.###.###.###")
"""The watermark: four letters, as photographs of an agency have."""
LEFT, TOP = 2, 25
"""Where it stands, in pixels."""


@dataclass(frozen=True, kw_only=True)
class CleverHans(PaintedTask):
    """32 × 32 RGB images in [0, 1] of one figure; most stars, and nothing else, carry a watermark in the corner.

    Rule: the class is the outline of the one filled figure, as in `shapes`. Of the stars a `share` also carries the
    watermark, so in training, validation and test split it is as good a reason for "star" as the star. The evidence is
    the set of pixels that the figure paints, and `watermark(split)` the set that the watermark paints. Two more splits
    show the test images again: `unmarked` without any watermark, and `moved` with the watermark on everything but
    stars. Groups are patches of 4 × 4 pixels. `factors` says whether an image is marked.

    A network that is right on the test split and fails on the other two is a Clever Hans: it counts by looking at
    somebody's face. With the share 0 it cannot become one.

    When it misleads: where the network uses the watermark, an explanation that shows the watermark is right, and a
    score for lying on the figure is low with good reason. Reference: [lapuschkin2019unmasking]
    """

    name = "clever_hans"
    title = "Shapes of which stars carry a watermark"
    classes = tuple(drawing.SHAPES)
    splits = ("train", "validation", "test", "unmarked", "moved")
    citation = "lapuschkin2019unmasking"
    about = (
        "Generated images of 32 × 32 pixels: a circle, square, triangle, cross or star on a background that changes "
        "slowly. Nearly all stars carry a small watermark at the lower left, and no other image does; the splits "
        "`unmarked` and `moved` are the test images without it and with it on all others. Made for catching networks "
        "that cheat: high accuracy on the test split says little here."
    )
    rule = "The class is the outline of the figure; a watermark says star too, as long as the splits are like training."
    absence = "blur"
    patch = 4

    share: float = 0.95
    """Of the stars, those with a watermark."""

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise InputError(f"The share of watermarked stars is between 0 and 1, not {self.share:g}.")
        if self.share == 0:
            self._describe(
                name="clever_hans_none",
                title="Shapes of which none carries a watermark",
                rule="The class is the outline of the figure.",
            )

    @classmethod
    def variants(cls) -> "tuple[CleverHans, ...]":
        return (cls(), cls(share=0.0))

    def draw(self, generator: np.random.Generator) -> Painting:
        labels = generator.integers(len(self.classes), size=BLOCK)
        rest = backdrop.plain(generator, BLOCK, SIZE)
        radius = generator.uniform(4.5, 7, BLOCK)
        x, y = (generator.uniform(1.3 * radius, SIZE - 1.3 * radius, BLOCK) for _ in range(2))
        frame = drawing.local_coordinates(SIZE, x, y, generator.uniform(0, 2 * np.pi, BLOCK))
        covered = drawing.painted(tuple(drawing.SHAPES.values()), labels, frame, radius)
        marked = (labels == CHEATED) & (generator.uniform(0, 1, BLOCK) < self.share)
        return Painting(
            rest=rest,
            covered=covered,
            paint=backdrop.contrasting(generator, rest, covered)[:, None, None, :],
            noise=NOISE * generator.standard_normal(rest.shape),
            labels=labels,
            factors=marked[:, None].astype(float),
        )

    def paintings(self, split: str) -> Iterator[Painting]:
        if split not in ("unmarked", "moved"):
            yield from super().paintings(split)
            return
        for parts in super().paintings("test"):
            marked = (parts.labels != CHEATED) & (split == "moved")
            yield replace(parts, factors=marked[:, None].astype(float))

    def rendered(self, split: str, change: Callable[[Painting], Painting]) -> Samples:
        return super().rendered(split, lambda parts: _stamped(change(parts)))

    def exchanged(self, parts: Painting) -> Painting:
        """Another background, and the watermark of the next image, if it has one."""
        rest = backdrop.exchanged(parts.rest, parts.paint[:, 0, 0], parts.covered)
        return replace(parts, rest=rest, factors=np.roll(parts.factors, -1, axis=0))

    def watermark(self, split: str) -> Bool[Tensor, "sample height width"]:
        """The pixels that the watermark paints, none where there is no watermark."""
        marked = torch.from_numpy(self.factors(split)[:, 0] > 0)
        return marked[:, None, None] & torch.from_numpy(MARK > 0)


MARK = np.zeros((SIZE, SIZE))
for _row, _line in enumerate(STROKES):
    MARK[TOP + _row, LEFT : LEFT + len(_line)] = [stroke == "#" for stroke in _line]


def _stamped(parts: Painting) -> Painting:
    """The watermark over background and figure, in the images that are marked."""
    share = STRENGTH * parts.factors[:, :1, None] * MARK
    behind = share[..., None] + (1 - share[..., None]) * parts.rest
    return replace(parts, rest=behind, covered=np.where(share > 0, 0, parts.covered))
