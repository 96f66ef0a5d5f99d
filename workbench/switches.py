"""Switches: which kernels torch may use, a setting of the whole process."""

import contextlib
import threading
from collections.abc import Iterator

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

_LOCK = threading.RLock()
"""Two sessions that switch at once would undo each other's choice, or leave it switched."""


@contextlib.contextmanager
def plain_kernels(recurrent: bool = False, attention: bool = False, onednn: bool = False) -> Iterator[None]:
    """Without fused recurrent layers, fused attention, or oneDNN's layers (which fuse recurrent ones on a CPU); nothing
    is locked where nothing is switched."""
    if not (recurrent or attention or onednn):
        yield
        return
    with _LOCK, contextlib.ExitStack() as switched:
        if attention:
            switched.enter_context(sdpa_kernel(SDPBackend.MATH))
        if recurrent:
            switched.enter_context(torch.backends.cudnn.flags(enabled=False))
        if onednn:
            switched.callback(torch._C._set_mkldnn_enabled, torch._C._get_mkldnn_enabled())
            torch._C._set_mkldnn_enabled(False)
        yield
