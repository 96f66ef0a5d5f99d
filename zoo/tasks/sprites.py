"""Sprites: images made from five factors, each of which can be read off and changed alone."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Int

from zoo import drawing
from zoo.errors import unknown
from zoo.generated import BLOCK
from zoo.painting import PaintedTask, Painting, Plane
from zoo.task import Samples

SIZE = 32
NOISE = 0.03
"""Standard deviation of the noise added to every pixel."""
FACTORS = ("shape", "scale", "rotation", "x", "y")
LEVELS = (len(drawing.SPRITES), 6, 40, 32, 32)
"""How many values each factor takes: 737,280 combinations."""
LARGEST = 7.0
"""Radius in pixels at full scale; the smallest is half of it."""
MARGIN = 9.0
"""Pixels between the edge of the image and the nearest centre."""


@dataclass(frozen=True, kw_only=True)
class Sprites(PaintedTask):
    """32 × 32 grey images in [0, 1] of one bright sprite on dim clouds.

    Rule: the class is the sprite's outline (square, ellipse or heart). Its scale (6 values from 0.5 to 1), rotation (40
    in a full turn), x and y (32 each) are drawn independently and say nothing. The evidence is the set of pixels that
    the sprite paints. The best possible accuracy is close to 100 %. Groups are patches of 4 × 4 pixels.

    `factors(split)` gives the index of each factor, in the order of `FACTORS`, so that a probe or a concept has exact
    labels; `changed(split, factor)` draws the same images with one factor altered and nothing else, clouds and noise
    included. After dSprites, with half the resolution and a background that is not empty.

    When it misleads: a square turned by a quarter, or an ellipse by a half, is the same image, so rotation cannot be
    read off those fully. Reference: [matthey2017dsprites]
    """

    name = "sprites"
    title = "Sprites with known factors"
    classes = tuple(drawing.SPRITES)
    citation = "matthey2017dsprites"
    about = (
        "Generated grey images of 32 × 32 pixels: one bright square, ellipse or heart on dim clouds. Shape, scale, "
        "rotation and place are independent factors that are kept for every image, and each can be changed alone. "
        "Splits come from different seeds; the same combination of factors may be in two of them, on other clouds."
    )
    rule = "The class is the outline of the bright sprite; its scale, rotation and place say nothing."
    patch = 4

    def draw(self, generator: np.random.Generator) -> Painting:
        factors = np.stack([generator.integers(count, size=BLOCK) for count in LEVELS], axis=1)
        clouds = drawing.texture(generator, BLOCK, SIZE, 7)[..., :1]
        return Painting(
            rest=np.clip(0.15 + 0.08 * clouds, 0, 0.4),
            covered=_sprite(factors),
            paint=np.full((BLOCK, 1, 1, 1), 0.9),
            noise=NOISE * generator.standard_normal(clouds.shape),
            labels=factors[:, 0],
            factors=factors.astype(float),
        )

    def changed(self, split: str, factor: str) -> Samples:
        """The samples of a split in which one factor has another of its values, each as likely, and all else is as it
        was: clouds, noise and the other factors. Changing the shape changes the label."""
        if factor not in FACTORS:
            raise unknown("factor", factor, FACTORS)
        column = FACTORS.index(factor)
        generator = np.random.default_rng((self.seed, len(self.splits) + self.splits.index(split), column))
        levels = LEVELS[column]

        def altered(parts: Painting) -> Painting:
            factors = parts.factors.astype(np.int64)
            steps = generator.integers(1, levels, size=BLOCK)[: len(factors)]
            factors[:, column] = (factors[:, column] + steps) % levels
            return replace(parts, covered=_sprite(factors), labels=factors[:, 0], factors=factors.astype(float))

        return self.rendered(split, altered)


def _sprite(factors: Int[np.ndarray, "sample factor"]) -> Plane:
    """The share of each pixel that the sprite covers."""
    shape, scale, rotation, right, down = factors.T
    radius = LARGEST * (0.5 + 0.5 * scale / (LEVELS[1] - 1))
    x, y = (MARGIN + (SIZE - 2 * MARGIN) * place / (LEVELS[3] - 1) for place in (right, down))
    frame = drawing.local_coordinates(SIZE, x, y, 2 * np.pi * rotation / LEVELS[2])
    return drawing.painted(tuple(drawing.SPRITES.values()), shape, frame, radius)
