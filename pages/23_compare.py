"""Traditional or deep | Is a deep network worth it for this data?"""

import streamlit as st

import zoo
from pages.ui import controls, show, thumbnails, waiting, work
from pages.ui.markup import strong

chosen = controls.chosen()
task = zoo.task(zoo.recipe(chosen.model).task)
show.title(__doc__, f"{task.name} · the same samples, the same measures, with intervals")

compared = waiting.result(work.comparison_of(task.name), "comparison")
if compared is None:
    st.stop()
show.answer(compared.provenance["verdict"])
show.table_of(compared, chosen=chosen.model, bars=True)
show.quiet(compared.note.removeprefix(compared.provenance["verdict"]).strip())

names = [str(row[0]) for row in compared.rows]
left, right = st.columns(2, gap="large")
with left:
    score = "R²" if task.regression else "Accuracy"
    show.heading(f"{score}, with its interval")
    place = next(i for i, column in enumerate(compared.columns) if column.title == score)
    show.interval_dots(compared, place, "score", chosen.model)
with right:
    show.heading("How much data a traditional model needs")
    refitted = [name for name in names if zoo.recipe(name).training is None]
    name = controls.choose("Model that is refitted on ever more data", refitted, key="refitted") if refitted else None
    curve = waiting.result(work.learning_curve(name), "learning curve") if name else None
    if curve is not None:
        show.figure(curve, "learning curve")

show.heading("Errors that only one of two models makes")
with st.container(horizontal=True):
    one = controls.choose("One model", names, key="one")
    other = controls.choose("The other", names[::-1], key="other")
if task.regression:
    show.quiet("This task asks for a number, which is hardly ever right or wrong.")
elif one == other:
    show.quiet("Choose two different models.")
elif (differing := waiting.result(work.errors_of_one(one, other), "errors")) is not None:
    show.quiet(strong(differing.title), ". ", differing.note)
    thumbnails.odd_ones(task, differing)
show.downloads(compared, f"comparison-{task.name}")
