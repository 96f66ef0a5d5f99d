"""A recurrent network for sentences."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from zoo.model import Capability, TokenNetwork


class Gru(TokenNetwork):
    """Gated recurrent units that read the sentence in both directions; what they say is averaged and its peaks kept.

    h_t = GRU(e_t, h_{t∓1});  z = W [mean_t h_t, max_t h_t] + b

    When it misleads: the state after a token holds all that was read before it, so a state is not a word.
    Reference: [cho2014learning]
    """

    name = "gru"
    capabilities = frozenset({Capability.GRADIENT, Capability.EMBEDDING, Capability.RECURRENT})

    def __init__(
        self, *, vocabulary: int, classes: int, hidden: int = 64, state: int = 32, dropout: float = 0.5
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, hidden, padding_idx=self.padding)
        nn.init.normal_(self.embedding.weight, std=0.1)
        self.recurrent = nn.GRU(hidden, state, batch_first=True, bidirectional=True)
        self.dropout = nn.Dropout(dropout)
        self.classify = nn.Linear(4 * state, classes)

    def embed(self, inputs: Int[Tensor, "sample token"]) -> Float[Tensor, "sample token hidden"]:
        return self.embedding(inputs)

    def from_embedding(
        self, embedded: Float[Tensor, "sample token hidden"], mask: Bool[Tensor, "sample token"]
    ) -> Float[Tensor, "sample class"]:
        lengths = mask.sum(1).clamp(min=1)
        states = self.states(self.dropout(embedded), lengths)  # sample, token, 2 × state
        inside = mask[:, :, None]
        mean = (states * inside).sum(1) / lengths[:, None]  # sample, 2 × state
        peak = states.masked_fill(~inside, -1).amax(1)  # sample, 2 × state; a state is never below -1
        return self.classify(self.dropout(torch.cat((mean, peak), dim=1)))  # sample, class

    def states(
        self, embedded: Float[Tensor, "sample token hidden"], lengths: Int[Tensor, "sample"]
    ) -> Float[Tensor, "sample token state"]:
        """The states after each token, of both directions side by side; the second starts at the last token.

        Each direction reads its own copy of the batch, the second a reversed one, padding last in both. A packed batch
        would say the same, but its gradient takes time in the square of the length: seven times as much at 256 tokens.
        """
        place = torch.arange(embedded.shape[1], device=embedded.device)
        mirrored = lengths[:, None] - 1 - place
        mirrored = torch.where(mirrored < 0, place, mirrored)[:, :, None]  # padding stays where it is
        backwards = self._read(embedded.take_along_dim(mirrored, dim=1), "_reverse")
        return torch.cat((self._read(embedded, ""), backwards.take_along_dim(mirrored, dim=1)), dim=2)

    def _read(
        self, embedded: Float[Tensor, "sample token hidden"], direction: str
    ) -> Float[Tensor, "sample token state"]:
        """One direction of the recurrent layer, from left to right."""
        layer = self.recurrent
        kinds = "weight_ih", "weight_hh", "bias_ih", "bias_hh"
        weights = [getattr(layer, f"{kind}_l0{direction}") for kind in kinds]  # tensors where a function calls us
        start = embedded.new_zeros(1, len(embedded), layer.hidden_size)
        return torch.gru(embedded, start, weights, True, 1, 0.0, self.training, False, True)[0]
