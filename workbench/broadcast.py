"""Broadcast: one row of a tape beside a tape of many, each of whose rows it is compared with."""

from typing import Any

from torch import Tensor

from workbench.tape import Step, Tape


def beside(tape: Tape, twin: Tape, row: int) -> Tape | None:
    """A tape whose values are row `row` of those of `tape`, as a single one; its constants are those of `twin`.

    None where the two are not of the same operations and constants, or a value's rows have no axis of their own. The
    tapes must be of different numbers of rows, which is how the axis is told.
    """
    counts = (len(tape.values[0]), len(twin.values[0]))
    pairs = zip(tape.values, twin.values, strict=False)
    values = [_single(one, other, row, counts) for one, other in pairs]
    if len(tape.steps) != len(twin.steps) or len(tape.values) != len(twin.values):
        return None
    steps = []
    for one, other in zip(tape.steps, twin.steps, strict=True):
        if one.operation != other.operation or one.live != other.live:
            return None
        leaves: list[Any] = list(other.leaves)
        for place, (mine, theirs) in enumerate(zip(one.leaves, other.leaves, strict=True)):
            if place in one.live:
                leaves[place] = values[one.live[place]]
            elif not _same(mine, theirs, row, counts):
                return None
        made = [
            values[out] if out is not None else _single(mine, theirs, row, counts)
            for out, mine, theirs in zip(one.outputs, one.made, other.made, strict=True)
        ]
        steps.append(Step(one.operation, tuple(leaves), one.structure, one.live, one.outputs, tuple(made)))
    known = tuple(value for value in values if value is not None)
    return Tape(tuple(steps), known, tape.output) if len(known) == len(values) else None


def _single(one: Any, other: Any, row: int, counts: tuple[int, int]) -> Any:
    """One row of a tensor, with its axis kept; what has no rows as it is, None where they have no axis."""
    if not isinstance(one, Tensor) or one.shape == other.shape:
        return one
    apart = [axis for axis, sizes in enumerate(zip(one.shape, other.shape, strict=False)) if sizes[0] != sizes[1]]
    if len(apart) != 1 or one.ndim != other.ndim or (one.shape[apart[0]], other.shape[apart[0]]) != counts:
        return None
    return one.narrow(apart[0], row, 1)


def _same(mine: Any, theirs: Any, row: int, counts: tuple[int, int]) -> bool:
    """Whether two constants are the same of this row: numbers of rows are, and tensors whose rows are."""
    if not isinstance(mine, Tensor):
        return mine is theirs or mine == theirs or (mine, theirs) == counts
    if mine is theirs or (mine.data_ptr() == theirs.data_ptr() and mine.shape == theirs.shape):
        return True
    single = _single(mine, theirs, row, counts)
    return single is not None and bool((single == theirs).all())
