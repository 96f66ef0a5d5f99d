"""Scene and object: the same pixels under two questions, so that what matters for one is in the way of the other."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Int

from zoo import backdrop, drawing
from zoo.errors import InputError
from zoo.generated import BLOCK
from zoo.painting import Image, PaintedTask, Painting
from zoo.task import Samples
from zoo.textures import TEXTURES, Ground

SIZE = 32
NOISE = 0.03
"""Standard deviation of the noise added to every channel of every pixel."""
ABOUT = (
    "Generated images of 32 × 32 pixels: one of ten objects, with a random colour, size, place and tilt, lies on one "
    "of ten textures of random colours, direction and period. Object and texture are drawn independently. The same "
    "images, bit for bit, are asked for the object in scene_object_object and for the texture in scene_object_scene: "
    "two networks with equal inputs should be explained by different pixels. Splits come from different seeds."
)


@dataclass(frozen=True, kw_only=True)
class SceneObject(PaintedTask):
    """32 × 32 RGB images in [0, 1] of an object on a texture; `asked` says which of the two is the class.

    Rule: the class is the object's outline, or the texture. The evidence is the set of pixels that the object paints,
    or all others. The best possible accuracy is close to 100 % for both. Groups are patches of 4 × 4 pixels. `factors`
    gives the index of the object and that of the scene for each image.

    A set after the idea of BAM, rebuilt from procedural scenes and outlines instead of photographs: attributions to the
    object's pixels should be higher for a network that was asked for the object than for one asked for the scene, which
    needs no truth about single pixels.

    A pixel on the object's edge shows both and is evidence for both.

    When it misleads: any part of the scene is enough to tell a texture, so an attribution that covers little of the
    scene can be right; and the object's outline is seen against the scene just outside the evidence.
    Reference: [yang2019benchmarking]
    """

    name = "scene_object"
    title = "Objects on scenes"
    classes = tuple(drawing.OBJECTS)
    citation = "yang2019benchmarking"
    about = ABOUT
    absence = "blur"  # no colour means that nothing is there
    patch = 4

    asked: str = "object"
    """What the label is of: "object" or "scene"."""
    train: int = 10000

    def __post_init__(self) -> None:
        if self.asked not in ("object", "scene"):
            raise InputError(f"Objects on scenes can be asked for the 'object' or the 'scene', not {self.asked!r}.")
        objects = self.asked == "object"
        self._describe(
            name=f"scene_object_{self.asked}",
            title=f"Objects on scenes, asked for the {self.asked}",
            classes=tuple(drawing.OBJECTS) if objects else tuple(TEXTURES),
            rule="The class is the outline of the one filled object; the texture behind it says nothing."
            if objects
            else "The class is the texture that fills the image; the object on it says nothing.",
        )

    @classmethod
    def variants(cls) -> "tuple[SceneObject, ...]":
        return (cls(asked="object"), cls(asked="scene"))

    def draw(self, generator: np.random.Generator) -> Painting:
        texture, figure = (generator.integers(10, size=BLOCK) for _ in range(2))
        scene = _scene(generator, texture)
        radius = generator.uniform(7, 9.5, BLOCK)
        x, y = (generator.uniform(1.15 * radius, SIZE - 1.15 * radius, BLOCK) for _ in range(2))
        frame = drawing.local_coordinates(SIZE, x, y, generator.uniform(-0.25, 0.25, BLOCK))
        covered = drawing.painted(tuple(drawing.OBJECTS.values()), figure, frame, radius)
        parts = Painting(
            rest=scene,
            covered=covered,
            paint=backdrop.contrasting(generator, scene, covered)[:, None, None, :],
            noise=NOISE * generator.standard_normal(scene.shape),
            labels=figure,
            factors=np.stack((figure, texture), axis=1).astype(float),
        )
        return parts if self.asked == "object" else _turned(parts)

    def without_evidence(self, split: str) -> Samples:
        """The same images without the object; of scenes, the same objects on the mean colour of their scene."""
        if self.asked == "object":
            return super().without_evidence(split)
        return self.rendered(split, lambda parts: replace(parts, paint=parts.paint.mean((1, 2), keepdims=True)))

    def exchanged(self, parts: Painting) -> Painting:
        if self.asked == "scene":
            return replace(parts, rest=np.roll(parts.rest, -1, axis=0), covered=np.roll(parts.covered, -1, axis=0))
        colour = parts.paint[:, 0, 0]
        return replace(parts, rest=backdrop.exchanged(parts.rest, colour, parts.covered))


def _scene(generator: np.random.Generator, texture: Int[np.ndarray, "sample"]) -> Image:
    """Textures of two colours, which differ enough to be seen and so little that an object can stand out from both."""
    first = generator.uniform(0.25, 0.75, (BLOCK, 1, 1, 3))
    step = generator.standard_normal((BLOCK, 1, 1, 3))
    step *= generator.uniform(0.25, 0.4, (BLOCK, 1, 1, 1)) / np.linalg.norm(step, axis=3, keepdims=True)
    period = generator.uniform(4.5, 7, BLOCK)
    x, y = generator.uniform(0.2 * SIZE, 0.8 * SIZE, (2, BLOCK))
    frame = drawing.local_coordinates(SIZE, x, y, generator.uniform(0, 2 * np.pi, BLOCK))
    noise = generator.standard_normal((BLOCK, SIZE, SIZE))
    share = np.zeros_like(noise)
    for index, pattern in enumerate(TEXTURES.values()):
        rows = texture == index
        share[rows] = pattern(Ground(u=frame[0][rows], v=frame[1][rows], period=period[rows], noise=noise[rows]))
    return np.clip(first + (share[..., None] - 0.5) * step, 0.05, 0.95)


def _turned(parts: Painting) -> Painting:
    """The same images with the scene as the evidence and the object as the rest."""
    size = parts.rest.shape
    return replace(
        parts,
        rest=np.broadcast_to(parts.paint, size),
        covered=1 - parts.covered,
        paint=parts.rest,
        labels=parts.factors[:, 1].astype(np.int64),
    )
