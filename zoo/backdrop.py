"""Backdrops: what is painted behind a figure, and the colours that can be told from it."""

import numpy as np
from jaxtyping import Float

from zoo import drawing

CLUTTER = 4
"""Most distractors in an image."""
LEAST_CONTRAST = 0.45
"""Euclidean distance in RGB between a figure and the mean of what it covers."""

Image = Float[np.ndarray, "sample height width channel"]
Plane = Float[np.ndarray, "sample height width"]
Colour = Float[np.ndarray, "sample channel"]


def plain(generator: np.random.Generator, count: int, size: int) -> Image:
    """A colour that changes slowly over the image, and smooth texture."""
    base = generator.uniform(0.2, 0.8, (count, 1, 1, 3))
    slope = generator.uniform(-0.2, 0.2, (count, 2, 3)) / size
    place = np.arange(size) - size / 2
    across, down = place[None, None, :, None], place[None, :, None, None]
    return (
        base
        + down * slope[:, None, None, 0]
        + across * slope[:, None, None, 1]
        + 0.06 * drawing.texture(generator, count, size, 9)
    )


def cluttered(generator: np.random.Generator, count: int, size: int) -> Image:
    """A plain backdrop, and on it up to four distractors one over the other."""
    image = plain(generator, count, size)
    for _ in range(CLUTTER):
        share = distractor(generator, count, size)[..., None]
        colour = generator.uniform(0.1, 0.9, (count, 1, 1, 3))
        image = share * colour + (1 - share) * image
    return np.clip(image, 0.1, 0.9)


def distractor(generator: np.random.Generator, count: int, size: int) -> Plane:
    """For each image one cloud, stroke, half ring, patch of waves, or nothing: the share of each pixel it covers."""
    x, y = generator.uniform(0, size, (2, count))
    angle = generator.uniform(0, 2 * np.pi, count)
    long, short = generator.uniform(0, 1, (2, count))
    strength = generator.uniform(0.4, 0.9, count)
    kind = generator.integers(5, size=count)
    share = np.zeros((count, size, size))
    drawn = (
        (drawing.blob, 3 + 4 * long, 2 + 2 * short),
        (drawing.line, 8 + 20 * long, 0.8 + 1.2 * short),
        (drawing.half_ring, 3 + 5 * long, 0.8 + 1.2 * short),
        (drawing.stripes, 4 + 4 * long, 2.5 + 3 * short),
    )
    for index, (draw, first, second) in enumerate(drawn):
        rows = kind == index
        u, v = drawing.local_coordinates(size, x[rows], y[rows], angle[rows])
        share[rows] = strength[rows, None, None] * draw(u, v, first[rows], second[rows])
    return share


def contrasting(generator: np.random.Generator, behind: Image, covered: Plane) -> Colour:
    """A colour per image that can be told from the mean of what it will cover: the first of 32 that is far enough."""
    mean = mean_below(behind, covered)
    candidates = generator.uniform(0.05, 0.95, (len(mean), 32, 3))
    enough = np.linalg.norm(candidates - mean[:, None], axis=2) >= LEAST_CONTRAST
    return candidates[np.arange(len(mean)), enough.argmax(1)]


def exchanged(behind: Image, colour: Colour, covered: Plane) -> Image:
    """For each image the backdrop of the first image after it, in its block, from which its colour can be told."""
    chosen = np.roll(behind, -1, axis=0)
    for step in range(2, len(chosen)):
        contrast = np.linalg.norm(colour - mean_below(chosen, covered), axis=1)
        poor = contrast < LEAST_CONTRAST
        if not poor.any():
            break
        chosen[poor] = np.roll(behind, -step, axis=0)[poor]
    return chosen


def mean_below(behind: Image, covered: Plane) -> Colour:
    """The mean colour of the pixels that a figure paints."""
    painted = covered > 0
    return np.einsum("nhwc,nhw->nc", behind, painted) / painted.sum((1, 2))[:, None]
