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
    one_scale = st.toggle("One scale for all maps", value=True, key="scale", bind="query-params")
    methods = controls.configure_all([fitting[name] for name in names])
if not names:
    show.problem("No method is chosen. Choose one above.")
    st.stop()

with body:
    records = waiting.results([work.explanation(subject, samples, m, target) for m in methods], "maps")
    if records is None:
        st.stop()
    show.row(records, None, "maps", one_scale)
with said:
    show.answer(*sentences.explanation(records[0], None))
if len(records) > 1:
    with body:
        show.figure(explained.agreement(records), "agreement")
with st.expander("How was this made"):
    for method, record in zip(methods, records, strict=True):
        show.made_by(type(method))
        show.html(explained.made(record))
show.downloads(records[0], f"{chosen.model}-{records[0].method}")
