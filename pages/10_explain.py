"""Explain | What moved the output?"""

import streamlit as st

from pages.ui import controls, explained, sentences, show, waiting, work
from workbench.explanation import methods_for

chosen = controls.chosen()
show.title(__doc__, f"{chosen.model} · {chosen.what}")
said = st.empty()
subject = waiting.result(work.subject(chosen.model), "model")
if subject is None:
    st.stop()
samples = controls.samples(subject.task, chosen)

fitting = methods_for(subject)
titles = {name: kind.title for name, kind in fitting.items()}
names = controls.choose_several(
    "Methods", list(fitting), "methods", explained.default_methods(list(fitting.values())), titles, explained.SHOWN
)
explained.greyed_out(subject)
body = st.container()
with st.expander("Settings"):
    target = controls.target(subject.task)
    scale = controls.choose("Scale of the maps", list(explained.SCALES), key="scale", titles=explained.SCALE_TITLES)
    methods = controls.configure_all([fitting[name] for name in names])
if not names:
    show.problem("No method is chosen. Choose one above.")
    st.stop()

with body:
    records = waiting.results([work.explanation(subject, samples, m, target) for m in methods], "maps")
    if records is None:
        st.stop()
    show.row(records, None, "maps", explained.SCALES[scale])
    said.empty()
    with said:
        show.answer(*sentences.explanation(records[0], None))
    scores = waiting.result(work.scores(subject, samples, records), "scores")
    if scores is not None:
        show.html(explained.measured(records, scores))
        show.quiet("● better than 97.5 % of random maps or orders of the same sample; ○ no better than they are.")
    curves = waiting.result(work.removal_curves(subject, samples, records), "curves")
    for column, curve in zip(st.columns(max(1, len(curves or []))), curves or [], strict=False):
        with column:
            show.figure(curve, curve.title)
    if len(records) > 1:
        explained.agreement_of(records)
with st.expander("How was this made"):
    for method, record in zip(methods, records, strict=True):
        show.made_by(type(method))
        show.html(explained.made(record))
show.downloads(records[0], f"{chosen.model}-{records[0].method}")
