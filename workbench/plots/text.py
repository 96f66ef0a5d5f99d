"""Figures of attributions over words: a sentence in shaded cells, several methods under each other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from workbench import answer
from workbench.plots import captions, style
from workbench.plots.colour import text_on
from workbench.plots.style import Palette
from workbench.quantity import decimals, fixed, significant
from workbench.records import Attribution, Evidence
from workbench.words import merged_words

CELL = 40
"""Height of a cell, pixels: a word and its value below."""
GAP = 4
PADDING = 14
BETWEEN_LINES = 18
LABEL = 176
"""Width of the column of methods, pixels."""
LONGEST_WORD = 28
"""Letters of a word that are shown; the whole word is in the hover."""


@dataclass(frozen=True)
class Cell:
    """Where a word goes: its line, and its left and right edge in pixels."""

    line: int
    left: float
    right: float


def layout(words: Sequence[str], notes: Sequence[str], width: float) -> list[Cell]:
    """Cells for words, left to right, in lines of at most `width` pixels; a cell fits its word and its notes."""
    cells: list[Cell] = []
    line, left = 0, 0.0
    for word, note in zip(words, notes, strict=True):
        wide = max(style.text_width(word), style.text_width(note, style.SMALL)) + PADDING
        if left > 0 and left + wide > width:
            line, left = line + 1, 0.0
        cells.append(Cell(line, left, left + wide))
        left += wide + GAP
    return cells


def draw(
    rows: Sequence[Attribution],
    graded: Sequence[Evidence | None],
    *,
    common_scale: bool,
    title: str,
    width: float,
    theme: str,
) -> go.Figure:
    """One sentence: a row of shaded words for each attribution, aligned, wrapped together at `width` pixels."""
    colours = style.palette(theme)
    words = merged_words(rows[0])[0]
    values = np.stack([merged_words(record)[1] for record in rows])
    shown = [word if len(word) <= LONGEST_WORD else word[: LONGEST_WORD - 1] + "…" for word in words]
    places = decimals(float(np.abs(values).max()) if values.size else 1.0)
    texts = [[fixed(value, places) for value in row] for row in values.tolist()]
    widest = [max(column, key=len) for column in zip(*texts, strict=True)]
    cells = layout(shown, widest, width - LABEL)
    pitch = len(rows) * (CELL + GAP) + BETWEEN_LINES
    tall = (max((cell.line for cell in cells), default=0) + 1) * pitch - BETWEEN_LINES
    single = len(rows) == 1
    top = 46 if title else 4
    figure = style.blank(theme, title, tall + top + (38 if single else 8), width + 4)
    _frame(figure, width, tall, top, single)
    largest = np.abs(values).max(1) if values.size else np.ones(len(rows))
    limits = np.full(len(rows), largest.max()) if common_scale else largest
    boxes: list[dict] = []
    notes = [_footer(rows[0], colours)] if single else []
    for index, record in enumerate(rows):
        tops = [cell.line * pitch + index * (CELL + GAP) for cell in cells]
        labelled = tops[:1] if single else tops
        notes += _labels(record, graded[index], labelled, None if common_scale else float(limits[index]), colours)
        fills = [style.shade(colours, value, limits[index]) for value in values[index].tolist()]
        boxes += _boxes(cells, tops, fills, colours)
        figure.add_traces(list(_texts((words, shown, texts[index]), cells, tops, fills)))
    return figure.update_layout(shapes=boxes, annotations=notes)


def _frame(figure: go.Figure, width: float, tall: float, top: float, single: bool) -> None:
    hidden = {"visible": False, "fixedrange": True}
    figure.update_layout(
        margin={"l": 2, "r": 2, "t": top, "b": 38 if single else 8},
        hovermode="closest",
        xaxis=hidden | {"range": [0, width]},
        yaxis=hidden | {"range": [tall, 0]},
    )


def _labels(
    record: Attribution, found: Evidence | None, tops: Sequence[float], limit: float | None, colours: Palette
) -> Iterator[dict]:
    """The method's name and grade before its first line, and its name alone before the others."""
    below = [captions.grade(found, colours)] if found is not None else []
    if found is None and not np.isnan(record.f_reference[0]):
        below.append(f"gap {answer.gap(record, 0)}")
    if limit is not None:
        below.append(f"±{significant(limit, 2)}")
    name = captions.emphasised(captions.named(record), colours)
    graded = "<br>".join(filter(None, [name, " · ".join(below)]))
    for line, top in enumerate(sorted(set(tops))):
        text = captions.named(record) if line else graded
        yield style.note(text, (0, top + CELL / 2), "left middle", colour=colours.quiet)


def _boxes(cells: Sequence[Cell], tops: Sequence[float], fills: Sequence[str], colours: Palette) -> Iterator[dict]:
    """The shaded rectangles of one row, as plain dictionaries: hundreds of them are slow to add one by one."""
    line = {"color": colours.line, "width": 0.5}
    for cell, top, fill in zip(cells, tops, fills, strict=True):
        box = {"x0": LABEL + cell.left, "x1": LABEL + cell.right, "y0": top, "y1": top + CELL}
        yield {"type": "rect", "layer": "below", "fillcolor": fill, "line": line, **box}


def _texts(
    texts: tuple[Sequence[str], Sequence[str], Sequence[str]],
    cells: Sequence[Cell],
    tops: Sequence[float],
    fills: Sequence[str],
) -> Iterator[go.Scatter]:
    """The words of one row, and their values below them."""
    words, shown, numbers = texts
    middle = [LABEL + (cell.left + cell.right) / 2 for cell in cells]
    inks = [text_on(fill) for fill in fills]
    hover = [f"{style.plain(word)}<br>attribution {number}" for word, number in zip(words, numbers, strict=True)]
    for lines, size, offset in ((shown, style.BODY, 14), (numbers, style.SMALL, 30)):
        yield go.Scatter(
            x=middle,
            y=[top + offset for top in tops],
            mode="text",
            text=[style.plain(line) for line in lines],
            textfont={"size": size, "color": inks},
            textposition="middle center",
            hovertext=hover,
            hoverinfo="text",
        )


def _footer(record: Attribution, colours: Palette) -> dict:
    text = " · ".join([captions.explained(record, 0), *captions.numbers(record, 0)])
    return style.note(text, (0, 0), paper=True, shift=(0, -10), colour=colours.quiet)
