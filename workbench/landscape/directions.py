"""Random directions in the space of weights, scaled so that networks can be compared."""

import math
from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from workbench.landscape.loss import Weights
from zoo.errors import InputError

NORMALISATIONS = ("filter", "layer", "none")


def random_directions(
    weights: Mapping[str, Tensor], count: int, seed: int = 0, normalisation: str = "filter"
) -> tuple[Weights, ...]:
    """`count` Gaussian directions, made orthogonal first and scaled afterwards, group by group.

    filter: d_f ← d_f ‖θ_f‖ / ‖d_f‖ for every filter f, a row of a parameter along its first axis (an output channel,
            a unit, a token's embedding). layer: the same for every whole parameter. In both, parameters with fewer
            than two axes (biases, the weights of norms) stay where they are. A displacement of 1 is then as long as
            the weights that it moves.
    none:   the direction of all parameters together has length 1, so a displacement is a Euclidean distance.

    What holds: within every group the directions are orthogonal and have the group's norm, and so they are orthogonal
    as a whole. A group of fewer numbers than `count` has no room for that: its last directions are zero there. Where
    a whole direction would be zero an `InputError` is raised. The seed and the shapes alone decide the draws, and a
    larger `count` only adds to them.
    """
    generator = torch.Generator().manual_seed(seed)
    draws = [
        {name: torch.randn(value.shape, generator=generator, dtype=torch.float64) for name, value in weights.items()}
        for _ in range(count)
    ]
    drawn = {name: torch.stack([draw[name] for draw in draws]) for name in weights}
    scaled = _as_one(drawn) if normalisation == "none" else _in_groups(drawn, weights, normalisation)
    found = tuple({name: values[i].to(weights[name]) for name, values in scaled.items()} for i in range(count))
    for number, direction in enumerate(found, start=1):
        if not any(values.any() for values in direction.values()):
            raise InputError(
                f"The network's weights have no direction {number} under normalisation {normalisation!r}: its filters "
                "are too small or zero. Choose normalisation 'none' or fewer directions."
            )
    return found


def displaced(weights: Mapping[str, Tensor], directions: Sequence[Weights], coordinates: Sequence[float]) -> Weights:
    """θ + Σ_i c_i d_i; exactly θ where every coordinate is zero."""
    moved = dict(weights)
    for direction, coordinate in zip(directions, coordinates, strict=True):
        moved = {name: value + coordinate * direction[name] for name, value in moved.items()}
    return moved


def norm(weights: Mapping[str, Tensor]) -> float:
    """The Euclidean length of all parameters together."""
    return math.sqrt(sum(float(value.double().square().sum()) for value in weights.values()))


def _in_groups(drawn: Mapping[str, Tensor], weights: Mapping[str, Tensor], normalisation: str) -> Weights:
    scaled = {}
    for name, values in drawn.items():
        if values.ndim < 3:  # one axis counts the directions: this is a bias or the weight of a norm
            scaled[name] = torch.zeros_like(values)
            continue
        rows = values.shape[1] if normalisation == "filter" else 1
        trained = weights[name].detach().cpu().double().reshape(rows, -1)
        lengths = trained.norm(dim=1)[None, :, None]
        scaled[name] = (lengths * _orthonormal(values.reshape(len(values), rows, -1))).reshape(values.shape)
    return scaled


def _as_one(drawn: Mapping[str, Tensor]) -> Weights:
    count = len(next(iter(drawn.values())))
    whole = _orthonormal(torch.cat([values.reshape(count, 1, -1) for values in drawn.values()], dim=2))
    parts = whole[:, 0].split([values[0].numel() for values in drawn.values()], dim=1)
    return {name: part.reshape(values.shape) for (name, values), part in zip(drawn.items(), parts, strict=True)}


def _orthonormal(
    values: Float[Tensor, "direction group feature"],
) -> Float[Tensor, "direction group feature"]:
    """Gram-Schmidt over the directions within each group; directions that find no room are zero."""
    basis, upper = torch.linalg.qr(values.permute(1, 2, 0))
    basis = basis * upper.diagonal(dim1=1, dim2=2).sign()[:, None]  # the first keeps the way it was drawn
    result = torch.zeros_like(values)
    result[: basis.shape[2]] = basis.permute(2, 0, 1)
    return result
