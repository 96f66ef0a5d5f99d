"""A small convolutional network for images."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from zoo.model import ConvolutionalNetwork


class Cnn(ConvolutionalNetwork):
    """Stages of two 3 × 3 convolutions and a maximum pooling, then the mean over places and a linear layer.

    x ← (x − mean) / deviation;  per stage x ← pool(relu(norm(conv(relu(norm(conv(x)))))));  z = W mean(x) + b

    Inputs are in [0, 1]; the constants that centre them are buffers, so they travel with the weights and an
    explanation is of the image as it is seen. Every stage halves height and width, which must allow it.
    Reference: [simonyan2015very], [ioffe2015batch], [lin2014network]
    """

    name = "cnn"

    mean: Tensor
    deviation: Tensor

    def __init__(
        self,
        *,
        channels: int,
        classes: int,
        widths: Sequence[int],
        mean: float = 0.0,
        deviation: float = 1.0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(float(mean)))
        self.register_buffer("deviation", torch.tensor(float(deviation)))
        self.stages = nn.ModuleList(_stage(a, b) for a, b in zip((channels, *widths), widths, strict=False))
        self.class_activation_layer = f"stages.{len(widths) - 1}"
        self.dropout = nn.Dropout(dropout)
        self.classify = nn.Linear(widths[-1], classes)

    def prepare(
        self, inputs: Float[Tensor, "sample channel height width"]
    ) -> Float[Tensor, "sample channel height width"]:
        return (inputs - self.mean) / self.deviation

    def layers(self) -> Sequence[nn.Module]:
        return list(self.stages)  # each: sample, width of the stage, height / 2, width / 2

    def finish(self, last: Float[Tensor, "sample feature height width"]) -> Float[Tensor, "sample class"]:
        return self.classify(self.dropout(last.mean((2, 3))))  # the mean: sample, feature


def _stage(before: int, after: int) -> nn.Sequential:
    """Twice: convolution, normalisation, rectifier; then pooling. The normalisation's shift makes a bias redundant."""
    return nn.Sequential(
        nn.Conv2d(before, after, 3, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(),
        nn.Conv2d(after, after, 3, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(),
        nn.MaxPool2d(2),
    )
