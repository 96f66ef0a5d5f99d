"""A vision transformer: an image as a row of patches."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from zoo.model import Capability, Network


class Vit(Network):
    """Square patches, each a vector; blocks of attention and a small network; the mean over patches; a linear layer.

    x = P patch((image − mean) / deviation) + p;  per block x ← x + attention(norm(x)), x ← x + down(gelu(up(norm(x))));
    z = W mean_t norm(x_t) + b

    Images are square, and their side is a multiple of the patch's. Every patch sees every other from the first block
    on: nothing but the position vectors says which are neighbours.

    When it misleads: attention weights say where a patch looked, not what moved the output.
    Reference: [dosovitskiy2021image], [xiong2020layer]
    """

    name = "vit"
    capabilities = frozenset({Capability.GRADIENT, Capability.ATTENTION, Capability.ACTIVATION_MAPS})
    class_activation_layer = "norm"  # before it, the length of a token has no effect: gradient × activation is zero

    mean: Tensor
    deviation: Tensor

    def __init__(
        self,
        *,
        channels: int,
        classes: int,
        side: int,
        patch: int = 4,
        hidden: int = 64,
        heads: int = 2,
        inner: int = 128,
        layers: int = 2,
        dropout: float = 0.0,
        mean: float = 0.0,
        deviation: float = 1.0,
    ) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(float(mean)))
        self.register_buffer("deviation", torch.tensor(float(deviation)))
        self.patch = patch
        self.project = nn.Linear(channels * patch**2, hidden)
        self.position = nn.Parameter(0.02 * torch.randn((side // patch) ** 2, hidden))
        self.blocks = nn.ModuleList(Block(hidden, heads, inner, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(hidden)
        self.dropout = nn.Dropout(dropout)
        self.classify = nn.Linear(hidden, classes)

    def forward(self, inputs: Float[Tensor, "sample channel height width"]) -> Float[Tensor, "sample class"]:
        x = (inputs - self.mean) / self.deviation
        x = x.unflatten(3, (-1, self.patch)).unflatten(2, (-1, self.patch))  # sample, channel, row, y, column, x
        x = self.project(x.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2))  # sample, token, hidden
        x = self.dropout(x + self.position)
        for block in self.blocks:
            x = block(x)
        return self.classify(self.norm(x).mean(1))  # sample, class


class Block(nn.Module):
    """Attention over all tokens, then a network on each token; both read a normalised x and add to it.

    attention: softmax(q kᵀ / √d) v in each head.
    """

    def __init__(self, hidden: int, heads: int, inner: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.norm_attention, self.norm_inner = nn.LayerNorm(hidden), nn.LayerNorm(hidden)
        self.query_key_value = nn.Linear(hidden, 3 * hidden)
        self.merge = nn.Linear(hidden, hidden)
        self.up, self.down = nn.Linear(hidden, inner), nn.Linear(inner, hidden)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Float[Tensor, "sample token hidden"]) -> Float[Tensor, "sample token hidden"]:
        projected = self.query_key_value(self.norm_attention(x)).unflatten(-1, (3, self.heads, -1))
        query, key, value = projected.permute(2, 0, 3, 1, 4)  # sample, head, token, hidden / heads
        mixed = functional.scaled_dot_product_attention(query, key, value)
        x = x + self.dropout(self.merge(mixed.transpose(1, 2).flatten(2)))
        return x + self.dropout(self.down(functional.gelu(self.up(self.norm_inner(x)))))
