"""All shapes: how many figures there are, so that every one of them is a reason."""

from dataclasses import dataclass, replace

import numpy as np

from zoo import backdrop, drawing
from zoo.generated import BLOCK
from zoo.painting import PaintedTask, Painting, Plane

SIZE = 32
SIDE = 3
"""Cells in a row; a figure lies in a cell of its own, so that no two touch."""
MOST = 4
NOISE = 0.04
"""Standard deviation of the noise added to every channel of every pixel."""


@dataclass(frozen=True, kw_only=True)
class ShapesAll(PaintedTask):
    """32 × 32 RGB images in [0, 1] of one to four figures; the class is how many they are.

    Rule: the class is the number of sharp, filled figures. Their outlines, places, sizes and rotations say nothing; all
    figures of an image have one colour, which says nothing either. The evidence is the set of pixels that any of the
    figures paints: the truth "all objects" of CLEVR-XAI, where `shapes_asked` has "single object". The best possible
    accuracy is close to 100 %. Groups are patches of 4 × 4 pixels. `factors` has no columns.

    When it misleads: a count is a sum, to which each figure adds the same; an attribution that finds one figure of
    three and nothing else has no false place, but misses two thirds of the reason. Reference: [arras2022clevr]
    """

    name = "shapes_all"
    title = "Shapes, counted"
    classes = ("one", "two", "three", "four")
    citation = "arras2022clevr"
    about = (
        "Generated images of 32 × 32 pixels: one to four figures of one random colour and any outlines (circle, "
        "square, triangle, cross, star) on a background that changes slowly. How many there are is the class, so every "
        "figure is evidence. Chance is 25 %. Splits come from different seeds."
    )
    rule = "The class is how many filled figures there are; which outlines they have says nothing."
    absence = "blur"
    patch = 4

    def draw(self, generator: np.random.Generator) -> Painting:
        labels = generator.integers(MOST, size=BLOCK)
        rest = backdrop.plain(generator, BLOCK, SIZE)
        cells = generator.permuted(np.tile(np.arange(SIDE**2), (BLOCK, 1)), axis=1)
        covered = np.zeros((BLOCK, SIZE, SIZE))
        for number in range(MOST):
            figure = _figure(generator, cells[:, number])
            covered = np.where((number <= labels)[:, None, None], np.maximum(covered, figure), covered)
        return Painting(
            rest=rest,
            covered=covered,
            paint=backdrop.contrasting(generator, rest, covered)[:, None, None, :],
            noise=NOISE * generator.standard_normal(rest.shape),
            labels=labels,
            factors=np.zeros((BLOCK, 0)),
        )

    def exchanged(self, parts: Painting) -> Painting:
        return replace(parts, rest=backdrop.exchanged(parts.rest, parts.paint[:, 0, 0], parts.covered))


def _figure(generator: np.random.Generator, cell: np.ndarray) -> Plane:
    """Any outline somewhere in a cell of each image."""
    width = SIZE / SIDE
    radius = generator.uniform(2.8, 3.3, BLOCK)
    room = width / 2 - 1.3 * radius - 1  # a pixel on either side is always free
    x = (cell % SIDE + 0.5) * width + room * generator.uniform(-1, 1, BLOCK)
    y = (cell // SIDE + 0.5) * width + room * generator.uniform(-1, 1, BLOCK)
    frame = drawing.local_coordinates(SIZE, x, y, generator.uniform(0, 2 * np.pi, BLOCK))
    outlines = tuple(drawing.SHAPES.values())
    return drawing.painted(outlines, generator.integers(len(outlines), size=BLOCK), frame, radius)
