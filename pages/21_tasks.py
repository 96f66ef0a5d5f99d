"""Tasks | What is asked, of which data, and why is the answer what it is?"""

import streamlit as st

import zoo
from pages.ui import controls, show, tasks, waiting, work
from pages.ui.markup import Html, element
from workbench.report.prose import inline

chosen = controls.chosen()
task = zoo.task(zoo.recipe(chosen.model).task)
show.title(__doc__, f"{len(zoo.tasks())} tasks · {task.name}")
show.answer(*tasks.in_a_sentence(task))

left, right = st.columns([1, 1.15], gap="large")
with left:
    show.heading(task.title)
    show.html(element("p", "wb-prose", Html(inline(task.about))))
    if task.rule:
        show.html(element("div", "wb-note", element("b", "", "Rule. "), Html(inline(task.rule))))
with right:
    show.heading("Facts")
    tasks.facts_of(task)

show.heading("Samples")
split = controls.choose("Split", list(task.splits), key="split", default=tasks.first_split(task))
record = waiting.result(work.gallery_of(task, split), "samples")
if record is not None:
    tasks.legend(record)
    show.figure(record, "samples")
    show.downloads(record, f"samples-{task.name}")

show.heading("Models of this task")
tasks.models_of(task, chosen.model)

with st.expander("All tasks", expanded=False):
    show.table_of(tasks.all_of_them(), chosen=task.name)
