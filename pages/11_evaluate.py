"""Evaluate | Which methods can be trusted on this model?"""

import streamlit as st

from pages.ui import controls, evaluated, show, waiting, work
from workbench.evaluation import league
from workbench.explanation import methods_for
from workbench.scoring import metrics

chosen = controls.chosen()
show.title(__doc__, f"{chosen.model} · every method by every metric, beside a control")
said = st.empty()
subject = waiting.result(work.subject(chosen.model), "model")
if subject is None:
    st.stop()
measured, what = metrics(), st.expander("What is measured")
with what:
    count = controls.choose("Samples", ["16", "32", "64"], key="samples", default="16")
samples = controls.first_of(subject.task, int(count))
fitting = methods_for(subject, samples)
titles = {name: kind.title for name, kind in {**fitting, **measured}.items()}
with what:
    names = controls.choose_several("Methods", list(fitting), "methods", list(fitting), titles, len(fitting))
    wanted = controls.choose_several("Metrics", list(measured), "metrics", list(measured), titles, len(measured))
if not names or not wanted:
    show.problem("Nothing is measured. Choose at least one method and one metric.")
    st.stop()

kinds = [fitting[name]() for name in names], [measured[name]() for name in wanted]
scores = waiting.result(work.evaluation(subject, samples, *kinds), "evaluation")
if scores is None:
    st.stop()
table = evaluated.without_empty(league(scores))
with said:
    show.answer(*evaluated.in_a_sentence(scores))
columns = {str(place): column.title for place, column in enumerate(table.columns)}
first = evaluated.first_column(table, scores)
order = controls.choose("Sorted by", list(columns), key="sort", default=first, titles=columns)
show.table_of(evaluated.in_order(table, int(order)), shaded=evaluated.control_titles(), bars=True)
show.quiet(table.note)

show.heading("The samples behind a number")
with st.container(horizontal=True):
    method = controls.choose("Method", names, key="method", titles=titles)
    metric = controls.choose("Metric", wanted, key="metric", default=evaluated.lead(scores).metric, titles=titles)
score = next(score for score in scores if (score.method, score.metric) == (method, metric))
if score.values.size:
    show.figure(score, "score")
else:
    show.quiet(score.why)
with st.expander("How was this made"):
    for kind in (*map(type, kinds[1]), *map(type, kinds[0])):
        show.made_by(kind)
show.downloads(table, f"evaluation-{chosen.model}")
