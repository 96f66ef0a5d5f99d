"""The launcher: `streamlit run streamlit_app.py`. The frame of the app is in pages/ui/router.py."""

from pathlib import Path

import streamlit as st

from pages.ui import server

app = st.App(
    Path(__file__).parent / "pages" / "ui" / "router.py",
    lifespan=server.lifespan,
    middleware=server.MIDDLEWARE,
    routes=server.ROUTES,
)
