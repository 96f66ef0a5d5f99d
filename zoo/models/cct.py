"""A compact convolutional transformer: convolutions make the tokens, attention does the rest."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from zoo.model import Capability, Network
from zoo.models.vit import Block


class Cct(Network):
    """Convolutions and poolings, whose places are the tokens; blocks of attention; attention pooling; a linear layer.

    x ← relu(norm(pool(conv(x)))) per width;  tokens t = places of x, plus position vectors;  blocks as in `vit`;
    z = W Σ_t softmax_t(v · norm(x_t)) norm(x_t) + b

    The last width is that of the tokens. Each pooling halves height and width.

    When it misleads: a token has already seen its neighbours through the convolutions, so that what attention says of
    a token is about more than the pixels below it.
    Reference: [hassani2021escaping], [ioffe2015batch]
    """

    name = "cct"
    capabilities = frozenset(
        {Capability.GRADIENT, Capability.CONVOLUTION, Capability.ATTENTION, Capability.ACTIVATION_MAPS}
    )
    class_activation_layer = "tokens"

    mean: Tensor
    deviation: Tensor

    def __init__(
        self,
        *,
        channels: int,
        classes: int,
        side: int,
        widths: Sequence[int] = (32, 64),
        heads: int = 2,
        inner: int = 128,
        layers: int = 2,
        dropout: float = 0.0,
        mean: float = 0.0,
        deviation: float = 1.0,
    ) -> None:
        super().__init__()
        hidden = widths[-1]
        self.register_buffer("mean", torch.tensor(float(mean)))
        self.register_buffer("deviation", torch.tensor(float(deviation)))
        pairs = zip((channels, *widths), widths, strict=False)
        self.tokens = nn.Sequential(*(layer for before, after in pairs for layer in _stage(before, after)))
        self.position = nn.Parameter(0.02 * torch.randn((side >> len(widths)) ** 2, hidden))
        self.blocks = nn.ModuleList(Block(hidden, heads, inner, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(hidden)
        self.importance = nn.Linear(hidden, 1, bias=False)  # a bias would change no share
        self.dropout = nn.Dropout(dropout)
        self.classify = nn.Linear(hidden, classes)

    def forward(self, inputs: Float[Tensor, "sample channel height width"]) -> Float[Tensor, "sample class"]:
        maps = self.tokens((inputs - self.mean) / self.deviation)  # sample, hidden, row, column
        x = self.dropout(maps.flatten(2).transpose(1, 2) + self.position)  # sample, token, hidden
        for block in self.blocks:
            x = block(x)
        x = self.norm(x)
        share = self.importance(x).softmax(1)  # sample, token, 1
        return self.classify((share * x).sum(1))  # sample, class


def _stage(before: int, after: int) -> Sequence[nn.Module]:
    """Convolution, pooling, normalisation, rectifier. The normalisation's shift makes a bias redundant, and behind the
    pooling there are only a quarter of the numbers to normalise."""
    return (nn.Conv2d(before, after, 3, padding=1, bias=False), nn.MaxPool2d(2), nn.BatchNorm2d(after), nn.ReLU())
