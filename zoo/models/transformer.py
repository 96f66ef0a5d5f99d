"""A transformer encoder for sentences, small enough to read from top to bottom."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

from zoo.model import Capability, TokenNetwork

LONGEST = 128
"""Positions that have a vector."""


class Transformer(TokenNetwork):
    """Token and position vectors, blocks of attention and a small network, the mean over tokens, a linear layer.

    x = e + p;  per block x ← x + attention(norm(x)), x ← x + down(gelu(up(norm(x))));  z = W mean_t norm(x_t) + b

    `waves` starts the position vectors as sine waves instead of at random: "the word before" is then soon found.

    When it misleads: attention weights say where a token looked, not what moved the output.
    Reference: [vaswani2017attention], [xiong2020layer]
    """

    name = "transformer"
    capabilities = frozenset({Capability.GRADIENT, Capability.EMBEDDING, Capability.ATTENTION})

    def __init__(
        self,
        *,
        vocabulary: int,
        classes: int,
        hidden: int = 64,
        heads: int = 2,
        inner: int = 64,
        layers: int = 1,
        dropout: float = 0.1,
        dropout_embedding: float = 0.7,
        dropout_output: float = 0.5,
        waves: bool = False,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, hidden, padding_idx=self.padding)
        nn.init.normal_(self.embedding.weight, std=0.1)
        self.position = nn.Parameter(0.1 * sines(LONGEST, hidden) if waves else 0.02 * torch.randn(LONGEST, hidden))
        self.blocks = nn.ModuleList(Block(hidden, heads, inner, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(hidden)
        self.dropout_embedding, self.dropout_output = nn.Dropout(dropout_embedding), nn.Dropout(dropout_output)
        self.classify = nn.Linear(hidden, classes)

    def embed(self, inputs: Int[Tensor, "sample token"]) -> Float[Tensor, "sample token hidden"]:
        return self.embedding(inputs)

    def from_embedding(
        self, embedded: Float[Tensor, "sample token hidden"], mask: Bool[Tensor, "sample token"]
    ) -> Float[Tensor, "sample class"]:
        x = self.dropout_embedding(embedded) + self.position[: embedded.shape[1]]  # sample, token, hidden
        for block in self.blocks:
            x = block(x, mask)
        x = self.norm(x) * mask[:, :, None]
        x = x.sum(1) / mask.sum(1, keepdim=True).clamp(min=1)  # sample, hidden
        return self.classify(self.dropout_output(x))  # sample, class


def sines(length: int, hidden: int) -> Float[Tensor, "place hidden"]:
    """sin(t ω_i) beside cos(t ω_i), with ω_i = 1000^(−2i / hidden): a shift is the same rotation at every place t.

    Reference: [vaswani2017attention]
    """
    rates = 1000 ** (-torch.arange(0, hidden, 2) / hidden)
    angles = torch.arange(length)[:, None] * rates
    return torch.cat((angles.sin(), angles.cos()), dim=1)


class Block(nn.Module):
    """Attention over the tokens, then a network on each token; both read a normalised x and add to it.

    attention: softmax(q kᵀ / √d) v in each head, over the tokens that are there.
    """

    def __init__(self, hidden: int, heads: int, inner: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.norm_attention, self.norm_inner = nn.LayerNorm(hidden), nn.LayerNorm(hidden)
        self.query_key_value = nn.Linear(hidden, 3 * hidden)
        self.merge = nn.Linear(hidden, hidden)
        self.up, self.down = nn.Linear(hidden, inner), nn.Linear(inner, hidden)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, x: Float[Tensor, "sample token hidden"], mask: Bool[Tensor, "sample token"]
    ) -> Float[Tensor, "sample token hidden"]:
        projected = self.query_key_value(self.norm_attention(x)).unflatten(-1, (3, self.heads, -1))
        query, key, value = projected.permute(2, 0, 3, 1, 4)  # sample, head, token, hidden / heads
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask[:, None, None, :])
        x = x + self.dropout(self.merge(mixed.transpose(1, 2).flatten(2)))
        return x + self.dropout(self.down(functional.gelu(self.up(self.norm_inner(x)))))
