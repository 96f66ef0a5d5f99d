"""Digits row by row: real handwriting as a short series."""

from dataclasses import dataclass, replace

from jaxtyping import Float, Int
from torch import Tensor

from zoo.blocks import blocks
from zoo.task import Kind, Samples, Task
from zoo.tasks.digits import Digits


@dataclass(frozen=True)
class DigitsRows(Task):
    """The images of `digits`, read from the top: eight steps, one for each row of pixels, of eight features each.

    The halves are those of `digits`, so that scores can be compared with those of models that see the image at once.
    Groups are 2 × 2 values, 16 of them. Reference: [alpaydin1998optical]
    """

    name = "digits_rows"
    title = "Handwritten digits, row by row"
    kind = Kind.SERIES
    classes = Digits.classes
    axes = ("time", "feature")
    features = tuple(f"column {column}" for column in range(1, 9))
    licence = Digits.licence
    citation = Digits.citation
    about = (
        "1,797 real handwritten digits of 8 × 8 pixels as series: a reader gets one row after the other, from the top, "
        "and answers at the end. The first half is for training and the second for testing, unshuffled, since "
        "neighbours in the file are by the same writer. Thirteen writers only: expect less on other hands."
    )
    preprocessing = "The count of ink pixels per block of 4 × 4 pixels over 16; each row of blocks is one step."
    source = "scikit-learn"

    def load(self, split: str) -> Samples:
        images = Digits().load(split)
        return replace(images, inputs=images.inputs[:, 0])

    def groups(self, inputs: Float[Tensor, "sample time feature"]) -> Int[Tensor, "sample time feature"]:
        return blocks(inputs, 2, 2)
