"""Races: our call against a peer's, in turns in one process, with the error of either and the floor.

On one thread, times are the processor's, so that what else runs on the machine does not count; on several they are the
clock's. Medians over rounds in which every variant has its turn. A ratio is the peer's time over ours.
"""

import argparse
import platform
import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch
from torch import Tensor

Call = Callable[[], Tensor]
ENOUGH = 10.0
"""Seconds after which a race ends, when every variant has had three turns."""
HEADING = """| job | ours | floor | peer | as it comes | tuned | error, ours | error, peer's |
|---|--:|--:|---|--:|---|--:|--:|"""


@dataclass(frozen=True, kw_only=True)
class Race:
    """One job: our call, the peer's as it comes and at each setting of a grid, and what they are compared with."""

    title: str
    peer: str = "captum"
    ours: Call
    theirs: Call
    grid: Mapping[str, Call] = field(default_factory=dict)
    floor: Call | None = None
    """The passes through the network that the answer needs, and nothing else."""
    error: Callable[[Tensor], float] | None = None
    """How wrong an answer is; without it, the largest difference between the two counts."""
    targets: tuple[float | None, float | None] = (None, None)
    """The least ratios that were aimed at: as the peer comes, and tuned."""


def main(about: str, races: Callable[[], Iterable[Race]]) -> None:
    """Read the options and print the table of these races, which are made one after the other."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="turns of every variant")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", default="", help="races whose title holds this")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    print(f"{about.splitlines()[0]}\n\n{machine()}; medians of {given.rounds} rounds\n\n{HEADING}")
    for race in races():
        if given.only in race.title:
            print(run(race, given.rounds), flush=True)
    print()


def machine() -> str:
    """What the times are of: processor, threads, versions."""
    known = Path("/proc/cpuinfo")
    lines = known.read_text().splitlines() if known.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    threads = torch.get_num_threads()
    packages = ", ".join(f"{name} {release(name)}" for name in ("torch", "captum", "shap", "quantus") if release(name))
    return f"{names[0] if names else platform.machine()}, {threads} thread{'s' * (threads > 1)}, {packages}"


def release(package: str) -> str:
    """The version of a package that is installed; nothing where it is not."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def run(race: Race, rounds: int) -> str:
    """Let the variants of a race take turns; one line of the table."""
    race.ours()
    setting = min(race.grid, key=lambda name: seconds(race.grid[name])) if race.grid else ""
    calls = {"ours": race.ours, "default": race.theirs, "tuned": race.grid.get(setting), "floor": race.floor}
    taken: dict[str, list[float]] = {name: [] for name, call in calls.items() if call is not None}
    start = time.perf_counter()
    for done in range(rounds):
        if done >= 3 and time.perf_counter() - start > ENOUGH:
            break
        for name, call in calls.items():
            if call is not None:
                taken[name].append(seconds(call))
    median = {name: statistics.median(times) for name, times in taken.items()}
    floor = f"{1000 * median['floor']:,.1f} ms" if "floor" in median else ""
    default = ratio(median["default"] / median["ours"], race.targets[0])
    tuned = f"{ratio(median['tuned'] / median['ours'], race.targets[1])}, {setting}" if setting else ""
    own = f"{1000 * median['ours']:,.1f} ms"
    return f"| {' | '.join((race.title, own, floor, race.peer, default, tuned, *errors(race)))} |"


def ratio(found: float, wanted: float | None) -> str:
    """How many times faster, and whether that is what was aimed at."""
    shown = f"{found:,.0f}×" if found >= 10 else f"{found:.1f}×"
    if wanted is None:
        return shown
    return f"{shown} (≥ {wanted:g})" if found >= wanted else f"**{shown}** (missed {wanted:g})"


def errors(race: Race) -> tuple[str, str]:
    """The error of either; where none is told, the largest difference as a share of the largest value."""
    ours, theirs = race.ours().detach().double(), race.theirs().detach().double()
    if race.error is not None:
        return f"{race.error(ours):.2g}", f"{race.error(theirs):.2g}"
    return f"differ by {float((ours - theirs).abs().max() / theirs.abs().max()):.0e}", "–"


def off(truth: Call) -> Callable[[Tensor], float]:
    """The error as a share of the truth's norm."""

    def error(values: Tensor) -> float:
        right = truth().double()
        return float((values.double() - right).norm() / right.norm())

    return error


def seconds(call: Call) -> float:
    """Seconds of one call: the processor's on one thread, else the clock's."""
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    start = clock()
    call()
    return clock() - start
