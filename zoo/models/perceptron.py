"""Rosenblatt's perceptron: one layer that learns from its mistakes alone."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from zoo.model import Network


class Perceptron(Network):
    """One response unit per class, all or nothing: a right answer changes no weight.

    x ← (x − mean) / deviation;  z = gain (W x + b)

    It has the shape of `Linear` and differs in how it learns. As the gain grows, softmax cross-entropy becomes gain
    times the perceptron's own loss, max_c (W x + b)_c − (W x + b)_y, and a step of plain gradient descent Rosenblatt's
    rule: add x to the weights of the right class, take it from those of the class that was answered instead, and do
    nothing where the two are the same. (Rosenblatt's fixed random units between retina and response are left out.)

    When it misleads: it stops at the first weights that are right, however narrowly, and its probabilities are close to
    0 and 1 whatever it is shown. Reference: [rosenblatt1958perceptron]
    """

    name = "perceptron"

    mean: Tensor
    deviation: Tensor

    def __init__(
        self, *, features: int, classes: int, gain: float = 20.0, mean: float = 0.0, deviation: float = 1.0
    ) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(float(mean)))
        self.register_buffer("deviation", torch.tensor(float(deviation)))
        self.gain = gain
        self.respond = nn.Linear(features, classes)

    def forward(self, inputs: Float[Tensor, "sample ..."]) -> Float[Tensor, "sample class"]:
        return self.gain * self.respond(((inputs - self.mean) / self.deviation).flatten(1))
