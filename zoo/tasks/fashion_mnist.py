"""Fashion-MNIST: photographs of clothes, as small and grey as handwritten digits but harder to tell apart."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from zoo import mirror
from zoo.patches import patches
from zoo.pixels import decoded
from zoo.task import Kind, Samples, Task

SOURCE = "zalando-datasets/fashion_mnist"
PATCH = 4


@dataclass(frozen=True, kw_only=True)
class FashionMnist(Task):
    """Images of one piece of clothing, 28 × 28, grey, in [0, 1], bright on black.

    Groups are patches of 4 × 4 pixels, 49 of them. Reference: [xiao2017fashion]
    """

    name = "fashion_mnist"
    title = "Clothes (Fashion-MNIST)"
    kind = Kind.IMAGE
    classes = (
        *("T-shirt or top", "trousers", "pullover", "dress", "coat"),
        *("sandal", "shirt", "sneaker", "bag", "ankle boot"),
    )
    axes = ("channel", "height", "width")
    licence = "MIT (Zalando SE)"
    citation = "xiao2017fashion"
    about = (
        "70,000 photographs of clothes from the catalogue of a shop, cut out, shrunk to 28 × 28 grey pixels and "
        "inverted, so that the background is exactly black; 60,000 for training and 10,000 for testing, as published. "
        "Shirts, T-shirts, pullovers and coats are much alike at this size: the authors report that people without "
        "training find the label of about 84 % of the images."
    )
    preprocessing = "Grey values over 255; nothing is centred, cropped or left out."
    source = SOURCE

    def load(self, split: str) -> Samples:
        files, labels = mirror.read(SOURCE, split, ("image", "label"))
        return Samples(
            inputs=decoded(files, SOURCE),
            labels=torch.tensor(labels, dtype=torch.long),
            ids=tuple(f"{split}:{i}" for i in range(len(labels))),
        )

    def unavailable(self) -> str | None:
        return mirror.unavailable(SOURCE)

    def groups(
        self, inputs: Float[Tensor, "sample channel height width"]
    ) -> Int[Tensor, "sample channel height width"]:
        return patches(inputs, PATCH)
