"""Figures of evidence: the grade, and each check with the sentence that says its number."""

import textwrap

import plotly.graph_objects as go

from workbench.plots import captions, style
from workbench.records import Evidence

WIDTH = 760
CHECK = 150
"""Width of the column of checks, pixels."""
LETTERS = 96
"""Letters of a line of a sentence."""
LINE = 18


def figure(record: Evidence, *, theme: str = "light") -> go.Figure:
    """The grade as a title, then one line for each check: ✓ or ✗, what was checked, what was found."""
    colours = style.palette(theme)
    about = f"{style.readable(record.method)} · {record.subject} · {record.sample_id}"
    sentences = [textwrap.wrap(reason.sentence, LETTERS) or [""] for reason in record.reasons]
    tall = sum(len(lines) * LINE + 8 for lines in sentences)
    made = style.blank(theme, f"{captions.grade(record, colours)} · {style.plain(about)}", tall + 58, WIDTH)
    made.update_layout(
        margin={"l": 8, "r": 8, "t": 44, "b": 10},
        xaxis={"visible": False, "range": [0, WIDTH], "fixedrange": True},
        yaxis={"visible": False, "range": [max(tall, 1), 0], "fixedrange": True},
    )
    top, notes = 0, []
    for reason, lines in zip(record.reasons, sentences, strict=True):
        mark, colour = ("✓", colours.text) if reason.holds else ("✗", colours.quiet)
        check = f"<b>{style.plain(style.readable(reason.check))}</b>"
        told = "<br>".join(map(style.plain, lines))
        for left, text, ink in ((4, mark, colours.text), (26, check, colour), (26 + CHECK, told, colours.text)):
            notes.append(style.note(text, (left, top), colour=ink, size=style.BODY))
        top += len(lines) * LINE + 8
    made.update_layout(annotations=notes)
    return made
