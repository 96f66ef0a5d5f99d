"""Home | What did the model look at, and how far can that be trusted?"""

import streamlit as st

from pages.ui import doors, explained, show, work

show.title(__doc__, "no explanation without its evidence")
for column, name in zip(st.columns(2, gap="large"), work.front(), strict=False):
    with column:
        explained.finished(name)
doors.all_three()
