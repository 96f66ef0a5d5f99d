"""A transformer encoder for series: every step sees every other at once."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from zoo.model import Capability, Network
from zoo.models.vit import Block


class SeriesTransformer(Network):
    """Each step a vector with its place added; blocks of attention and a small network; the mean over steps; a linear
    layer.

    x = U (series − mean) / deviation + p;  per block x ← x + attention(norm(x)), x ← x + down(gelu(up(norm(x))));
    z = W mean_t norm(x_t) + b

    `stride` consecutive steps share a vector. `rows` reads an image (1, height, width) as a series of its rows.

    When it misleads: attention weights say where a step looked, not what moved the output.
    Reference: [vaswani2017attention], [xiong2020layer]
    """

    name = "series_transformer"
    capabilities = frozenset({Capability.GRADIENT, Capability.ATTENTION})

    mean: Tensor
    deviation: Tensor

    def __init__(
        self,
        *,
        features: int,
        classes: int,
        steps: int,
        stride: int = 1,
        hidden: int = 64,
        heads: int = 2,
        inner: int = 128,
        layers: int = 2,
        rows: bool = False,
        dropout: float = 0.0,
        mean: float = 0.0,
        deviation: float = 1.0,
    ) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(float(mean)))
        self.register_buffer("deviation", torch.tensor(float(deviation)))
        self.stride, self.rows = stride, rows
        self.project = nn.Linear(stride * features, hidden)
        self.position = nn.Parameter(0.02 * torch.randn(steps // stride, hidden))
        self.blocks = nn.ModuleList(Block(hidden, heads, inner, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(hidden)
        self.dropout = nn.Dropout(dropout)
        self.classify = nn.Linear(hidden, classes)

    def forward(self, inputs: Float[Tensor, "sample ..."]) -> Float[Tensor, "sample class"]:
        series = inputs.transpose(1, 2).flatten(2) if self.rows else inputs  # of an image: sample, height, width
        joined = ((series - self.mean) / self.deviation).unflatten(1, (-1, self.stride)).flatten(2)
        x = self.project(joined) + self.position  # sample, step, hidden
        for block in self.blocks:
            x = block(x)
        return self.classify(self.dropout(self.norm(x).mean(1)))  # sample, class
