"""A linear classifier: one layer, no hidden units."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from zoo.model import Network


class Linear(Network):
    """A weight for each input and class; found by gradient descent it is the softmax regression of the textbooks.

    x ← (x − mean) / deviation;  z = centre + spread (W x + b), with every input of a sample in one row

    Its gradient is the same wherever it is looked at, so that an explanation of it can be checked by hand. With one
    class it is linear regression: z is the number that is asked for, in its own unit, for which centre and spread
    make W and b start at the right size. Reference: [cox1958regression]
    """

    name = "linear"

    mean: Tensor
    deviation: Tensor
    centre: Tensor
    spread: Tensor

    def __init__(
        self,
        *,
        features: int,
        classes: int,
        mean: float = 0.0,
        deviation: float = 1.0,
        centre: float = 0.0,
        spread: float = 1.0,
    ) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(float(mean)))
        self.register_buffer("deviation", torch.tensor(float(deviation)))
        self.register_buffer("centre", torch.tensor(float(centre)))
        self.register_buffer("spread", torch.tensor(float(spread)))
        self.classify = nn.Linear(features, classes)

    def forward(self, inputs: Float[Tensor, "sample ..."]) -> Float[Tensor, "sample class"]:
        row = ((inputs - self.mean) / self.deviation).flatten(1)  # sample, feature
        return self.centre + self.spread * self.classify(row)
