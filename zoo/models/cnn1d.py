"""A convolutional network over time, whose view grows with its depth."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from zoo.model import Capability, Network


class Cnn1d(Network):
    """Convolutions over time with growing gaps between the steps they join, each added to what it read; then the mean
    and the maximum over time, and a linear layer.

    x ← conv_1((series − mean) / deviation);  layer k: x ← x + relu(norm(conv(x))) with gaps of 2ᵏ steps;
    z = W [mean_t x_t, max_t x_t] + b

    With `layers` K and windows of `window` steps, a value at the end of the row has seen (window − 1) 2ᴷ steps or so.
    Features are joined from the first layer on: there is no notion of neighbouring ones.

    When it misleads: the mean and the maximum forget when something was, unless the edges of the series give it away.
    Reference: [bai2018empirical], [ioffe2015batch]
    """

    name = "cnn1d"
    capabilities = frozenset({Capability.GRADIENT, Capability.ACTIVATION_MAPS})
    class_activation_layer = "maps"

    mean: Tensor
    deviation: Tensor

    def __init__(
        self,
        *,
        features: int,
        classes: int,
        width: int = 32,
        layers: int = 3,
        window: int = 3,
        dropout: float = 0.0,
        mean: float = 0.0,
        deviation: float = 1.0,
    ) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(float(mean)))
        self.register_buffer("deviation", torch.tensor(float(deviation)))
        self.read = nn.Conv1d(features, width, window, padding="same")
        self.layers = nn.ModuleList(_layer(width, window, 2**k) for k in range(layers))
        self.maps = nn.Identity()  # gives the sum of all layers a name
        self.dropout = nn.Dropout(dropout)
        self.classify = nn.Linear(2 * width, classes)

    def forward(self, inputs: Float[Tensor, "sample time feature"]) -> Float[Tensor, "sample class"]:
        x = self.read(((inputs - self.mean) / self.deviation).transpose(1, 2))  # sample, width, time
        for layer in self.layers:
            x = x + layer(x)
        x = self.maps(x)
        pooled = torch.cat((x.mean(2), x.amax(2)), dim=1)  # sample, 2 × width
        return self.classify(self.dropout(pooled))


def _layer(width: int, window: int, gap: int) -> nn.Sequential:
    """Convolution with gaps, normalisation, rectifier. The normalisation's shift makes a bias redundant."""
    return nn.Sequential(
        nn.Conv1d(width, width, window, padding="same", dilation=gap, bias=False), nn.BatchNorm1d(width), nn.ReLU()
    )
