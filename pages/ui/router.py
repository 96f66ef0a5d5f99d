"""The router: every page declared, the frame around them, and the one shared choice of model and sample."""

import ast
from pathlib import Path

import streamlit as st

from pages.ui import controls, show, thumbnails
from zoo.errors import InputError

ROOT = Path(__file__).resolve().parent.parent
SECTIONS = {"0": "", "1": "Predictions", "2": "Models", "3": "Learn", "4": "Share"}
"""By the first digit of a page's file name."""
ABOUT = "**Interpretability workbench.** No explanation without its evidence."


def declared() -> dict[str, list]:
    """Every page of the folder, by section, titled by the first half of its docstring."""
    pages: dict[str, list] = {section: [] for section in SECTIONS.values()}
    for path in sorted(ROOT.glob("[0-9]*_*.py")):
        title = (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or path.stem).partition("|")[0].strip()
        pages[SECTIONS[path.name[0]]].append(st.Page(path, title=title, default=path.name[0] == "0"))
    return {section: found for section, found in pages.items() if found}


def main() -> None:
    st.set_page_config(
        page_title="Interpretability workbench",
        page_icon=str(ROOT / "ui" / "icon.png"),
        layout="wide",
        menu_items={"About": ABOUT},
    )
    st.html(ROOT / "ui" / "style.css")
    page = st.navigation(declared(), expanded=True)
    with st.sidebar:
        try:
            chosen = st.session_state["chosen"] = controls.sidebar()
        except InputError as error:
            show.problem(error)
            st.stop()
        thumbnails.chosen(chosen)
    try:
        page.run()
    except InputError as error:
        show.problem(error)


main()
