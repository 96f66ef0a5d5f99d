"""A linear classifier: one layer, no hidden units."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from zoo.model import Network


class Linear(Network):
    """A weight for each input and class; found by gradient descent it is the softmax regression of the textbooks.

    x ← (x − mean) / deviation;  z = W x + b, with every input of a sample in one row

    With one class it is linear regression, and z is the number that is asked for. Its gradient is W wherever it is
    looked at, so that an explanation of it can be checked by hand. Reference: [cox1958regression]
    """

    name = "linear"

    mean: Tensor
    deviation: Tensor

    def __init__(self, *, features: int, classes: int, mean: float = 0.0, deviation: float = 1.0) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(float(mean)))
        self.register_buffer("deviation", torch.tensor(float(deviation)))
        self.classify = nn.Linear(features, classes)

    def forward(self, inputs: Float[Tensor, "sample ..."]) -> Float[Tensor, "sample class"]:
        return self.classify(((inputs - self.mean) / self.deviation).flatten(1))
