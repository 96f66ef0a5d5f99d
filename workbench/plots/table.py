"""Figures of tables: rows of text and numbers, with the digits that their intervals justify."""

import math

import plotly.graph_objects as go

from workbench.plots import style
from workbench.quantity import fixed, quantity
from workbench.records import Column, Table

ROW = 28


def figure(record: Table, *, theme: str = "light") -> go.Figure:
    """The table as a figure: text to the left, numbers to the right in figures of one width."""
    colours = style.palette(theme)
    height = (len(record.rows) + 1) * ROW + 64 + (24 if record.note else 0)
    made = style.blank(theme, style.plain(record.title), height)
    made.update_layout(margin={"l": 2, "r": 2, "t": 44, "b": 30 if record.note else 6})
    numeric = [is_numeric(record, index) for index in range(len(record.columns))]
    align = ["right" if number else "left" for number in numeric]
    columns = [
        [style.plain(cell(record, row, column)) for row in range(len(record.rows))] for column in range(len(align))
    ]
    look = {"align": align, "height": ROW, "line": {"color": colours.line, "width": 1}}
    made.add_trace(
        go.Table(
            columnwidth=[_width(column, values) for column, values in zip(record.columns, columns, strict=True)],
            header=look
            | {
                "values": [f"<b>{style.plain(heading(column))}</b>" for column in record.columns],
                "fill": {"color": colours.second},
                "font": {"color": colours.text, "size": style.BODY},
            },
            cells=look
            | {
                "values": columns,
                "fill": {"color": colours.ground},
                "font": {
                    "color": colours.text,
                    "size": style.BODY,
                    "family": [style.MONO if number else style.SANS for number in numeric],
                },
            },
        )
    )
    if record.note:
        note = style.note(style.plain(record.note), (0, 0), paper=True, shift=(0, -4), colour=colours.quiet)
        made.update_layout(annotations=[note])
    return made


def heading(column: Column) -> str:
    """A column's title, its unit, and an arrow to its better end."""
    unit = f", {column.unit}" if column.unit else ""
    arrow = {True: " ↑", False: " ↓", None: ""}[column.higher_is_better]
    return f"{column.title}{unit}{arrow}"


def cell(record: Table, row: int, column: int) -> str:
    """A cell as text; "–" for what is missing, "98.9 ± 0.7" where an interval was measured, "#2" in front: the rank."""
    value = record.rows[row][column]
    if value is None:
        return "–"
    if isinstance(value, (str, bool)):
        return str(value)
    low = math.nan if record.low is None else float(record.low[row, column])
    high = math.nan if record.high is None else float(record.high[row, column])
    place = rank(record, row, column)
    if math.isfinite(low) and math.isfinite(high) and high > low:
        return place + quantity(float(value), low, high)
    return place + fixed(float(value), record.columns[column].digits)


def rank(record: Table, row: int, column: int) -> str:
    """The rank of a cell as it stands in front of its value: "#2 ", or nothing where there is none."""
    place = 0 if record.ranks is None else int(record.ranks[row, column])
    return f"#{place} " if place else ""


def is_numeric(record: Table, column: int) -> bool:
    """Whether a column holds numbers (and nothing but numbers and gaps)."""
    values = [row[column] for row in record.rows if row[column] is not None]
    return bool(values) and all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)


def _width(column: Column, values: list[str]) -> float:
    return max([style.text_width(text) for text in [heading(column), *values]]) + 24
