"""Report | What would you hand to a reviewer?"""

import streamlit as st

from pages.ui import controls, documents, explained, show, waiting, work
from workbench.explanation import methods_for

chosen = controls.chosen()
show.title(__doc__, f"{chosen.model} · one file that opens without a network, and says how it was made")
said = st.empty()
subject = waiting.result(work.subject(chosen.model), "model")
if subject is None:
    st.stop()

left, right = st.columns([1, 2.6], gap="large")
with left:
    samples = controls.several_samples(subject.task, explained.SHOWN)
    target = controls.target(subject.task)
    fitting = methods_for(subject, samples, target)
    titles = {name: kind.title for name, kind in fitting.items()}
    names = controls.choose_several(
        "Methods", list(fitting), "methods", explained.default_methods(list(fitting.values())), titles, len(fitting)
    )
    seed = controls.whole_number("Seed", "seed", 0, 2**31 - 1, 0, "Of everything that is drawn at random")
if not names:
    show.problem("No method is chosen. Choose at least one.")
    st.stop()
methods = tuple(fitting[name]() for name in names)
title = f"Saliency report: {chosen.model}"
with right:
    page = waiting.result(work.report(subject, samples, methods, target, seed, title), "report")
    if page is None:
        st.stop()
    st.iframe(f"/document/{documents.keep(page)}", height=920, alt=title)
with said:
    show.answer(
        f"This one: {len(samples)} samples of {subject.task.title.lower()} by {len(methods)} methods, with the "
        f"evidence for each, in a file of {len(page.encode()) / 1e6:.1f} MB."
    )
with left:
    st.download_button("Download the report", page, f"report-{chosen.model}.html", "text/html", key="get report")
    show.quiet("The address of this page is a link to this report.")
