"""Prose: a small part of Markdown as HTML. Everything is escaped first, so nothing but these few marks is markup."""

import re

from markupsafe import Markup, escape

_CODE = re.compile(r"`([^`]+)`")
_STRONG = re.compile(r"\*\*(\S(?:.*?\S)?)\*\*", re.DOTALL)
_EMPHASIS = re.compile(r"(?<![\w*])\*(\S(?:.*?\S)?)\*(?![\w*])", re.DOTALL)


def prose(text: str) -> Markup:
    """Paragraphs and lists, with **strong**, *emphasis* and `code`."""
    parts = (part.strip() for part in re.split(r"\n\s*\n", text.strip()))
    return Markup("\n").join(_paragraph(part) for part in parts if part)


def inline(text: str) -> Markup:
    """One line of prose: the marks, and no paragraph around it."""
    pieces = _CODE.split(text)
    shown = [Markup("<code>%s</code>") % piece if i % 2 else _marked(piece) for i, piece in enumerate(pieces)]
    return Markup("").join(shown)


def _paragraph(part: str) -> Markup:
    if part.startswith("- "):
        items = re.split(r"^- ", part, flags=re.MULTILINE)[1:]
        return Markup("<ul>%s</ul>") % Markup("").join(Markup("<li>%s</li>") % inline(item.strip()) for item in items)
    return Markup("<p>%s</p>") % inline(part)


def _marked(text: str) -> Markup:
    safe = str(escape(text))
    strong = _STRONG.sub(r"<strong>\1</strong>", safe)
    return Markup(_EMPHASIS.sub(r"<em>\1</em>", strong))
