"""A multilayer perceptron."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from zoo.errors import unknown
from zoo.model import LayeredNetwork

ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "tanh": nn.Tanh, "gelu": nn.GELU, "sigmoid": nn.Sigmoid}


class Mlp(LayeredNetwork):
    """Layers that are fully connected, with a nonlinearity after each but the last.

    x ← (x − mean) / deviation;  per hidden layer x ← φ(W x + b);  z = centre + spread (W x + b)

    It reads a table, an image or a series as one row of `features` numbers and knows nothing of neighbourhood. With no
    widths it is `Linear`. The constants are buffers, so they travel with the weights: mean and deviation centre images,
    centre and spread give a regression's number its unit.
    Reference: [rumelhart1986learning]
    """

    name = "mlp"

    mean: Tensor
    deviation: Tensor
    centre: Tensor
    spread: Tensor

    def __init__(
        self,
        *,
        features: int,
        classes: int,
        widths: Sequence[int],
        activation: str = "relu",
        dropout: float = 0.0,
        mean: float = 0.0,
        deviation: float = 1.0,
        centre: float = 0.0,
        spread: float = 1.0,
    ) -> None:
        super().__init__()
        if activation not in ACTIVATIONS:
            raise unknown("activation", activation, ACTIVATIONS)
        self.register_buffer("mean", torch.tensor(float(mean)))
        self.register_buffer("deviation", torch.tensor(float(deviation)))
        self.register_buffer("centre", torch.tensor(float(centre)))
        self.register_buffer("spread", torch.tensor(float(spread)))
        sizes = zip((features, *widths), widths, strict=False)
        self.hidden = nn.ModuleList(_layer(a, b, activation, dropout) for a, b in sizes)
        self.classify = nn.Linear((features, *widths)[-1], classes)

    def prepare(self, inputs: Float[Tensor, "sample ..."]) -> Float[Tensor, "sample feature"]:
        return ((inputs - self.mean) / self.deviation).flatten(1)

    def layers(self) -> Sequence[nn.Module]:
        return [*self.hidden, self.classify]  # each: sample, width

    def finish(self, last: Float[Tensor, "sample class"]) -> Float[Tensor, "sample class"]:
        return self.centre + self.spread * last


def _layer(before: int, after: int, activation: str, dropout: float) -> nn.Sequential:
    """Linear, nonlinearity, and dropout where there is any."""
    parts: list[nn.Module] = [nn.Linear(before, after), ACTIVATIONS[activation]()]
    return nn.Sequential(*parts, *([nn.Dropout(dropout)] if dropout > 0 else []))
