"""A decoder language model: each token sees those before it, and says what comes next."""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

from zoo.errors import unknown
from zoo.model import Capability, SequenceNetwork, TokenNetwork

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"gelu": functional.gelu, "relu": functional.relu}


class Decoder(TokenNetwork, SequenceNetwork):
    """Token and position vectors, blocks of causal attention and a small network, a linear layer at every token.

    x = e + p;  per block x ← x + attention(norm(x)), x ← x + down(act(up(norm(x))));  z_t = W norm(x_t) + b

    The answer of a sample is the one at its last token; no more than `longest` are read. `normalise=False` leaves the
    norms out, so that what a layer adds can be followed through the sum, as in the network for arithmetic of
    [nanda2023progress].

    When it misleads: attention weights say where a token looked, not what moved the output.
    Reference: [vaswani2017attention], [radford2018improving], [xiong2020layer]
    """

    name = "decoder"
    capabilities = frozenset({Capability.GRADIENT, Capability.EMBEDDING, Capability.ATTENTION, Capability.SEQUENCE})

    def __init__(
        self,
        *,
        vocabulary: int,
        classes: int,
        longest: int,
        hidden: int = 64,
        heads: int = 2,
        inner: int = 256,
        layers: int = 2,
        activation: str = "gelu",
        normalise: bool = True,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if activation not in ACTIVATIONS:
            raise unknown("activation", activation, ACTIVATIONS)
        self.embedding = nn.Embedding(vocabulary, hidden, padding_idx=self.padding)
        nn.init.normal_(self.embedding.weight, std=hidden**-0.5)
        self.position = nn.Parameter(hidden**-0.5 * torch.randn(longest, hidden))
        self.blocks = nn.ModuleList(
            DecoderBlock(hidden, heads, inner, activation, normalise, dropout) for _ in range(layers)
        )
        self.norm = nn.LayerNorm(hidden) if normalise else nn.Identity()
        self.dropout = nn.Dropout(dropout)
        self.classify = nn.Linear(hidden, classes)

    def embed(self, inputs: Int[Tensor, "sample token"]) -> Float[Tensor, "sample token hidden"]:
        return self.embedding(inputs)

    def from_embedding(
        self, embedded: Float[Tensor, "sample token hidden"], mask: Bool[Tensor, "sample token"]
    ) -> Float[Tensor, "sample class"]:
        embedded, mask = embedded[:, : len(self.position)], mask[:, : len(self.position)]  # behind it is only padding
        return self._read(embedded, mask, last_place(mask)[:, None])[:, 0]

    def steps(self, inputs: Int[Tensor, "sample token"]) -> Float[Tensor, "sample step class"]:
        inputs = inputs[:, : len(self.position)]
        places = torch.arange(inputs.shape[1], device=inputs.device).expand(inputs.shape)
        return self._read(self.embed(inputs), inputs != self.padding, places)

    def _read(
        self,
        embedded: Float[Tensor, "sample token hidden"],
        mask: Bool[Tensor, "sample token"],
        asked: Int[Tensor, "sample place"],
    ) -> Float[Tensor, "sample place class"]:
        """Logits at the places that are asked for: nobody reads the others of the last block, so they are left out."""
        x = self.dropout(embedded + self.position[: embedded.shape[1]])  # sample, token, hidden
        everywhere = torch.arange(x.shape[1], device=x.device).expand(x.shape[:2])
        for block in self.blocks[:-1]:
            x = block(x, mask, everywhere)
        x = self.blocks[-1](x, mask, asked)  # sample, place, hidden
        return self.classify(self.norm(x))


class DecoderBlock(nn.Module):
    """Attention to the tokens up to a place, then a network on each place; both read a normalised x and add to it.

    attention: softmax(q kᵀ / √d) v in each head, over the tokens up to the place.
    """

    def __init__(self, hidden: int, heads: int, inner: int, activation: str, normalise: bool, dropout: float) -> None:
        super().__init__()
        self.heads, self.activation = heads, ACTIVATIONS[activation]
        self.norm_attention, self.norm_inner = (nn.LayerNorm(hidden) if normalise else nn.Identity() for _ in range(2))
        self.query = nn.Linear(hidden, hidden, bias=False)
        self.key_value = nn.Linear(hidden, 2 * hidden, bias=False)
        self.merge = nn.Linear(hidden, hidden)
        self.up, self.down = nn.Linear(hidden, inner), nn.Linear(inner, hidden)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        x: Float[Tensor, "sample token hidden"],
        mask: Bool[Tensor, "sample token"],
        places: Int[Tensor, "sample place"],
    ) -> Float[Tensor, "sample place hidden"]:
        read = self.norm_attention(x)
        query = self.query(at(read, places)).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        key, value = self.key_value(read).unflatten(-1, (2, self.heads, -1)).permute(2, 0, 3, 1, 4)
        seen = reachable(mask, places)[:, None]  # sample, 1, place, token
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=seen)
        x = at(x, places) + self.dropout(self.merge(mixed.transpose(1, 2).flatten(2)))
        return x + self.dropout(self.down(self.activation(self.up(self.norm_inner(x)))))


def last_place(mask: Bool[Tensor, "sample token"]) -> Int[Tensor, "sample"]:
    """The place of the last token that is there, 0 where there is none."""
    return (mask * torch.arange(mask.shape[1], device=mask.device)).amax(1)


def at(
    x: Float[Tensor, "sample token hidden"], places: Int[Tensor, "sample place"]
) -> Float[Tensor, "sample place hidden"]:
    """The vectors at these places."""
    return x.gather(1, places[:, :, None].expand(-1, -1, x.shape[2]))


def reachable(
    mask: Bool[Tensor, "sample token"], places: Int[Tensor, "sample place"]
) -> Bool[Tensor, "sample place token"]:
    """Which tokens each place may look at: itself, and those before it that are there."""
    tokens = torch.arange(mask.shape[1], device=mask.device)
    before = (tokens < places[:, :, None]) & mask[:, None]
    return before | (tokens == places[:, :, None])
