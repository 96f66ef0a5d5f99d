"""Markup: small pieces of HTML whose every text is escaped, since texts come from links, files and keyboards."""

from collections.abc import Sequence
from html import escape

import numpy as np

from workbench.plots.style import SYMBOLS
from workbench.quantity import fixed, quantity, significant
from workbench.records import Grade, Reason, Table

LEAST_PERCENT = 0.01
"""Below it a percentage is nought for every purpose that a table is read for."""


class Html(str):
    """Text that is HTML already and was made in this file or out of its parts."""


def element(name: str, css: str, *children: object, style: str = "") -> Html:
    """`<name class=css>children</name>`; a child that is not `Html` is escaped."""
    attributes = f' class="{escape(css)}"' if css else ""
    attributes += f' style="{escape(style)}"' if style else ""
    inner = "".join(child if isinstance(child, Html) else escape(str(child)) for child in children)
    return Html(f"<{name}{attributes}>{inner}</{name}>")


def strong(text: object) -> Html:
    """Text that stands out."""
    return element("b", "", text)


def grade(value: Grade) -> Html:
    """One of the three words, with its shape: readable without colour."""
    return element("span", f"wb-grade {value.lower().replace(' ', '-')}", f"{SYMBOLS[value]} {value}")


def facts(pairs: Sequence[tuple[str, object]]) -> Html:
    """Names and values under each other."""
    cells = [part for name, value in pairs for part in (element("dt", "", name), element("dd", "", value))]
    return element("dl", "wb-facts", *cells)


def reasons(found: Sequence[Reason]) -> Html:
    """Each check with its outcome and its number."""
    rows = (
        element("li", "", element("span", "", "✓" if reason.holds else "✗"), element("span", "", reason.sentence))
        for reason in found
    )
    return element("ul", "wb-reasons", *rows)


def table(record: Table, shaded: frozenset[str] = frozenset(), chosen: str = "", bars: bool = False) -> Html:
    """A table of a record: numbers to the right with their intervals; rows named in `shaded` are controls."""
    heads = [_head(record, index) for index in range(len(record.columns))]
    rows = []
    for index, row in enumerate(record.rows):
        css = "control" if row[0] in shaded else "chosen" if chosen and row[0] == chosen else ""
        cells = (_cell(record, index, column, bars) for column in range(len(record.columns)))
        rows.append(element("tr", css, *cells))
    body = element("table", "wb-table", element("thead", "", element("tr", "", *heads)), element("tbody", "", *rows))
    return element("div", "wb-scroll", body)


def is_numeric(record: Table, column: int) -> bool:
    """Whether a column holds numbers."""
    return any(isinstance(row[column], int | float) for row in record.rows)


def _head(record: Table, index: int) -> Html:
    column = record.columns[index]
    arrow = {True: " ↑", False: " ↓", None: ""}[column.higher_is_better]
    unit = element("span", "unit", column.unit) if column.unit else Html("")
    return element("th", "number" if is_numeric(record, index) else "", f"{column.title}{arrow}", unit)


def _cell(record: Table, row: int, column: int, bars: bool) -> Html:
    value = record.rows[row][column]
    if isinstance(value, str) or value is None:
        return element("td", "number" if is_numeric(record, column) else "", value or "–")
    if record.low is None or record.high is None or np.isnan(record.low[row, column]):
        return element("td", "number", f"{value:,}" if isinstance(value, int) else _plain(value, column, record))
    low, high = float(record.low[row, column]), float(record.high[row, column])
    place = 0 if record.ranks is None else int(record.ranks[row, column])
    rank = element("span", "wb-rank first" if place == 1 else "wb-rank", f"#{place}") if place else Html("")
    if record.columns[column].unit == "%" and low >= 0 and high < LEAST_PERCENT:
        return element("td", "number", rank, f"< {LEAST_PERCENT}")
    bar = _bar(record, column, float(value), low, high) if bars else Html("")
    return element("td", "number", rank, quantity(float(value), low, high), bar)


def _plain(value: float, column: int, record: Table) -> str:
    """A number with the column's decimals; more where nothing but zeros would be left."""
    text = fixed(float(value), record.columns[column].digits)
    return significant(float(value), 2) if value and not text.strip("−0.,") else text


def _bar(record: Table, column: int, value: float, low: float, high: float) -> Html:
    """The interval and the value on the column's common scale."""
    assert record.low is not None
    assert record.high is not None
    least, most = np.nanmin(record.low[:, column]), np.nanmax(record.high[:, column])
    span = max(most - least, 1e-12)

    def place(x: float) -> float:
        return 100 * (x - least) / span

    interval = element("i", "", style=f"left:{place(low):.1f}%;width:{place(high) - place(low):.1f}%")
    return element("span", "wb-bar", interval, element("b", "", style=f"left:{place(value):.1f}%"))
