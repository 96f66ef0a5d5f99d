"""Landscape | How does the loss change around the trained weights?"""

import streamlit as st

from pages.ui import controls, forms, landscape, show, waiting, work
from workbench.analysis import measures
from workbench.records import Curve, Score, Surface

chosen = controls.chosen()
show.title(__doc__, f"{chosen.model} · mean cross-entropy on training samples")
subject = waiting.result(work.subject(chosen.model), "model")
if subject is None:
    st.stop()
kinds = measures()
if (reason := kinds["surface"]().why_not(subject)) is not None:
    show.answer(reason)
    st.stop()

said = st.empty()
with st.container(horizontal=True, vertical_alignment="bottom"):
    view = controls.choose("View", ["contour", "3d"], key="view", titles={"contour": "from above", "3d": "relief"})
    count = controls.choose("Training samples", ["128", "256", "512"], key="data", default="256")
with st.expander("Settings"):
    shown = [kinds[name] for name in ("surface", "slice", "top_eigenvalue")]
    surface_of, slice_of, eigenvalue_of = forms.configure_all(shown)
samples = subject.task.select(f"train:0:{count}")

left, right = st.columns([1.2, 1], gap="large")
with left:
    surface = waiting.result(work.analysis(subject, samples, surface_of, Surface), "surface")
    if surface is not None:
        show.plane(surface, "surface", view)
with right:
    lines = waiting.result(work.analysis(subject, samples, slice_of, Curve), "slice")
    if lines is not None:
        show.figure(lines, "slice")
    eigenvalue = waiting.result(work.analysis(subject, samples, eigenvalue_of, Score), "eigenvalue")
    if eigenvalue is not None:
        show.html(landscape.eigenvalue(eigenvalue))
if surface is not None:
    with said:
        show.answer(*landscape.in_a_sentence(subject.name, surface, eigenvalue))
    with st.expander("How was this made"):
        for measure in (surface_of, slice_of, eigenvalue_of):
            show.made_by(type(measure))
    show.downloads(surface, f"surface-{chosen.model}")
