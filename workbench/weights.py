"""Weights: private copies of a module, and what identifies what it has learnt."""

import copy
import hashlib
from collections import OrderedDict

import torch
from torch import Tensor, nn

from zoo.errors import InputError

HOOKS = (
    "_forward_hooks",
    "_forward_hooks_with_kwargs",
    "_forward_hooks_always_called",
    "_forward_pre_hooks",
    "_forward_pre_hooks_with_kwargs",
    "_backward_hooks",
    "_backward_pre_hooks",
)


def shared_copy(module: nn.Module) -> nn.Module:
    """A copy that shares parameters with the original; modules and buffers are its own, and hooks are left out."""
    return _copied(module, {id(parameter): parameter for parameter in module.parameters()})


def full_copy(module: nn.Module) -> nn.Module:
    """A copy that shares nothing, without hooks."""
    return _copied(module, {})


def state_digest(module: nn.Module) -> str:
    """sha256 over names, types, shapes and bytes of a module's parameters and buffers."""
    found = hashlib.sha256()
    for name, value in sorted(module.state_dict().items()):
        if isinstance(value, Tensor):
            found.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
            found.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return found.hexdigest()


def versions(module: nn.Module) -> tuple[int, ...]:
    """How often each parameter was written to, which torch counts: equal as long as nobody changed the weights."""
    return tuple(0 if parameter.is_inference() else parameter._version for parameter in module.parameters())


def _copied(module: nn.Module, memo: dict[int, object]) -> nn.Module:
    """A deep copy. Tensors that modules keep beside their parameters (as weight normalisation does its product) may
    belong to a graph, which torch refuses to copy: their values are copied instead."""
    for part in module.modules():
        beside = [value for value in vars(part).values() if isinstance(value, Tensor)]
        for tensor in [*beside, *part.buffers(recurse=False)]:
            memo[id(tensor)] = tensor.detach().clone()
        for hooks in (vars(part).get(name) for name in HOOKS):
            if hooks is not None:
                memo[id(hooks)] = OrderedDict((key, hook) for key, hook in hooks.items() if _is_of_torch(hook))
    try:
        return copy.deepcopy(module, memo)
    except RuntimeError as error:
        raise InputError(
            f"{type(module).__name__} cannot be copied ({str(error).splitlines()[0]}). Keep only parameters and "
            "buffers in it, and normalise weights with torch.nn.utils.parametrizations.weight_norm."
        ) from error


def _is_of_torch(hook: object) -> bool:
    """Whether a hook is part of the function, as those of torch.nn.utils.weight_norm, spectral_norm and prune are."""
    return type(hook).__module__.startswith("torch.nn.utils.")
