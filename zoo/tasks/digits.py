"""Digits: real handwriting, small enough to look at every pixel."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from zoo.patches import patches
from zoo.task import Kind, Samples, Task

TRAINING = 898
"""The first half of 1,797, in the order in which the data set comes."""
PATCH = 2


@dataclass(frozen=True)
class Digits(Task):
    """Images of one handwritten digit, 8 × 8, grey, in [0, 1]: the count of ink pixels per 4 × 4 block over 16.

    Groups are patches of 2 × 2 pixels, 16 of them. Reference: [alpaydin1998optical]
    """

    name = "digits"
    title = "Handwritten digits"
    kind = Kind.IMAGE
    classes = tuple("0123456789")
    axes = ("channel", "height", "width")
    licence = "CC BY 4.0"
    citation = "alpaydin1998optical"
    about = (
        "1,797 real handwritten digits of 8 × 8 pixels, as shipped with scikit-learn. The first half is for training, "
        "the second for testing, unshuffled: neighbours in the file are by the same writer, and a shuffled split would "
        "put every writer on both sides and flatter every model. Thirteen writers only: expect less on other hands."
    )

    def load(self, split: str) -> Samples:
        from sklearn.datasets import load_digits

        images, labels = load_digits(return_X_y=True)
        rows = slice(None, TRAINING) if split == "train" else slice(TRAINING, None)
        inputs = torch.tensor(images[rows] / 16, dtype=torch.float32).reshape(-1, 1, 8, 8)
        return Samples(
            inputs=inputs,
            labels=torch.tensor(labels[rows], dtype=torch.long),
            ids=tuple(f"{split}:{i}" for i in range(len(inputs))),
        )

    def groups(
        self, inputs: Float[Tensor, "sample channel height width"]
    ) -> Int[Tensor, "sample channel height width"]:
        return patches(inputs, PATCH)
