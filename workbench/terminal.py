"""The terminal: records as text. Nothing here computes."""

import json
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table as RichTable

from workbench import answer
from workbench.agreement import named
from workbench.quantity import quantity, significant
from workbench.record import Record
from workbench.records import Attribution, Evidence, Grade, Score, Surface, Table
from workbench.storage import to_json
from workbench.words import merged_words

SYMBOLS = {Grade.SUPPORTED: "●", Grade.MIXED: "◐", Grade.NOT_SUPPORTED: "○"}
SHADES = " ░▒▓█"
LARGEST = 10
"""Features that are named."""
WIDTH_OF_A_FILE = 120
console = Console(width=None if sys.stdout.isatty() else WIDTH_OF_A_FILE)
notes = Console(stderr=True)


def print_json(value: Any) -> None:
    """JSON on standard output, never with NaN or Infinity, which are not JSON."""
    print(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


def print_record(record: Record, as_json: bool) -> None:
    """A table as a table; of what is a figure its title and its bare numbers; all of it as JSON if asked."""
    if isinstance(record, Table):
        print_json(_rows(record)) if as_json else print_table(record)
    elif as_json:
        print_json(to_json(record))
    else:
        console.print(f"[bold]{escape(record.title)}[/bold]", highlight=False)
        for line in _summary(record):
            console.print(escape(line), highlight=False)


def _rows(table: Table) -> list[dict[str, Any]]:
    """A table for programs: an object per row; a measured number is an object with its interval and unit."""
    return [
        {column.title: _number(table, r, c, row[c]) for c, column in enumerate(table.columns)}
        for r, row in enumerate(table.rows)
    ]


def _number(table: Table, row: int, column: int, value: str | float | int | None) -> Any:
    """An object in every column that has a better end, measured interval or not: one type per column."""
    if isinstance(value, float) and not np.isfinite(value):
        value = None
    described = table.columns[column]
    if described.higher_is_better is None:
        return value
    ends = (float("nan") if end is None else float(end[row, column]) for end in (table.low, table.high))
    low, high = (end if np.isfinite(end) else None for end in ends)
    measured = {"value": value, "low": low, "high": high, "unit": described.unit}
    place = 0 if table.ranks is None else int(table.ranks[row, column])
    return measured if table.ranks is None else {**measured, "rank": place or None}


def _summary(record: Record) -> list[str]:
    if isinstance(record, Score):
        controls = record.control[np.isfinite(record.control)]
        middle = f"; random control: {significant(controls.mean())} on average" if controls.size else ""
        low, high = significant(record.low), significant(record.high)
        return [
            f"{significant(record.mean)} ({low} to {high}) {record.unit}{middle}",
            *filter(None, [record.why, record.remark]),
        ]
    if isinstance(record, Surface):
        least, most = significant(record.loss.min()), significant(record.loss.max())
        middle = significant(record.loss[len(record.y) // 2, len(record.x) // 2])
        return [f"{record.unit}: {middle} in the middle, {least} to {most} over the plane. --out FILE.html draws it."]
    return ["--out FILE.html draws it, --json prints its numbers."]


def print_table(table: Table) -> None:
    """Columns with their units, numbers with their intervals."""
    drawn = RichTable(title=table.title or None, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for index, column in enumerate(table.columns):
        numeric = any(isinstance(row[index], int | float) for row in table.rows)
        title = f"{column.title}\n({column.unit})" if column.unit else column.title
        drawn.add_column(title, justify="right" if numeric else "left", no_wrap=index == 0)
    for r, row in enumerate(table.rows):
        drawn.add_row(*(_cell(table, r, c, value) for c, value in enumerate(row)))
    console.print(drawn)
    if table.note:
        console.print(escape(table.note), highlight=False)


def _cell(table: Table, row: int, column: int, value: str | float | int | None) -> str:
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return "–"
    if isinstance(value, str):
        return escape(value)
    digits = table.columns[column].digits
    place = 0 if table.ranks is None else int(table.ranks[row, column])
    if place and table.low is not None and table.high is not None:
        return escape(f"#{place} {quantity(float(value), table.low[row, column], table.high[row, column])}")
    if isinstance(value, float) and 0 < abs(value) < 10**-digits:
        return f"< {10**-digits:.{digits}f}"
    if table.low is not None and table.high is not None and np.isfinite(table.low[row, column]):
        return escape(quantity(float(value), table.low[row, column], table.high[row, column]))
    return f"{value:,}" if isinstance(value, int) else f"{value:,.{digits}f}"


def print_attribution(record: Attribution, evidence: Sequence[Evidence]) -> None:
    """What the model says, what moved it, and how far that can be trusted, per sample."""
    for index in range(len(record)):
        one = record.take(index)
        says = f"{one.subject} says {answer.said(one, 0)}"
        truth = f", {answer.truth(one, 0)}" if one.label_names[0] else ""
        console.print(f"[bold]{escape(one.sample_ids[0])}[/bold]  {escape(says + truth)}", highlight=False)
        _print_values(one)
        has_reference = np.isfinite(one.f_reference[0])
        gap = f", f(x') = {one.f_reference[0]:.3f}, gap {answer.gap(one, 0)}" if has_reference else ""
        passes = f"{one.forward_passes} forward and {one.backward_passes} backward passes"
        what = answer.explained(one, 0) if answer.is_number(one) else one.target
        console.print(escape(f"{what}: f(x) = {one.f_x[0]:.3f}{gap}; {passes}"), highlight=False)
        _print_evidence(evidence[index])


def _print_values(one: Attribution) -> None:
    if one.tokens is not None:
        words, values = merged_words(one)
        table = RichTable(box=None, show_header=False, pad_edge=False)
        for word, value in zip(words, values, strict=True):
            bar = "█" * round(12 * abs(value) / max(np.abs(values).max(), 1e-12))
            table.add_row(escape(word), f"{value:+.3f}", bar)
        console.print(table)
    elif "height" in one.axes:
        grid = np.abs(one.sum("channel").values[0] if "channel" in one.axes else one.values[0])
        for row in grid / max(grid.max(), 1e-12):
            console.print("  " + "".join(2 * SHADES[round(v * (len(SHADES) - 1))] for v in row), highlight=False)
    else:
        flat = one.values[0].ravel()
        for place in np.argsort(-np.abs(flat), kind="stable")[:LARGEST]:
            console.print(f"  {escape(named(one, int(place)))}  {flat[place]:+.3f}", highlight=False)


def _print_evidence(evidence: Evidence) -> None:
    console.print(f"[bold]{SYMBOLS[evidence.grade]} {evidence.grade.value}[/bold]", highlight=False)
    for reason in evidence.reasons:
        console.print(f"  {'✓' if reason.holds else '✗'} {escape(reason.sentence)}", highlight=False)
    for remark in evidence.remarks:
        console.print(f"  · {escape(remark)}", style="dim", highlight=False)
