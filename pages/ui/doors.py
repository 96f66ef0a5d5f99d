"""Doors: from the first page to the three things that a newcomer may want next."""

import streamlit as st

from pages.ui import show
from pages.ui.menu import found

DOORS = {
    "explain": ("Explain your own", "Choose a model and a sample, or type a sentence, and put methods side by side."),
    "compare": ("Compare with traditional learning", "The same samples, the same measures, with intervals."),
    "learn": ("Take a lesson", "A question first, your prediction next, the measurement after it."),
}
"""By what a page's file is called."""


def all_three() -> None:
    """A card for each door."""
    for column, (stem, (title, about)) in zip(st.columns(len(DOORS), gap="medium"), DOORS.items(), strict=True):
        with column, st.container(border=True, height="stretch"):
            st.page_link(found(stem), label=title)
            show.quiet(about)
