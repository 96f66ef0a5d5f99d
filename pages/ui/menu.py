"""Menu: every page of the folder, declared. Its section comes from its file name, its title from its docstring."""

import ast
from pathlib import Path

import streamlit as st

FOLDER = Path(__file__).resolve().parent.parent
SECTIONS = {"0": "", "1": "Predictions", "2": "Models", "3": "Course", "4": "Documents"}
"""By the first digit of a page's file name."""


def files() -> list[Path]:
    """The files of all pages, in the order of the menu."""
    return sorted(FOLDER.glob("[0-9]*_*.py"))


def found(stem: str) -> Path:
    """The file of the page whose name ends in `stem`."""
    return next(path for path in files() if path.stem.partition("_")[2] == stem)


def title(path: Path) -> str:
    """What the menu calls a page: the first half of its docstring."""
    return (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or path.stem).partition("|")[0].strip()


def declared() -> dict[str, list]:
    """Every page, by section."""
    pages: dict[str, list] = {}
    for path in files():
        page = st.Page(path, title=title(path), default=path.name[0] == "0")
        pages.setdefault(SECTIONS[path.name[0]], []).append(page)
    return pages
