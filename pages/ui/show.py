"""Show: how a page speaks. Titles, answers, problems, figures, tables, downloads. Nothing here computes."""

import numpy as np
import streamlit as st

import workbench
from pages.ui.markup import Html, element, facts, table
from workbench.records import Record, Table
from workbench.storage import to_bytes
from zoo.errors import InputError

CHART = {"displaylogo": False, "displayModeBar": "hover", "modeBarButtonsToRemove": ["select2d", "lasso2d"]}


def title(question: str, eyebrow: str = "") -> None:
    """The question that a page answers."""
    st.html(element("p", "wb-eyebrow", eyebrow or "\u00a0"))
    st.title(question, anchor=False)


def answer(*parts: object) -> None:
    """One line that answers the page's question, from the result; what is not `Html` is shown as it is."""
    st.html(element("p", "wb-answer", *parts))


def quiet(*parts: object) -> None:
    """A remark in small print."""
    st.html(element("p", "wb-quiet", *parts))


def problem(error: InputError | str) -> None:
    """What went wrong and what to do, in place; the rest of the page stays."""
    st.html(element("div", "wb-problem", str(error)))


def note(*parts: object) -> None:
    """A remark that matters."""
    st.html(element("div", "wb-note", *parts))


def verdict(*parts: object) -> None:
    """What follows from the measurement, in a box."""
    st.html(element("div", "wb-verdict", *parts))


def heading(text: str) -> None:
    st.subheader(text, anchor=False)


def html(*parts: Html) -> None:
    """Pieces of `markup`."""
    st.html("".join(parts))


def dark() -> bool:
    """Whether the reader's theme is dark."""
    return st.context.theme.type == "dark"


def table_of(record: Table, shaded: frozenset[str] = frozenset(), chosen: str = "", bars: bool = False) -> None:
    """A table with its intervals, and its note below."""
    st.html(table(record, shaded, chosen, bars))
    if record.note:
        quiet(record.note)


def downloads(record: Record, stem: str) -> None:
    """The record itself, in both of its formats; made when the button is pressed."""
    with st.container(horizontal=True, gap="small"):
        for suffix in (".json", ".safetensors"):
            name = f"{stem}{suffix}"
            st.download_button(f"Record {suffix}", lambda name=name: to_bytes(record, name), name, key=f"get {name}")


def picture(inputs: np.ndarray, side: int) -> np.ndarray:
    """An image (channel, height, width) in [0, 1] as bytes (height, width, 3), each pixel a square."""
    pixels = np.clip(inputs.transpose(1, 2, 0), 0, 1)
    if pixels.shape[2] == 1:
        pixels = 1 - np.repeat(pixels, 3, axis=2)
    zoom = max(1, side // pixels.shape[0])
    return (255 * np.kron(pixels, np.ones((zoom, zoom, 1)))).astype(np.uint8)
