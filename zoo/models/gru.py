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
        packed = nn.utils.rnn.pack_padded_sequence(  # the backward direction then starts at the last word
            self.dropout(embedded), lengths.cpu(), batch_first=True, enforce_sorted=False
        )
        states, _ = nn.utils.rnn.pad_packed_sequence(
            self.recurrent(packed)[0], batch_first=True, total_length=mask.shape[1]
        )  # sample, token, 2 × state
        inside = mask[:, :, None]
        mean = (states * inside).sum(1) / lengths[:, None]  # sample, 2 × state
        peak = states.masked_fill(~inside, -1).amax(1)  # sample, 2 × state; a state is never below -1
        return self.classify(self.dropout(torch.cat((mean, peak), dim=1)))  # sample, class
