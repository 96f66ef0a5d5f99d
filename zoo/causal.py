"""Causal networks: each token sees itself and those before it, and the answer is read at the last one."""

from abc import abstractmethod

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from zoo.model import Capability, SequenceNetwork, TokenNetwork


class CausalNetwork(TokenNetwork, SequenceNetwork):
    """Token and position vectors, then blocks that are called with (x, mask, places), then an answer at each place.

    The answer of a sample is the one at its last token; no more than `longest` are read.
    """

    capabilities = frozenset({Capability.GRADIENT, Capability.EMBEDDING, Capability.ATTENTION, Capability.SEQUENCE})

    def __init__(self, vocabulary: int, longest: int, hidden: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, hidden, padding_idx=self.padding)
        nn.init.normal_(self.embedding.weight, std=hidden**-0.5)
        self.position = nn.Parameter(hidden**-0.5 * torch.randn(longest, hidden))

    @property
    @abstractmethod
    def stack(self) -> nn.ModuleList:
        """The blocks, in their order; each gives the vectors at the places that it is asked for."""

    def begin(self, x: Float[Tensor, "sample token hidden"]) -> Float[Tensor, "sample token hidden"]:
        """What is done to the vectors before the first block."""
        return x

    @abstractmethod
    def answer(self, x: Float[Tensor, "sample place hidden"]) -> Float[Tensor, "sample place class"]:
        """Logits from what the last block gave."""

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
        x = self.begin(embedded + self.position[: embedded.shape[1]])  # sample, token, hidden
        everywhere = torch.arange(x.shape[1], device=x.device).expand(x.shape[:2])
        for block in self.stack[:-1]:
            x = block(x, mask, everywhere)
        return self.answer(self.stack[-1](x, mask, asked))


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
