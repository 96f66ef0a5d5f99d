"""Tables: rows of text and numbers, with the intervals and the ranks that were measured."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from workbench.record import Record


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a `Table`: its title, unit, whether higher is better (None: neither), and the digits shown."""

    title: str
    unit: str = ""
    higher_is_better: bool | None = None
    digits: int = 3


@dataclass(frozen=True, kw_only=True, eq=False)
class Table(Record):
    """Rows of text and numbers; `low` and `high` (row, column) are intervals, NaN where none was measured.

    `ranks` (row, column) are places among the rows, where places were told apart; 0 where there is none.
    """

    name = "table"
    shapes = {
        "rows": "row",
        "columns": "column",
        **dict.fromkeys(("low", "high", "ranks"), "row column"),
    }
    columns: tuple[Column, ...]
    rows: tuple[tuple[str | float | int | None, ...], ...]
    low: np.ndarray | None = None
    high: np.ndarray | None = None
    ranks: np.ndarray | None = None
    note: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if wrong := [row for row in self.rows if len(row) != len(self.columns)]:
            raise ValueError(f"{len(wrong[0])} cells in a row of a table of {len(self.columns)} columns.")

    def part(self, rows: Sequence[int] | None = None, columns: Sequence[int] | None = None) -> Self:
        """Some of the rows and columns, in the order given; None: all."""
        down = list(range(len(self.rows)) if rows is None else rows)
        across = list(range(len(self.columns)) if columns is None else columns)
        cells = np.ix_(down, across)
        return replace(
            self,
            columns=tuple(self.columns[i] for i in across),
            rows=tuple(tuple(self.rows[row][i] for i in across) for row in down),
            low=None if self.low is None else self.low[cells],
            high=None if self.high is None else self.high[cells],
            ranks=None if self.ranks is None else self.ranks[cells],
        )
