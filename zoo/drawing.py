"""Drawing: shapes as signed distances on a grid of pixels, so that edges are smooth and masks exact.

Everything is drawn for many images at once: a parameter has one number per image, a result one plane per image.
"""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float, Int

Plane = Float[np.ndarray, "sample height width"]
Number = Float[np.ndarray, "sample"]
Outline = Callable[[Plane, Plane, Number], Plane]
"""From a pixel's coordinates in the figure's frame and its radius to the signed distance from its edge."""
FAINTEST = 0.05
"""A pixel covered by less is not painted at all, so that the mask of a shape is exactly where it was painted."""


def local_coordinates(size: int, x: Number, y: Number, angle: Number) -> tuple[Plane, Plane]:
    """Coordinates of every pixel's centre in the frame of an object at (x, y) turned by `angle`, in pixels."""
    centres = np.arange(size) + 0.5
    right = centres[None, None, :] - x[:, None, None]
    down = centres[None, :, None] - y[:, None, None]
    cosine, sine = np.cos(angle)[:, None, None], np.sin(angle)[:, None, None]
    return cosine * right + sine * down, cosine * down - sine * right


def coverage(distance: Plane) -> Plane:
    """The share of each pixel that an outline covers, from the signed distance of its centre (negative inside)."""
    share = np.clip(0.5 - distance, 0, 1)
    return np.where(share < FAINTEST, 0, share)


def circle(u: Plane, v: Plane, radius: Number) -> Plane:
    """Signed distance to a disc of 0.95 of the radius, so that all shapes are about as large."""
    return np.hypot(u, v) - 0.95 * radius[:, None, None]


def square(u: Plane, v: Plane, radius: Number) -> Plane:
    """Signed distance to a square (in its corners, to the farther of its sides)."""
    return _box(u, v, 0.85 * radius, 0.85 * radius)


def triangle(u: Plane, v: Plane, radius: Number) -> Plane:
    """Equilateral: below all three of the lines that bound it."""
    inner = 0.62 * radius[:, None, None]
    turns = 2 * np.pi * np.arange(3) / 3
    return np.max([np.cos(t) * u + np.sin(t) * v for t in turns], axis=0) - inner


def cross(u: Plane, v: Plane, radius: Number) -> Plane:
    """Two bars at right angles."""
    long, short = 1.1 * radius, 0.36 * radius
    return np.minimum(_box(u, v, long, short), _box(u, v, short, long))


def star(u: Plane, v: Plane, radius: Number) -> Plane:
    """Five points: the plane is folded into one tenth of the star, where the outline is one straight line."""
    tip, notch = 1.25, 0.52
    fold = np.abs((np.arctan2(v, u) + np.pi / 5) % (2 * np.pi / 5) - np.pi / 5)
    length = np.hypot(u, v) / radius[:, None, None]
    across, along = length * np.cos(fold) - tip, length * np.sin(fold)
    edge = np.array([notch * np.cos(np.pi / 5) - tip, notch * np.sin(np.pi / 5)])
    outward = np.array([edge[1], -edge[0]]) / np.hypot(*edge)
    return (across * outward[0] + along * outward[1]) * radius[:, None, None]


def heart(u: Plane, v: Plane, radius: Number) -> Plane:
    """A square on its corner with a disc on each of its two upper sides."""
    side = 0.62 * radius[:, None, None]
    down = v - 0.1 * radius[:, None, None]
    across, along = (u + down) / np.sqrt(2), (down - u) / np.sqrt(2)
    block = np.maximum(np.abs(across), np.abs(along)) - side
    discs = np.minimum(np.hypot(across, along + side), np.hypot(across + side, along)) - side
    return np.minimum(block, discs)


def ellipse(u: Plane, v: Plane, radius: Number) -> Plane:
    """1.15 × 0.65 of the radius; the distance is right to first order, which is what an edge needs."""
    wide, high = 1.15 * radius[:, None, None], 0.65 * radius[:, None, None]
    inside = np.hypot(u / wide, v / high)
    return inside * (inside - 1) / np.maximum(np.hypot(u / wide**2, v / high**2), 1e-9)


def ring(u: Plane, v: Plane, radius: Number) -> Plane:
    """Closed, and broad enough to be seen."""
    return np.abs(np.hypot(u, v) - 0.75 * radius[:, None, None]) - 0.24 * radius[:, None, None]


def moon(u: Plane, v: Plane, radius: Number) -> Plane:
    """A disc from which another was cut."""
    size = radius[:, None, None]
    return np.maximum(np.hypot(u, v) - size, 0.85 * size - np.hypot(u - 0.55 * size, v))


def arrow(u: Plane, v: Plane, radius: Number) -> Plane:
    """Upwards: a triangle on a bar."""
    size = radius[:, None, None]
    head = np.maximum((np.abs(u) - 0.9 * (v + size)) / np.hypot(1, 0.9), v - 0.05 * size)
    bar = np.maximum(np.abs(u) - 0.3 * size, np.abs(v - 0.3 * size) - 0.7 * size)
    return np.minimum(head, bar)


def hourglass(u: Plane, v: Plane, radius: Number) -> Plane:
    """Two triangles that meet in the middle."""
    size = radius[:, None, None]
    return np.maximum((np.abs(u) - 0.8 * np.abs(v) - 0.12 * size) / np.hypot(1, 0.8), np.abs(v) - 0.9 * size)


def painted(
    outlines: Sequence[Outline], which: Int[np.ndarray, "sample"], frame: tuple[Plane, Plane], radius: Number
) -> Plane:
    """The share of each pixel that a figure covers, whose outline is another in every image."""
    covered = np.zeros_like(frame[0])
    for index, outline in enumerate(outlines):
        rows = which == index
        covered[rows] = coverage(outline(frame[0][rows], frame[1][rows], radius[rows]))
    return covered


SHAPES = {"circle": circle, "square": square, "triangle": triangle, "cross": cross, "star": star}
OBJECTS = SHAPES | {"heart": heart, "ring": ring, "moon": moon, "arrow": arrow, "hourglass": hourglass}
SPRITES = {"square": square, "ellipse": ellipse, "heart": heart}


def line(u: Plane, v: Plane, length: Number, width: Number) -> Plane:
    """Coverage of a straight stroke."""
    return coverage(_box(u, v, length / 2, width / 2))


def half_ring(u: Plane, v: Plane, radius: Number, width: Number) -> Plane:
    """Coverage of half of a ring: round, but open."""
    ring = np.abs(np.hypot(u, v) - radius[:, None, None]) - width[:, None, None] / 2
    return coverage(np.maximum(ring, u))


def blob(u: Plane, v: Plane, length: Number, width: Number) -> Plane:
    """Coverage of a cloud without an edge."""
    return np.exp(-((u / length[:, None, None]) ** 2 + (v / width[:, None, None]) ** 2) / 2)


def stripes(u: Plane, v: Plane, extent: Number, period: Number) -> Plane:
    """Coverage of a patch of waves that fades out around its middle."""
    waves = 0.5 + 0.5 * np.sin(2 * np.pi * u / period[:, None, None])
    return waves * blob(u, v, extent, extent)


def texture(
    generator: np.random.Generator, count: int, size: int, coarse: int
) -> Float[np.ndarray, "sample height width channel"]:
    """Smooth random colour: noise on a coarse grid, interpolated linearly."""
    places = np.linspace(0, coarse - 1, size)
    weights = np.maximum(0, 1 - np.abs(places[:, None] - np.arange(coarse)[None, :]))  # one row per pixel
    noise = generator.standard_normal((count, coarse, coarse, 3))
    return np.einsum("hi,nijc,wj->nhwc", weights, noise, weights, optimize=True)


def _box(u: Plane, v: Plane, half_length: Number, half_width: Number) -> Plane:
    return np.maximum(np.abs(u) - half_length[:, None, None], np.abs(v) - half_width[:, None, None])
