"""Several processes: data-parallel training by torch's own engine, started with torchrun."""

import contextlib
import gc
import importlib
import os
from collections.abc import Iterator

import torch
from jaxtyping import Shaped
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel


@contextlib.contextmanager
def joined(device: torch.device) -> Iterator[None]:
    """Within the block this is one of the processes that `torchrun --nproc-per-node N -m zoo train NAME` started, over
    gloo on the CPU and NCCL on CUDA, each process on a GPU of its own. Without torchrun nothing happens.

    Every batch is shared out, so the batch size of a recipe stays that of all processes together, and the gradient is
    the mean over the whole batch: without batch normalisation and dropout the losses are those of one process, but for
    the order of their sums. Batch normalisation takes its statistics from each process's own share (those of the
    first process are kept), and dropout draws the same masks in every process. Only the first process writes.
    Reference: [li2020pytorch]
    """
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        yield
        return
    if device.type == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    # A group that something still holds keeps its threads, and now and then one of them aborts the interpreter at its
    # end. This module's functions take the group that is there when it is first imported as their default.
    importlib.import_module("torch.distributed.nn")
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield
    finally:
        gc.collect()  # a wrapped module is part of a cycle, and holds the group
        distributed.destroy_process_group()


def processes() -> int:
    """How many processes train together."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def rank() -> int:
    """Which of them this one is, from 0."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def together(module: nn.Module) -> nn.Module:
    """The module, its gradients averaged over the processes in every backward pass."""
    if processes() == 1:
        return module
    return DistributedDataParallel(module)


def share(
    inputs: Shaped[Tensor, "sample ..."], targets: Shaped[Tensor, "sample ..."]
) -> tuple[Shaped[Tensor, "part ..."], Shaped[Tensor, "part ..."], int]:
    """This process's part of a batch, and how many of its samples count: where a batch has fewer samples than there are
    processes, some answer a sample that does not count, since all must take part."""
    if processes() == 1:
        return inputs, targets, len(inputs)
    rows = slice(rank(), None, processes())
    count = len(inputs[rows])
    return (inputs[rows], targets[rows], count) if count else (inputs[:1], targets[:1], 0)


def total(values: Tensor) -> Tensor:
    """The sum of every process's values."""
    if processes() > 1:
        distributed.all_reduce(values)
    return values


def agreed(values: Tensor) -> Tensor:
    """The first process's values, so that all decide alike."""
    if processes() > 1:
        distributed.broadcast(values, 0)
    return values
