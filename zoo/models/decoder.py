"""A decoder language model: each token sees those before it, and says what comes next."""

from collections.abc import Callable

from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

from zoo.causal import CausalNetwork, at, reachable
from zoo.errors import unknown

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"gelu": functional.gelu, "relu": functional.relu}


class Decoder(CausalNetwork):
    """Token and position vectors, blocks of causal attention and a small network, a linear layer at every token.

    x = e + p;  per block x ← x + attention(norm(x)), x ← x + down(act(up(norm(x))));  z_t = W norm(x_t) + b

    The answer of a sample is the one at its last token; no more than `longest` are read. `normalise=False` leaves the
    norms out, so that what a layer adds can be followed through the sum, as in the network for arithmetic of
    [nanda2023progress].

    When it misleads: attention weights say where a token looked, not what moved the output.
    Reference: [vaswani2017attention], [radford2018improving], [xiong2020layer]
    """

    name = "decoder"

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
        if activation not in ACTIVATIONS:
            raise unknown("activation", activation, ACTIVATIONS)
        super().__init__(vocabulary, longest, hidden)
        self.blocks = nn.ModuleList(
            DecoderBlock(hidden, heads, inner, activation, normalise, dropout) for _ in range(layers)
        )
        self.norm = nn.LayerNorm(hidden) if normalise else nn.Identity()
        self.dropout = nn.Dropout(dropout)
        self.classify = nn.Linear(hidden, classes)

    @property
    def stack(self) -> nn.ModuleList:
        return self.blocks

    def begin(self, x: Float[Tensor, "sample token hidden"]) -> Float[Tensor, "sample token hidden"]:
        return self.dropout(x)

    def answer(self, x: Float[Tensor, "sample place hidden"]) -> Float[Tensor, "sample place class"]:
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
