"""The router: every page declared, the frame around them, and the one shared choice of model and sample."""

from pathlib import Path

import streamlit as st

from pages.ui import warm

warm.wait_for_imports()

from pages.ui import controls, menu, show, thumbnails  # noqa: E402
from zoo.errors import InputError  # noqa: E402

ICON = Path(__file__).parent / "icon.png"
STYLE = Path(__file__).parent / "style.css"
ABOUT = "**Interpretability workbench.** No explanation without its evidence."


def main() -> None:
    """Set the page up, choose what all pages share, and run the page that the link names."""
    st.set_page_config(
        page_title="Interpretability workbench",
        page_icon=str(ICON),
        layout="wide",
        menu_items={"About": ABOUT},
    )
    st.html(STYLE)
    page = st.navigation(menu.declared(), expanded=True)
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
