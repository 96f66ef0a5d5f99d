"""Textures: ten patterns that fill an image, each as the share of the second of its two colours at every pixel."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

Plane = Float[np.ndarray, "sample height width"]
Number = Float[np.ndarray, "sample"]


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What a texture is drawn on; each takes of it what it needs."""

    u: Plane
    """Along the pattern, in pixels."""
    v: Plane
    """Across it."""
    period: Number
    """The distance after which the pattern repeats, in pixels."""
    noise: Plane
    """Independent normal numbers, for patterns without an order."""

    @property
    def turns(self) -> tuple[Plane, Plane]:
        """Both coordinates as angles, a full turn per period."""
        return 2 * np.pi * self.u / self.step, 2 * np.pi * self.v / self.step

    @property
    def step(self) -> Float[np.ndarray, "sample 1 1"]:
        """The period, to be combined with planes."""
        return self.period[:, None, None]


Texture = Callable[[Ground], Plane]


def stripes(ground: Ground) -> Plane:
    """Straight, as broad as the gaps between them."""
    return _edge(np.sin(ground.turns[0]))


def zigzag(ground: Ground) -> Plane:
    """Stripes that are bent to and fro."""
    bend = np.abs((ground.v / (1.6 * ground.step)) % 1 - 0.5) * 1.6 * ground.step
    return _edge(np.sin(2 * np.pi * (ground.u + bend) / ground.step))


def checks(ground: Ground) -> Plane:
    """Squares of both colours in turn."""
    return _edge(4 * np.sin(ground.turns[0]) * np.sin(ground.turns[1]))


def dots(ground: Ground) -> Plane:
    """Discs on a square lattice."""
    return _edge(2.5 * (np.cos(ground.turns[0]) + np.cos(ground.turns[1]) - 0.7))


def grid(ground: Ground) -> Plane:
    """Thin lines in two directions."""
    return _edge(4 * (np.maximum(np.cos(ground.turns[0]), np.cos(ground.turns[1])) - 0.75))


def bricks(ground: Ground) -> Plane:
    """Oblongs in rows, each row shifted by half of one."""
    row = np.floor(ground.v / ground.step)
    shifted = ground.u / (2 * ground.step) + 0.5 * (row % 2)
    upright = np.abs(shifted % 1 - 0.5) * 2 * ground.step
    level = np.abs((ground.v / ground.step) % 1 - 0.5) * ground.step
    gap = np.minimum(ground.step - upright, 0.5 * ground.step - level)
    return np.clip(1.3 - gap, 0, 1)


def rings(ground: Ground) -> Plane:
    """Circles around one point."""
    return _edge(np.sin(2 * np.pi * np.hypot(ground.u, ground.v) / ground.step))


def rays(ground: Ground) -> Plane:
    """Sectors around one point, seven of each colour."""
    return _edge(3 * np.sin(7 * np.arctan2(ground.v, ground.u)))


def clouds(ground: Ground) -> Plane:
    """Soft blots: noise smoothed over half a period of 6 pixels."""
    return np.clip(0.5 + 0.4 * _smooth(ground.noise, 3), 0, 1)


def grain(ground: Ground) -> Plane:
    """Specks of about one pixel."""
    return np.clip(0.5 + 0.4 * ground.noise, 0, 1)


TEXTURES: dict[str, Texture] = {
    "stripes": stripes,
    "zigzag": zigzag,
    "checks": checks,
    "dots": dots,
    "grid": grid,
    "bricks": bricks,
    "rings": rings,
    "rays": rays,
    "clouds": clouds,
    "grain": grain,
}


def _edge(wave: Plane) -> Plane:
    """0 below, 1 above, with an edge that is about a pixel wide where the wave swings by one in three pixels."""
    return np.clip(0.5 + 1.2 * wave, 0, 1)


def _smooth(noise: Plane, sigma: float) -> Plane:
    """Gaussian blur by a matrix over rows and one over columns, scaled to a deviation of about one."""
    place = np.arange(noise.shape[1])
    kernel = np.exp(-(((place[:, None] - place[None, :]) / sigma) ** 2) / 2)
    kernel /= np.linalg.norm(kernel, axis=1, keepdims=True)
    return np.einsum("hi,nij,wj->nhw", kernel, noise, kernel, optimize=True)
