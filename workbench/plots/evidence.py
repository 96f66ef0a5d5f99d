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
    """The grade as a title, a line for each check (✓ or ✗, what was checked, what was found), and the remarks."""
    colours = style.palette(theme)
    about = f"{style.readable(record.method)} · {record.subject} · {record.sample_id}"
    told = [("✓" if one.holds else "✗", one.check, one.sentence, one.holds) for one in record.reasons]
    told += [("·", "", remark, False) for remark in record.remarks]
    wrapped = [textwrap.wrap(sentence, LETTERS) or [""] for _, _, sentence, _ in told]
    tall = sum(len(lines) * LINE + 8 for lines in wrapped)
    made = style.blank(theme, f"{captions.grade(record, colours)} · {style.plain(about)}", tall + 58, WIDTH)
    made.update_layout(
        margin={"l": 8, "r": 8, "t": 44, "b": 10},
        xaxis={"visible": False, "range": [0, WIDTH], "fixedrange": True},
        yaxis={"visible": False, "range": [max(tall, 1), 0], "fixedrange": True},
    )
    top, notes = 0, []
    for (mark, check, _, loud), lines in zip(told, wrapped, strict=True):
        name = f"<b>{style.plain(style.readable(check))}</b>" if check else ""
        sentence = "<br>".join(map(style.plain, lines))
        ink = colours.text if loud else colours.quiet
        for left, text, colour in (
            (4, mark, colours.text),
            (26, name, ink),
            (26 + CHECK, sentence, colours.text if check else ink),
        ):
            notes.append(style.note(text, (left, top), colour=colour, size=style.BODY))
        top += len(lines) * LINE + 8
    made.update_layout(annotations=notes)
    return made
