"""Explain | What moved the output?"""

import streamlit as st

from pages.ui import controls, explained, forms, sentences, show, waiting, work
from workbench.explanation import methods_for

chosen = controls.chosen()
show.title(__doc__, f"{chosen.model} · {chosen.what}")
said = st.empty()
subject = waiting.result(work.subject(chosen.model), "model")
if subject is None:
    st.stop()
samples = controls.samples(subject.task, chosen)

offered, body, settings = st.container(), st.container(), st.expander("Settings")
with settings:
    target = controls.target(subject.task)
fitting = methods_for(subject, samples, target)
titles = {name: kind.title for name, kind in fitting.items()}
with offered:
    names = controls.choose_several(
        "Methods", list(fitting), "methods", explained.default_methods(list(fitting.values())), titles, explained.SHOWN
    )
    explained.recommended(chosen.model)
    explained.greyed_out(subject, samples, target)
with settings:
    scale = controls.choose("Scale of the maps", list(explained.SCALES), key="scale", titles=explained.SCALE_TITLES)
    methods = forms.configure_all([fitting[name] for name in names])
if not names:
    show.problem("No method is chosen. Choose one above.")
    st.stop()

with body:
    records = waiting.results([work.explanation(subject, samples, m, target) for m in methods], "maps")
    if records is None:
        st.stop()
    evidence = explained.graded_row(subject, samples, records, scale)
    with said:
        show.answer(*sentences.explanation(records[0], evidence[0] if evidence else None))
    scores = waiting.result(work.scores(subject, samples, records), "scores")
    if scores is not None and evidence is not None:
        show.html(explained.measured(records, scores, evidence))
        show.quiet("● passes its check against a random control, ○ does not. Arrows point to the better end.")
    curves = waiting.result(work.removal_curves(subject, samples, records), "curves")
    for column, curve in zip(st.columns(max(1, len(curves or []))), curves or [], strict=False):
        with column:
            show.figure(curve, curve.title)
    if len(records) > 1:
        explained.agreement_of(records)
        explained.disagreement_of(records)
if evidence is not None:
    with st.expander("Every check, with its number"):
        explained.checks(records, evidence)
with st.expander("How was this made"):
    for method, record in zip(methods, records, strict=True):
        show.made_by(type(method))
        show.html(explained.made(record))
show.downloads(records[0], f"{chosen.model}-{records[0].method}")
