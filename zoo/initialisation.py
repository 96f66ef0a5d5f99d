"""Initialisation: where a network's weights start, as a named choice."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from zoo.errors import unknown

INITIALISATIONS = ("xavier_uniform", "xavier_normal", "he_uniform", "he_normal")
GAINS = {
    "linear": 1.0,
    "identity": 1.0,
    "sigmoid": 1.0,
    "tanh": 5 / 3,
    "relu": math.sqrt(2),
    "leaky_relu": math.sqrt(2 / (1 + 0.01**2)),
    "gelu": math.sqrt(2),
    "silu": math.sqrt(2),
    "elu": math.sqrt(2),
    "selu": 3 / 4,
}
"""By what weights must be wider so that a signal keeps its size through the nonlinearity; GELU, SiLU and ELU are taken
for the rectifier that they smooth."""


@torch.no_grad()
def start_weights(model: nn.Module, name: str, seed: int, nonlinearity: str = "relu") -> None:
    """Draw the matrices and convolutions of a network anew, in place, from the seed alone.

    xavier  variance 2 / (n_in + n_out), for signal and gradient alike
    he      variance gain² / n_in, the gain being that of the nonlinearity: √2 for a rectifier

    "_uniform" draws from ±√(3 variance), "_normal" from a normal distribution. n_in and n_out count the numbers that
    one output is made of, and that one input goes into. Gates of a recurrent network, and query, key and value of
    attention, are matrices of their own though they share a tensor. Biases of linear layers and convolutions become
    zero. Embeddings, normalisation, positions and all that is not trained stay as the architecture has them.
    Reference: [glorot2010understanding], [he2015delving]
    """
    if name not in INITIALISATIONS:
        raise unknown("initialisation", name, INITIALISATIONS)
    if nonlinearity not in GAINS:
        raise unknown("nonlinearity", nonlinearity, GAINS)
    generator = torch.Generator().manual_seed(seed)
    rule, distribution = name.split("_")
    for matrix in _matrices(model):
        places = math.prod(matrix.shape[2:])
        fan_out, fan_in = matrix.shape[0] * places, matrix.shape[1] * places
        variance = 2 / (fan_in + fan_out) if rule == "xavier" else GAINS[nonlinearity] ** 2 / fan_in
        if distribution == "uniform":
            bound = math.sqrt(3 * variance)
            matrix.uniform_(-bound, bound, generator=generator)
        else:
            matrix.normal_(0, math.sqrt(variance), generator=generator)
    for layer in model.modules():
        if _is_plain(layer) and isinstance(layer.bias, nn.Parameter) and layer.bias.requires_grad:
            layer.bias.zero_()


def _matrices(model: nn.Module) -> Iterator[Tensor]:
    """Every matrix and every kernel that is trained: (output, input, …)."""
    for layer in model.modules():
        for name, parameter in layer.named_parameters(recurse=False):
            if parameter.requires_grad and parameter.ndim > 1:
                if _is_plain(layer) and name == "weight":
                    yield parameter
                elif isinstance(layer, nn.RNNBase):
                    yield from parameter.split(layer.proj_size if "hr" in name else layer.hidden_size)
                elif isinstance(layer, nn.MultiheadAttention) and name.endswith("proj_weight"):
                    yield from parameter.split(layer.embed_dim)


def _is_plain(layer: nn.Module) -> bool:
    return isinstance(layer, nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d)
