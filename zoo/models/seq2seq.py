"""Recurrent networks that read a series and answer with a series."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from zoo.errors import unknown
from zoo.model import Capability, SequenceNetwork
from zoo.models.rnn import CELLS, remember


class Seq2seq(SequenceNetwork):
    """Several answers, one after the other, after reading a whole series.

    One network (`decoder` False): h_t = cell(x_t, h_{t−1}), and the answer at each of the last `outputs` steps is
    z_t = W h_t + b. Encoder and decoder (`decoder` True): s_0 = h_T, then s_k = cell'(softmax(z_{k−1}), s_{k−1}) and
    z_k = W s_k + b for k = 1 … `outputs`, from a learnt first input in place of the softmax: what was answered is read
    again, as probabilities, so that training and use do the same.

    `memory` starts the gates of whatever reads the series so that states are kept for up to so many steps.

    When it misleads: all that an answer knows went through one state; which step it came from is nowhere written.
    Reference: [sutskever2014sequence], [hochreiter1997long], [cho2014learning], [tallec2018can]
    """

    name = "seq2seq"
    capabilities = frozenset({Capability.GRADIENT, Capability.RECURRENT, Capability.SEQUENCE})

    def __init__(
        self,
        *,
        features: int,
        classes: int,
        outputs: int,
        cell: str = "gru",
        state: int = 64,
        decoder: bool = False,
        memory: int | None = None,
    ) -> None:
        super().__init__()
        if cell not in CELLS:
            raise unknown("recurrent cell", cell, CELLS)
        self.outputs = outputs
        self.recurrent = CELLS[cell](features, state, batch_first=True)
        if memory is not None:
            remember(self.recurrent, memory)
        self.decoder = CELLS[cell](classes, state, batch_first=True) if decoder else None
        self.start = nn.Parameter(torch.zeros(classes)) if decoder else None
        self.classify = nn.Linear(state, classes)

    def steps(self, inputs: Float[Tensor, "sample time feature"]) -> Float[Tensor, "sample step class"]:
        states, state = self.recurrent(inputs)
        if self.decoder is None or self.start is None:
            return self.classify(states[:, -self.outputs :])
        given = self.start.expand(len(inputs), 1, -1)
        answers = []
        for _ in range(self.outputs):
            states, state = self.decoder(given, state)
            answers.append(self.classify(states))
            given = answers[-1].softmax(2)
        return torch.cat(answers, dim=1)
