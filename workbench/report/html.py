"""HTML: blocks as one file that opens anywhere, without a network, and sends nothing."""

import base64
import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, singledispatchmethod
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from workbench.plots import CONFIG, style, table
from workbench.report import blocks
from workbench.report.blocks import OUTCOME_SYMBOLS, Block
from workbench.report.manifest import lists_of, manifest
from workbench.report.prose import inline, prose
from workbench.storage import write_atomic

FOLDER = Path(__file__).parent
FIGURE_WIDTH = 760
"""Of a figure that asks for no width, pixels."""
THEMES = ("light", "dark")


def build(content: Sequence[Block], title: str) -> str:
    """One HTML page: every figure, style and script is in it, in light and dark; the same blocks give the same bytes.

    A Content-Security-Policy allows the page's own two scripts, by their hash, and no request to anywhere.
    """
    builder = Builder()
    body = builder.markup_of(content)
    listed = manifest(content, title)
    encoded = json.dumps(listed, sort_keys=True, ensure_ascii=False)
    page = _environment().get_template("page.html")
    return page.render(
        title=title,
        body=body,
        sections=builder.sections,
        css=Markup(_read("page.css")),
        script=Markup(_read("page.js")),
        plotly=Markup(get_plotlyjs()) if builder.figures else "",
        policy=_policy([get_plotlyjs(), _read("page.js")] if builder.figures else []),
        drawn=builder.figures,
        configuration=_embedded(json.dumps(dict(CONFIG), sort_keys=True)),
        manifest=_embedded(encoded),
        digest=hashlib.sha256(encoded.encode()).hexdigest(),
        count=len(listed["records"]),
    )


def write(content: Sequence[Block], path: str | os.PathLike, title: str) -> Path:
    """Build a page and write it to a file, complete or not at all."""
    target = Path(path)
    write_atomic(target, build(content, title).encode())
    return target


@dataclass
class Builder:
    """Turns blocks into markup and counts what has to be numbered."""

    figures: int = 0
    sections: list[dict[str, str]] = field(default_factory=list)

    def markup_of(self, content: Sequence[Block]) -> Markup:
        """The markup of blocks, one after another."""
        return Markup("\n").join(self.markup(block) for block in content)

    @singledispatchmethod
    def markup(self, block: Block) -> Markup:
        """The markup of a block; most are drawn by the macro that has their name."""
        return _macro(type(block).__name__.lower())(block)

    @markup.register
    def _(self, block: blocks.Heading) -> Markup:
        anchor = f"section-{len(self.sections) + 1}"
        if block.level == 2:
            self.sections.append({"anchor": anchor, "text": block.text})
            return _macro("heading")(block, anchor)
        return Markup("<h{0}>{1}</h{0}>").format(block.level, block.text)

    @markup.register(blocks.Figure)
    @markup.register(blocks.Row)
    def _(self, block: blocks.Figure | blocks.Row) -> Markup:
        self.figures += 1
        made = {theme: _sized(block.draw(theme)) for theme in THEMES}
        layout = made["light"].layout
        label = layout.title.text or "Figure"
        pairs = ",".join(f'"{theme}":{figure.to_json()}' for theme, figure in made.items())
        return _macro("figure")(block, self.figures, _embedded(f"{{{pairs}}}"), layout.width, layout.height, label)

    @markup.register
    def _(self, block: blocks.Table) -> Markup:
        content = block.content
        columns = range(len(content.columns))
        numeric = [table.is_numeric(content, column) for column in columns]
        arrows = {True: " ↑", False: " ↓", None: ""}
        heads = [
            {"title": column.title + arrows[column.higher_is_better], "unit": column.unit, "numeric": number}
            for column, number in zip(content.columns, numeric, strict=True)
        ]
        rows = [
            {
                "shaded": str(values[0]) in block.shaded,
                "cells": [{"text": table.cell(content, row, c), "numeric": numeric[c]} for c in columns],
            }
            for row, values in enumerate(content.rows)
        ]
        return _macro("table")(block, heads, rows)

    @markup.register
    def _(self, block: blocks.Evidence) -> Markup:
        names = [style.readable(found.method) for found in block.content]
        return _macro("evidence")(block, style.SYMBOLS, names)

    @markup.register
    def _(self, block: blocks.Folded) -> Markup:
        return _macro("folded")(block.title, self.markup_of(block.content))

    @markup.register
    def _(self, block: blocks.Provenance) -> Markup:
        lists = [_macro("facts")(blocks.Facts(pairs=facts, mono=True)) for facts in lists_of(block.content)]
        return _macro("folded")(block.title, Markup("\n").join(lists))

    @markup.register
    def _(self, block: blocks.Verdict) -> Markup:
        return _macro("verdict")(block, OUTCOME_SYMBOLS[block.outcome])


@cache
def _environment() -> Environment:
    """Jinja with everything escaped and nothing undefined."""
    made = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"prose": prose, "inline": inline, "css": _css_name}
    return made


def _macro(name: str) -> Any:
    return getattr(_environment().get_template("parts.html").module, name)


def _sized(figure: go.Figure) -> go.Figure:
    if figure.layout.width is None:
        figure.update_layout(width=FIGURE_WIDTH)
    return figure


def _embedded(encoded: str) -> Markup:
    """JSON that cannot end the script element it is put in."""
    safe = encoded.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    return Markup(safe)


def _policy(scripts: Sequence[str]) -> str:
    """No request to anywhere; of scripts, only these. Plotly sets styles on its elements: 'unsafe-inline' for those."""
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts)
    return (
        f"default-src 'none'; script-src {hashes or repr('none')}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def _css_name(text: str) -> str:
    return text.lower().replace(" ", "-")


@cache
def _read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")
