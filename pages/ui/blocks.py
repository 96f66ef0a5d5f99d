"""Blocks: what lessons and reports are made of, shown on a page."""

from collections.abc import Sequence
from functools import singledispatch

import streamlit as st

from pages.ui import show
from pages.ui.markup import Html, element, facts, grade, reasons
from workbench.plots.style import readable
from workbench.report import blocks
from workbench.report.blocks import OUTCOME_SYMBOLS, Block
from workbench.report.manifest import facts_of
from workbench.report.prose import inline, prose


def sections(content: Sequence[Block], key: str) -> None:
    """Blocks in sections: what is read to the left, what is looked at pinned to its right, rows of maps below both."""
    for number, section in enumerate(split(content)):
        rows = [block for block in section if isinstance(block, blocks.Row)]
        figures = [block for block in section if isinstance(block, blocks.Figure)]
        words = [block for block in section if not isinstance(block, blocks.Row | blocks.Figure)]
        left, right = st.columns([1, 1.1], gap="large") if figures else (st.container(), st.container())
        with left:
            _all(words, f"{key} {number} words")
        if figures:
            with right, st.container(key=f"pinned-{key}-{number}".replace(" ", "-")):
                _all(figures, f"{key} {number} figures")
        _all(rows, f"{key} {number} rows")


def _all(content: Sequence[Block], key: str) -> None:
    for place, block in enumerate(content):
        shown(block, f"{key} {place}")


def split(content: Sequence[Block]) -> list[list[Block]]:
    """Blocks by section: a heading of level 2 begins one."""
    found: list[list[Block]] = [[]]
    for block in content:
        if isinstance(block, blocks.Heading) and block.level == 2:
            found.append([])
        found[-1].append(block)
    return [section for section in found if section]


@singledispatch
def shown(block: Block, key: str) -> None:
    """A block on the page. `key` tells its widgets from those of other blocks."""
    raise TypeError(f"There is no way to show a {type(block).__name__} ({key}).")


@shown.register
def _(block: blocks.Heading, key: str) -> None:
    del key
    show.heading(block.text)


@shown.register
def _(block: blocks.Text, key: str) -> None:
    del key
    show.html(element("div", "wb-prose", Html(prose(block.text))))


@shown.register
def _(block: blocks.Code, key: str) -> None:
    del key
    st.code(block.text, language=None)


@shown.register
def _(block: blocks.Facts, key: str) -> None:
    del key
    show.html(facts(block.pairs))


@shown.register
def _(block: blocks.Notice, key: str) -> None:
    del key
    show.html(element("div", "wb-note", Html(inline(block.text))))


@shown.register
def _(block: blocks.Figure, key: str) -> None:
    show.drawn(block.draw(show.theme()), key, block.caption)


@shown.register
def _(block: blocks.Row, key: str) -> None:
    show.row(block.attributions, block.evidence, key)
    show.quiet(Html(inline(block.caption)))


@shown.register
def _(block: blocks.Table, key: str) -> None:
    del key
    show.caption(block.content.title)
    show.table_of(block.content, shaded=block.shaded)


@shown.register
def _(block: blocks.Evidence, key: str) -> None:
    del key
    for found in block.content:
        show.html(element("p", "wb-label", readable(found.method), " ", grade(found.grade)), reasons(found.reasons))


@shown.register
def _(block: blocks.Provenance, key: str) -> None:
    del key
    with st.expander(block.title):
        for record in block.content:
            show.html(facts(facts_of(record)))


@shown.register
def _(block: blocks.Folded, key: str) -> None:
    with st.expander(block.title):
        for place, inner in enumerate(block.content):
            shown(inner, f"{key} {place}")


@shown.register
def _(block: blocks.Question, key: str) -> None:
    del key
    show.html(element("p", "wb-question", block.text))


@shown.register
def _(block: blocks.Verdict, key: str) -> None:
    del key
    head = element(
        "p", "wb-claim", f"“{block.claim}” ", element("b", "", f"{OUTCOME_SYMBOLS[block.outcome]} {block.outcome}")
    )
    show.verdict(head, Html(prose(block.sentence)))
