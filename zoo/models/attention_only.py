"""A transformer with everything but attention removed, whose every path from token to answer can be written down."""

from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

from zoo.causal import CausalNetwork, at, reachable


class AttentionOnly(CausalNetwork):
    """Token and position vectors, layers of causal attention that add to their input, a linear map to the classes.

    x⁰ = e + p;  x^{l+1} = x^l + Σ_heads softmax(x^l Q (x^l K)ᵀ / √d) x^l V O;  z_t = x_t U

    No network on each token, no norm, no bias: what a token says to the answer is a sum over paths through heads,
    each a product of matrices. The answer of a sample is the one at its last token; no more than `longest` are read.

    When it misleads: heads of a later layer read what earlier ones wrote, so a head alone need not mean anything.
    Reference: [elhage2021mathematical]
    """

    name = "attention_only"

    def __init__(
        self, *, vocabulary: int, classes: int, longest: int, hidden: int = 64, heads: int = 2, layers: int = 2
    ) -> None:
        super().__init__(vocabulary, longest, hidden)
        self.layers = nn.ModuleList(Attention(hidden, heads) for _ in range(layers))
        self.classify = nn.Linear(hidden, classes, bias=False)

    @property
    def stack(self) -> nn.ModuleList:
        return self.layers

    def answer(self, x: Float[Tensor, "sample place hidden"]) -> Float[Tensor, "sample place class"]:
        return self.classify(x)


class Attention(nn.Module):
    """x ← x + Σ_heads softmax(q kᵀ / √d) v O at each place, over the tokens up to it."""

    def __init__(self, hidden: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.merge = (nn.Linear(hidden, hidden, bias=False) for _ in range(4))

    def forward(
        self,
        x: Float[Tensor, "sample token hidden"],
        mask: Bool[Tensor, "sample token"],
        places: Int[Tensor, "sample place"],
    ) -> Float[Tensor, "sample place hidden"]:
        here = at(x, places)
        query, key, value = (
            project(given).unflatten(-1, (self.heads, -1)).transpose(1, 2)  # sample, head, place or token, width
            for project, given in ((self.query, here), (self.key, x), (self.value, x))
        )
        seen = reachable(mask, places)[:, None]  # sample, 1, place, token
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=seen)
        return here + self.merge(mixed.transpose(1, 2).flatten(2))
