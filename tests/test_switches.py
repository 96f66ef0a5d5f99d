"""Kernels are switched for the whole process: sessions that switch them at once must leave them as they were."""

import contextlib
import threading
from collections.abc import Callable
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from workbench.landscape.curvature import twice_differentiable
from workbench.query import Query
from zoo.model import Capability


def gradients(device: str = "cuda") -> contextlib.AbstractContextManager:
    """What a query of a recurrent network does around its backward pass."""
    capabilities = frozenset({Capability.GRADIENT, Capability.RECURRENT})
    subject = SimpleNamespace(capabilities=capabilities, device=torch.device(device))
    return Query._differentiable(SimpleNamespace(subject=subject))


def curvature() -> contextlib.AbstractContextManager:
    return twice_differentiable(nn.GRU(2, 2, device="meta"))


@pytest.mark.parametrize("second", [gradients, curvature])
@pytest.mark.parametrize("first", [gradients, curvature])
def test_kernels_are_as_before_after_two_sessions(first: Callable, second: Callable):
    assert torch.backends.cudnn.enabled
    inside, seen = threading.Event(), []

    def wait() -> None:
        with second():
            inside.set()
            leave.wait(10)
            seen.append(torch.backends.cudnn.enabled)

    leave = threading.Event()
    thread = threading.Thread(target=wait)
    try:
        with first():
            assert not torch.backends.cudnn.enabled
            thread.start()
            inside.wait(0.2)
        leave.set()
        thread.join(10)
        assert seen == [False]
        assert torch.backends.cudnn.enabled
    finally:
        torch.backends.cudnn.enabled = True


def test_what_switches_nothing_waits_for_nobody():
    passed = threading.Event()

    def run() -> None:
        with gradients("cpu"):
            passed.set()

    with curvature():
        thread = threading.Thread(target=run)
        thread.start()
        assert passed.wait(5)
    thread.join(5)
