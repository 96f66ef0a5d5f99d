"""Figures of attributions over words: a sentence in shaded cells, several methods under each other."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

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
    title = captions.heading(rows[0])
    figure = style.blank(theme, title, tall + 54 + (30 if single else 8), width + 16)
    _frame(figure, width, tall, single)
    largest = np.abs(values).max(1) if values.size else np.ones(len(rows))
    limits = np.full(len(rows), largest.max()) if common_scale else largest
    for index, record in enumerate(rows):
        tops = [cell.line * pitch + index * (CELL + GAP) for cell in cells]
        _label(figure, record, graded[index], tops, None if common_scale else limits[index], colours)
        _row(figure, (words, shown, texts[index]), values[index], limits[index], cells, tops, colours)
    if single:
        _footer(figure, rows[0], colours)
    return figure


def _frame(figure: go.Figure, width: float, tall: float, single: bool) -> None:
    hidden = {"visible": False, "fixedrange": True}
    figure.update_layout(
        margin={"l": 8, "r": 8, "t": 46, "b": 38 if single else 8},
        hovermode="closest",
        xaxis=hidden | {"range": [0, width]},
        yaxis=hidden | {"range": [tall, 0]},
    )


def _label(
    figure: go.Figure,
    record: Attribution,
    found: Evidence | None,
    tops: Sequence[float],
    limit: float | None,
    colours: Palette,
) -> None:
    lines = [captions.emphasised(captions.named(record), colours)]
    below = [captions.grade(found, colours)] if found is not None else [f"gap {captions.gap(record, 0)}"]
    if limit is not None:
        below.append(f"±{significant(limit, 2)}")
    lines.append(" · ".join(below))
    for top in sorted(set(tops)):
        style.note(figure, "<br>".join(lines), (0, top + CELL / 2), "left middle", colour=colours.quiet)


def _row(
    figure: go.Figure,
    texts: tuple[Sequence[str], Sequence[str], Sequence[str]],
    values: np.ndarray,
    limit: float,
    cells: Sequence[Cell],
    tops: Sequence[float],
    colours: Palette,
) -> None:
    words, shown, numbers = texts
    fills = [style.shade(colours, value, limit) for value in values.tolist()]
    for cell, top, fill in zip(cells, tops, fills, strict=True):
        box = {"x0": LABEL + cell.left, "x1": LABEL + cell.right, "y0": top, "y1": top + CELL}
        figure.add_shape(type="rect", layer="below", fillcolor=fill, line={"color": colours.line, "width": 0.5}, **box)
    middle = [LABEL + (cell.left + cell.right) / 2 for cell in cells]
    inks = [text_on(fill) for fill in fills]
    hover = [f"{style.plain(word)}<br>attribution {number}" for word, number in zip(words, numbers, strict=True)]
    for lines, size, offset in ((shown, style.BODY, 14), (numbers, style.SMALL, 30)):
        figure.add_trace(
            go.Scatter(
                x=middle,
                y=[top + offset for top in tops],
                mode="text",
                text=[style.plain(line) for line in lines],
                textfont={"size": size, "color": inks},
                textposition="middle center",
                hovertext=hover,
                hoverinfo="text",
            )
        )


def _footer(figure: go.Figure, record: Attribution, colours: Palette) -> None:
    text = " · ".join([captions.explained(record, 0), *captions.numbers(record, 0)])
    style.note(figure, text, (0, 0), paper=True, shift=(0, -10), colour=colours.quiet)
