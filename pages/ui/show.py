"""Show: how a page speaks. Titles, answers, problems, figures, tables, downloads. Nothing here computes."""

import inspect
from collections.abc import Sequence
from functools import partial
from typing import Any, Literal

import numpy as np
import streamlit as st

import workbench
from pages.ui.markup import Html, element, table
from workbench.plots import dots, plot_row, surface
from workbench.plots.colour import rgb
from workbench.plots.style import CONFIG, palette
from workbench.records import Attribution, Evidence, Record, Surface, Table
from workbench.report.blocks import Block
from workbench.report.html import build
from workbench.report.prose import inline
from workbench.settings import Extension
from workbench.storage import to_bytes
from zoo.errors import InputError

TITLE_ROOM = 20
OVER = ("paper", 1, "bottom")
"""Where the notes are that stand over a column of bars: what their places are in, the place, which edge of them."""
LINE = 17
"""Height of a line of what stands over a column of bars, pixels."""
SQUARE = 590
"""Pixels of a figure whose plane is square, colour bar included."""
WIDE = 880
"""Pixels at which words wrap: the width of the page beside the sidebar in a window of 1,280."""


def title(docstring: str | None, eyebrow: str = "") -> None:
    """The question that a page answers: the second half of its docstring."""
    question = (docstring or "").partition("|")[2].strip()
    st.html(element("header", "wb-head", element("p", "wb-eyebrow", eyebrow), element("h1", "", question)))


def answer(*parts: object) -> None:
    """One line that answers the page's question, from the result; what is not `Html` is shown as it is."""
    st.html(element("p", "wb-answer", *parts))


def quiet(*parts: object) -> None:
    """A remark in small print."""
    st.html(element("p", "wb-quiet", *parts))


def problem(error: InputError | str) -> None:
    """What went wrong and what to do, in place; the rest of the page stays."""
    st.html(element("div", "wb-problem", str(error)))


def verdict(*parts: object) -> None:
    """What follows from the measurement, in a box."""
    st.html(element("div", "wb-verdict", *parts))


def html(*parts: Html) -> None:
    """Pieces of `markup`."""
    st.html("".join(parts))


def heading(text: str) -> None:
    """The heading of a part of a page."""
    st.html(element("h2", "wb-part", text))


def theme() -> str:
    """The reader's theme, which figures follow."""
    return "dark" if st.context.theme.type == "dark" else "light"


def figure(record: Record, key: str) -> None:
    """The figure of a record."""
    caption(record.title)
    _chart(workbench.plot(record, theme=theme()), key, record.title)


def drawn(figure: Any, key: str, words: str = "") -> None:
    """A figure that was drawn before, under its title and above a caption."""
    caption(figure.layout.title.text or "")
    _chart(figure, key, words)
    if words:
        quiet(Html(inline(words)))


def question(text: str) -> None:
    """A question to the reader."""
    st.html(element("p", "wb-question", text))


def document(content: Sequence[Block], title: str, stem: str) -> None:
    """The whole page as one file; made when the button is pressed."""
    st.download_button(
        "Download as one HTML file", lambda: build(content, title), f"{stem}.html", "text/html", key=f"get {stem}"
    )


def row(
    attributions: Sequence[Attribution],
    graded: Sequence[Evidence] | None,
    key: str,
    common_scale: bool | None = None,
    width: float = WIDE,
    bare: bool = False,
) -> None:
    """Several attributions of one sample, in their natural size where that fits.

    `bare` leaves out the line of small print below a single one.
    """
    drawn = plot_row(attributions, graded, theme=theme(), common_scale=common_scale, width=width)
    if bare:
        drawn.layout.annotations = [note for note in drawn.layout.annotations if note.yref != "paper" or note.y > 0]
    _chart(drawn, key, f"Attributions of {attributions[0].subject} by {len(attributions)} methods", drawn.layout.width)


def plane(record: Surface, key: str, view: str) -> None:
    """A loss surface as contours or as a relief."""
    caption(record.title)
    drawn = surface.figure(record, theme=theme(), view=view)
    drawn.update_layout(height=500)
    _chart(drawn, key, record.title, SQUARE)
    quiet(f"{record.directions[:1].upper()}{record.directions[1:]}; {record.scale}.")


def interval_dots(record: Table, column: int, key: str, highlighted: str = "") -> None:
    """A column of a table as points with intervals."""
    _chart(dots.draw(record, column, theme=theme(), highlighted=highlighted), key, record.columns[column].title)


def table_of(record: Table, shaded: frozenset[str] = frozenset(), chosen: str = "", bars: bool = False) -> None:
    """A table with its intervals; rows named in `shaded` are controls."""
    st.html(table(record, shaded, chosen, bars))


def made_by(kind: type[Extension]) -> None:
    """What a method, metric or measure computes: its docstring, which holds the formula and when it misleads."""
    html(element("p", "wb-label", kind.title), element("div", "wb-doc", inspect.cleandoc(kind.__doc__ or "")))


def downloads(record: Record, stem: str) -> None:
    """The record itself, in both of its formats; made when the button is pressed."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        quiet("The address of this page is a link to this view.")
        for suffix in (".json", ".safetensors"):
            name = f"{stem}{suffix}"
            st.download_button(
                f"Download {suffix}", partial(to_bytes, record, name), name, key=f"get {name}", type="tertiary"
            )


def picture(inputs: np.ndarray, side: int) -> np.ndarray:
    """An image (channel, height, width) in [0, 1] as bytes (height, width, 3), each pixel a square.

    One channel is drawn in the theme's ink, as in the figures.
    """
    pixels = np.clip(inputs.transpose(1, 2, 0), 0, 1)
    if pixels.shape[2] == 1:
        colours = palette(theme())
        ground, ink = (np.array(rgb(colour)) / 255 for colour in (colours.ground, colours.text))
        pixels = ground + pixels * (ink - ground)
    zoom = max(1, side // pixels.shape[0])
    return (255 * np.kron(pixels, np.ones((zoom, zoom, 1)))).astype(np.uint8)


def image(inputs: np.ndarray, words: str, side: int = 220) -> None:
    """A picture (channel, height, width) of values in [0, 1] in the theme's ink."""
    st.image(picture(inputs, side), alt=words)
    quiet(f"{words}.")


def caption(text: str) -> None:
    """What a figure shows, above it, where it wraps as the column asks."""
    st.html(element("p", "wb-label", text))


def _chart(drawn: Any, key: str, alt: str, width: float | None = None) -> None:
    """A figure without its title, which the page says in words above it, and without the room for one."""
    over = [note.text for note in drawn.layout.annotations if (note.yref, note.y, note.yanchor) == OVER]
    top = max([TITLE_ROOM, *(LINE * (text.count("<br>") + 1) + 6 for text in over)])
    room = (drawn.layout.margin.t or drawn.layout.template.layout.margin.t or top) - top
    height = drawn.layout.height - room
    drawn.update_layout(title_text="", margin_t=top, height=height, width=width)
    wide: Literal["content", "stretch"] = "content" if width else "stretch"
    st.plotly_chart(drawn, theme=None, key=f"{key} {theme()}", config=dict(CONFIG), alt=alt or None, width=wide)
