"""Recurrent networks for series, and for images read row by row."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from zoo.errors import unknown
from zoo.model import Capability, Network

CELLS: dict[str, type[nn.RNN | nn.LSTM | nn.GRU]] = {"vanilla": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
POOLINGS = ("last", "mean", "max")


class Rnn(Network):
    """One answer after reading a whole series, step by step, in one direction or both.

    h_t = cell(x_t, h_{t−1});  z = W p + b, where p is the last state, or the mean or the maximum of all states

    cell: `vanilla` h_t = tanh(U x_t + V h_{t−1} + c), `lstm` or `gru`, whose gates let a state stay as it is. In both
    directions the second one reads from the end, and its last state is the one at the first step. `memory` T starts the
    gates so that a state is kept for 1 to T steps, log-uniformly spread (a chrono initialisation): without it, what
    was read a hundred steps ago hardly reaches the loss, and is not learnt.
    `rows` reads an image (1, height, width) as a series of its rows, from the top. `stride` consecutive steps are read
    as one, which is faster and shortens what has to be remembered.

    When it misleads: the state after a step holds all that was read before it, so a state is not a step. With `last`
    the gradient favours late steps, whichever of them matter.
    Reference: [elman1990finding], [hochreiter1997long], [cho2014learning], [schuster1997bidirectional],
    [tallec2018can]
    """

    name = "rnn"
    capabilities = frozenset({Capability.GRADIENT, Capability.RECURRENT})

    mean: Tensor
    deviation: Tensor

    def __init__(
        self,
        *,
        features: int,
        classes: int,
        cell: str = "gru",
        state: int = 64,
        layers: int = 1,
        both: bool = False,
        pooling: str = "last",
        memory: int | None = None,
        rows: bool = False,
        stride: int = 1,
        dropout: float = 0.0,
        mean: float = 0.0,
        deviation: float = 1.0,
    ) -> None:
        super().__init__()
        if cell not in CELLS:
            raise unknown("recurrent cell", cell, CELLS)
        if pooling not in POOLINGS:
            raise unknown("pooling of states", pooling, POOLINGS)
        self.register_buffer("mean", torch.tensor(float(mean)))
        self.register_buffer("deviation", torch.tensor(float(deviation)))
        self.pooling, self.rows, self.stride = pooling, rows, stride
        between = dropout if layers > 1 else 0.0
        self.recurrent = CELLS[cell](
            stride * features, state, layers, batch_first=True, bidirectional=both, dropout=between
        )
        if memory is not None:
            remember(self.recurrent, memory)
        self.dropout = nn.Dropout(dropout)
        self.classify = nn.Linear((1 + both) * state, classes)

    def states(self, inputs: Float[Tensor, "sample ..."]) -> Float[Tensor, "sample time state"]:
        """The states of the last layer after each step; those of the second direction follow those of the first."""
        series = inputs.transpose(1, 2).flatten(2) if self.rows else inputs  # of an image: sample, height, width
        joined = ((series - self.mean) / self.deviation).unflatten(1, (-1, self.stride)).flatten(2)
        return self.recurrent(joined)[0]

    def forward(self, inputs: Float[Tensor, "sample ..."]) -> Float[Tensor, "sample class"]:
        return self.classify(self.dropout(self._pooled(self.states(inputs))))

    def _pooled(self, states: Float[Tensor, "sample time state"]) -> Float[Tensor, "sample state"]:
        if self.pooling == "mean":
            return states.mean(1)
        if self.pooling == "max":
            return states.amax(1)
        if not self.recurrent.bidirectional:
            return states[:, -1]
        forwards, backwards = states.chunk(2, dim=2)
        return torch.cat((forwards[:, -1], backwards[:, 0]), dim=1)


@torch.no_grad()
def remember(recurrent: nn.RNNBase, steps: int) -> None:
    """Start gates so that states are kept for about 1 to `steps` steps: the bias of what keeps is log u with u uniform
    in [1, steps − 1], and of what lets in, −log u. A vanilla cell has no gates and stays as it is.

    Reference: [tallec2018can]
    """
    size = recurrent.hidden_size
    for name, bias in recurrent.named_parameters():
        if isinstance(recurrent, nn.RNN) or not name.startswith("bias_ih"):
            continue
        start = (1 + (steps - 2) * torch.rand(size)).log()
        bias[size : 2 * size] = start  # the LSTM's forget gate; the GRU's update gate, which keeps at 1
        recurrent.get_parameter(name.replace("ih", "hh"))[size : 2 * size] = 0
        if isinstance(recurrent, nn.LSTM):
            bias[:size] = -start  # the input gate
            recurrent.get_parameter(name.replace("ih", "hh"))[:size] = 0
