"""Energy: what a training takes, measured where the machine says it, else estimated from the time the CPU worked."""

import contextlib
import ctypes
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

POWERCAP = Path("/sys/class/powercap")
"""Where Linux shows the energy counters of processors (RAPL), if they may be read."""
WATTS_PER_CORE = 10.0
"""Assumed of a busy core with its share of memory and supply: servers with 32 to 64 cores take 200 to 400 W."""


@dataclass
class Spent:
    """What was spent within a block: known once it has ended."""

    joules: float | None = 0.0
    core_seconds: float | None = None
    """That all threads of this process worked: whatever else ran on the machine meanwhile does not count."""
    how: str = "not measured"
    """How the energy was found, in words: what was measured, and what was assumed."""


@contextlib.contextmanager
def spending(device: torch.device) -> Iterator[Spent]:
    """Whatever happens within the block, in joules: of the processor and, on CUDA, of the GPU.

    Counters are of the whole machine; the estimate counts the seconds that all threads of this process worked.
    When it misleads: whatever else runs on the machine counts too where it is measured, and idle cores, fans and
    cooling count for nothing where it is estimated.
    """
    spent = Spent()
    cores, processor, gpu = time.process_time(), _processor(), _gpu(device)
    yield spent
    cores_after, processor_after, gpu_after = time.process_time(), _processor(), _gpu(device)
    spent.core_seconds = cores_after - cores
    joules = WATTS_PER_CORE * spent.core_seconds
    spent.how = f"processor: estimated, {spent.core_seconds:.1f} core seconds at an assumed {WATTS_PER_CORE:g} W"
    if processor and processor.keys() == processor_after.keys():
        joules = sum(_difference(processor[zone], processor_after[zone]) for zone in processor)
        spent.how = "processor: measured (RAPL)"
    if gpu is not None and gpu_after is not None:
        joules += gpu_after - gpu
        spent.how += "; GPU: measured (NVML)"
    elif device.type == "cuda":
        spent.how += "; GPU: not measured"
    spent.joules = joules


def _processor() -> dict[str, tuple[float, float]]:
    """Joules so far, and where the counter starts again, of each processor package; empty where nothing is shown."""
    found = {}
    with contextlib.suppress(OSError, ValueError):
        for zone in sorted(POWERCAP.glob("intel-rapl:?*")):
            if (zone / "name").read_text().startswith("package"):
                counts = (int((zone / name).read_text()) / 1e6 for name in ("energy_uj", "max_energy_range_uj"))
                found[zone.name] = (next(counts), next(counts))
        return found
    return {}


def _difference(before: tuple[float, float], after: tuple[float, float]) -> float:
    """Joules between two readings of a counter that starts again once it is full."""
    return (after[0] - before[0]) % after[1] if after[0] < before[0] else after[0] - before[0]


def _gpu(device: torch.device) -> float | None:
    """Joules that a GPU has taken so far, by its driver's library; None where it does not say."""
    if device.type != "cuda":
        return None
    torch.cuda.synchronize(device)
    identity = f"GPU-{torch.cuda.get_device_properties(device).uuid}"
    with contextlib.suppress(OSError, AttributeError):
        nvml = ctypes.CDLL("libnvidia-ml.so.1")
        handle, counted = ctypes.c_void_p(), ctypes.c_ulonglong()
        if (
            nvml.nvmlInit_v2() == 0
            and nvml.nvmlDeviceGetHandleByUUID(identity.encode(), ctypes.byref(handle)) == 0
            and nvml.nvmlDeviceGetTotalEnergyConsumption(handle, ctypes.byref(counted)) == 0
        ):
            return counted.value / 1000
    return None
