"""Randomisation: networks that have forgotten what they learnt, to see whether a map notices."""

from collections.abc import Iterator

import torch
from torch import nn

from workbench.weights import full_copy


def randomised(network: nn.Module, seed: int) -> nn.Module:
    """The network with the entries of each parameter permuted: every tensor keeps its values, and nothing else.

    Works in place; give it a full copy.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            order = torch.randperm(parameter.numel(), generator=generator).to(parameter.device)
            parameter.copy_(parameter.flatten()[order].view_as(parameter))
    return network


def upper_randomised(network: nn.Module, seed: int) -> nn.Module:
    """The same for the upper half of its layers alone, those nearest the output; the lower ones keep what they learnt.

    Works in place; give it a full copy.
    """
    return next(net for share, net in cascade(network, len(layers(network)), True, seed) if share >= 1 / 2)


def layers(network: nn.Module) -> list[list[str]]:
    """The names of the parameters of each layer (a module that has some of its own), in the order of definition."""
    found = dict(network.named_parameters())  # one that is shared counts once
    owned = (
        [f"{prefix}.{name}".lstrip(".") for name, _ in module.named_parameters(recurse=False)]
        for prefix, module in network.named_modules()
    )
    return [kept for names in owned if (kept := [name for name in names if name in found])]


def cascade(network: nn.Module, n_stages: int, top_down: bool, seed: int) -> Iterator[tuple[float, nn.Module]]:
    """Networks in which more and more layers are `randomised`, from the output or from the input on, before each the
    share of layers that are: `n_stages` of them, or one a layer where there are fewer; in the last all layers are.

    Works on the network in place, which is given out again and again; give it a full copy.
    """
    ordered = layers(network)[:: -1 if top_down else 1]
    strange = dict(randomised(full_copy(network), seed).named_parameters())
    own, done = dict(network.named_parameters()), 0
    stages = min(n_stages, len(ordered))
    for stage in range(1, stages + 1):
        until = -(-stage * len(ordered) // stages)
        with torch.no_grad():
            for name in [name for layer in ordered[done:until] for name in layer]:
                own[name].copy_(strange[name])
        done = until
        yield done / len(ordered), network
