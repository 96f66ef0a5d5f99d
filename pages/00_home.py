"""Home | What did the model look at, and how far can that be trusted?"""

import streamlit as st

from pages.ui import doors, front, show

show.title(__doc__, "no explanation without its evidence")
for column, name in zip(st.columns(2, gap="large"), front.models(), strict=False):
    with column:
        front.finished(name)
doors.all_three()
