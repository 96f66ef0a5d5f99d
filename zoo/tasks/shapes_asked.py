"""A shape that is asked for: three figures, and a frame whose colour says which of them is meant."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int

from zoo import drawing
from zoo.generated import BLOCK
from zoo.painting import Image, Paint, PaintedTask, Painting, Plane

SIZE = 32
FRAME = 2
"""Width of the frame in pixels."""
NOISE = 0.03
"""Standard deviation of the noise added to every channel of every pixel."""
COLOURS = {"red": (0.85, 0.2, 0.2), "yellow": (0.9, 0.8, 0.2), "blue": (0.2, 0.4, 0.9)}


@dataclass(frozen=True, kw_only=True)
class ShapesAsked(PaintedTask):
    """32 × 32 RGB images in [0, 1] of a red, a yellow and a blue figure in a frame of one of these colours.

    Rule: the class is the outline of the figure that has the frame's colour. The other two figures are of the same
    kind and size, and their outlines are drawn independently. The evidence is the set of pixels of the figure that is
    asked for, the truth "single object" of CLEVR-XAI; the question itself, the frame, is `question()`. The best
    possible accuracy is close to 100 %. Groups are patches of 4 × 4 pixels. `factors` gives the colour that is asked
    for, the quarter in which its figure lies, and the outlines of the red, the yellow and the blue figure, each as an
    index.

    When it misleads: without the frame nobody could answer, so an attribution to the frame is not wrong; it is an
    answer to another question, namely which figure. Reference: [arras2022clevr]
    """

    name = "shapes_asked"
    title = "Shapes, one of which is asked for"
    classes = tuple(drawing.SHAPES)
    citation = "arras2022clevr"
    about = (
        "Generated images of 32 × 32 pixels: a red, a yellow and a blue figure (circle, square, triangle, cross or "
        "star) in a frame whose colour asks for one of them: the class is that one's outline. The other two are "
        "distractors that differ by nothing but their colour. Chance is 20 %. Splits come from different seeds."
    )
    rule = "The class is the outline of the figure that has the colour of the frame."
    absence = "blur"
    patch = 4

    def draw(self, generator: np.random.Generator) -> Painting:
        asked = generator.integers(len(COLOURS), size=BLOCK)
        outlines = generator.integers(len(drawing.SHAPES), size=(BLOCK, len(COLOURS)))
        cells = generator.permuted(np.tile(np.arange(4), (BLOCK, 1)), axis=1)
        rest = _over(_ground(generator), FRAMED, _hue(generator, asked))
        covered, paint = np.zeros((BLOCK, SIZE, SIZE)), np.zeros((BLOCK, 1, 1, 3))
        for index in range(len(COLOURS)):
            figure = _figure(generator, cells[:, index], outlines[:, index])
            hue = _hue(generator, np.full(BLOCK, index))
            meant = (asked == index)[:, None, None]
            covered = np.where(meant, figure, covered)
            paint = np.where(meant[..., None], hue, paint)
            rest = _over(rest, np.where(meant, 0, figure), hue)
        rows = np.arange(BLOCK)
        return Painting(
            rest=rest,
            covered=covered,
            paint=paint,
            noise=NOISE * generator.standard_normal(rest.shape),
            labels=outlines[rows, asked],
            factors=np.column_stack((asked, cells[rows, asked], outlines)).astype(float),
        )

    def exchanged(self, parts: Painting) -> Painting:
        """Every image with the rest of the next one in its block that asks for the same colour in the same cell."""
        kind = parts.factors[:, 0] * 4 + parts.factors[:, 1]
        source = np.arange(len(kind))
        for each in np.unique(kind):
            rows = np.flatnonzero(kind == each)
            source[rows] = np.roll(rows, -1)
        return replace(parts, rest=parts.rest[source])

    @staticmethod
    def question() -> Bool[np.ndarray, "height width"]:
        """The pixels of the frame, which are the same in every image."""
        return FRAMED > 0


FRAMED = np.pad(np.zeros((SIZE - 2 * FRAME, SIZE - 2 * FRAME)), FRAME, constant_values=1.0)


def _over(behind: Image, share: Float[np.ndarray, "..."], colour: Paint) -> Image:
    return share[..., None] * colour + (1 - share[..., None]) * behind


def _hue(generator: np.random.Generator, which: Int[np.ndarray, "sample"]) -> Paint:
    """One of the three colours per image, a little off."""
    exact = np.array(tuple(COLOURS.values()))[which][:, None, None, :]
    return np.clip(exact + generator.uniform(-0.08, 0.08, exact.shape), 0, 1)


def _ground(generator: np.random.Generator) -> Image:
    """Grey, lighter or darker, with smooth texture, so that only figures and frame have a colour."""
    level = generator.uniform(0.3, 0.6, (BLOCK, 1, 1, 1))
    return level + 0.04 * drawing.texture(generator, BLOCK, SIZE, 9)


def _figure(
    generator: np.random.Generator, cell: Int[np.ndarray, "sample"], outline: Int[np.ndarray, "sample"]
) -> Plane:
    """An outline somewhere in one of the four quarters within the frame."""
    width = (SIZE - 2 * FRAME) / 2
    radius = generator.uniform(4.2, 5.2, BLOCK)
    room = width / 2 - 1.3 * radius
    x = FRAME + (cell % 2 + 0.5) * width + room * generator.uniform(-1, 1, BLOCK)
    y = FRAME + (cell // 2 + 0.5) * width + room * generator.uniform(-1, 1, BLOCK)
    frame = drawing.local_coordinates(SIZE, x, y, generator.uniform(0, 2 * np.pi, BLOCK))
    return drawing.painted(tuple(drawing.SHAPES.values()), outline, frame, radius)
