"""Shapes: generated images whose reason is known pixel by pixel."""

from dataclasses import dataclass, replace

import numpy as np

from zoo import backdrop, drawing
from zoo.generated import BLOCK
from zoo.painting import PaintedTask, Painting

SIZE = 32
NOISE = 0.04
"""Standard deviation of the noise added to every channel of every pixel."""


@dataclass(frozen=True, kw_only=True)
class Shapes(PaintedTask):
    """32 × 32 RGB images in [0, 1] with one shape, which is the class, over distractors, texture and noise.

    Rule: the class is the outline of the one sharp, filled figure. Its place, size, rotation and colour say nothing;
    nor do the distractors (clouds, strokes, half rings, waves, a gradient), which are drawn without regard to it. The
    evidence is the set of pixels that the shape paints. The best possible accuracy is close to 100 %. Groups are
    patches of 4 × 4 pixels, 64 of them.

    When it misleads: an outline is seen against what surrounds it, so a network may rightly use a rim of pixels just
    outside the evidence. Reference: [arras2022clevr]
    """

    name = "shapes"
    title = "Shapes with planted evidence"
    classes = tuple(drawing.SHAPES)
    citation = "arras2022clevr"
    about = (
        "Generated images of 32 × 32 pixels: one circle, square, triangle, cross or star of random place, size, "
        "rotation and colour, over clouds, strokes, half rings, waves and noise that say nothing about the class. "
        "Which pixels the shape paints is known, so an explanation can be right or wrong. Splits come from different "
        "seeds."
    )
    absence = "blur"  # black is a colour like any other here, and black pixels on clouds are unlike any image
    patch = 4

    def draw(self, generator: np.random.Generator) -> Painting:
        rest = backdrop.cluttered(generator, BLOCK, SIZE)
        labels = generator.integers(len(drawing.SHAPES), size=BLOCK)
        radius = generator.uniform(5, 8, BLOCK)
        x, y = (generator.uniform(1.3 * radius, SIZE - 1.3 * radius, BLOCK) for _ in range(2))
        frame = drawing.local_coordinates(SIZE, x, y, generator.uniform(0, 2 * np.pi, BLOCK))
        covered = drawing.painted(tuple(drawing.SHAPES.values()), labels, frame, radius)
        return Painting(
            rest=rest,
            covered=covered,
            paint=backdrop.contrasting(generator, rest, covered)[:, None, None, :],
            noise=NOISE * generator.standard_normal(rest.shape),
            labels=labels,
            factors=np.zeros((BLOCK, 0)),
        )

    def exchanged(self, parts: Painting) -> Painting:
        """Another background on which the figure's colour can be told."""
        return replace(parts, rest=backdrop.exchanged(parts.rest, parts.paint[:, 0, 0], parts.covered))
