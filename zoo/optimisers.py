"""Optimisers: how a gradient becomes a step, and how long the step is over the course of training."""

import contextlib
import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from zoo.errors import unknown
from zoo.recipe import Training

OPTIMISERS = ("sgd", "momentum", "rmsprop", "adam", "adamw", "sam")
SCHEDULES = ("cosine", "linear", "constant")
TINY = 1e-12
"""Added to the norm of a gradient that is divided by it."""


def optimiser(model: nn.Module, how: Training, device: torch.device) -> torch.optim.Optimizer:
    """The optimiser that a recipe names, over the parameters of a network. With gradient g, rate η and betas (β₁, β₂):

    sgd       w ← w − η g
    momentum  v ← β₁ v + g;  w ← w − η (g + β₁ v), which is Nesterov's
    rmsprop   s ← β₂ s + (1 − β₂) g²;  w ← w − η g / √s
    adam      m ← β₁ m + (1 − β₁) g, s as above, both divided by 1 − βᵗ;  w ← w − η m / √s
    adamw     as adam, but the decay acts on the weights alone: w ← (1 − η λ) w
    sam       as momentum, with the gradient that `climbed` gives

    Weight decay λ adds λ w to the gradient, except in adamw. Biases, and shifts and scales of normalisation, are not
    decayed. An embedding table may have a learning rate of its own, since most of its rows are rarely used.
    Reference: [sutskever2013importance], [tieleman2012lecture], [kingma2015adam], [loshchilov2019decoupled]
    """
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        own = how.embedding_rate if name == "embedding.weight" else None
        rate = how.learning_rate if own is None else own
        groups.setdefault((rate, how.weight_decay if parameter.ndim > 1 else 0.0), []).append(parameter)
    settings = [{"params": p, "lr": r, "full": r, "weight_decay": d} for (r, d), p in groups.items()]
    fused = device.type == "cuda"
    match how.optimiser:
        case "sgd":
            return torch.optim.SGD(settings, fused=fused)
        case "momentum" | "sam":
            return torch.optim.SGD(settings, momentum=how.betas[0], nesterov=True, fused=fused)
        case "rmsprop":
            return torch.optim.RMSprop(settings, alpha=how.betas[1])
        case "adam":
            return torch.optim.Adam(settings, betas=how.betas, fused=fused)
        case "adamw":
            return torch.optim.AdamW(settings, betas=how.betas, fused=fused)
    raise unknown("optimiser", how.optimiser, OPTIMISERS)


@contextlib.contextmanager
def climbed(model: nn.Module, radius: float) -> Iterator[None]:
    """Within the block the weights are where the loss is about highest within a radius: w + ρ g / ‖g‖, g being the
    gradient that the parameters carry, ‖g‖ its norm over all of them.

    A backward pass within the block leaves the gradient up there, with which sharpness-aware minimisation then steps
    from w. After the block the weights are w again, bit for bit, and so are the buffers: normalisation takes its
    statistics from the first pass alone.
    Reference: [foret2021sharpness]
    """
    moved = [parameter for parameter in model.parameters() if parameter.grad is not None]
    gradients = [parameter.grad for parameter in moved if parameter.grad is not None]
    kept = [(tensor, tensor.detach().clone()) for tensor in (*moved, *model.buffers())]
    with torch.no_grad():
        scale = radius / (nn.utils.get_total_norm(gradients) + TINY)
        for parameter, gradient in zip(moved, gradients, strict=True):
            parameter.add_(gradient * scale)
    model.zero_grad()
    try:
        yield
    finally:
        _put_back(kept)


@torch.no_grad()
def _put_back(kept: list[tuple[Tensor, Tensor]]) -> None:
    for tensor, before in kept:
        tensor.copy_(before)


def schedule(step: int, total: int, warm_up: float, kind: str = "cosine") -> float:
    """Share of the full learning rate at a step: up along a line in the first `warm_up` of all, and from there down to
    zero along a cosine or a line, or as it is ("constant").

    Reference: [loshchilov2017sgdr]
    """
    rise = warm_up * total
    if step < rise:
        return (step + 1) / max(rise, step + 1)
    match kind:
        case "cosine":
            return 0.5 * (1 + math.cos(math.pi * (step - rise) / (total - rise)))
        case "linear":
            return 1 - (step - rise) / (total - rise)
        case "constant":
            return 1.0
    raise unknown("schedule", kind, SCHEDULES)
