"""Models | Which models are here, and what does each reach?"""

import streamlit as st

import zoo
from pages.ui import cards, controls, shelf, show, waiting, work
from workbench.analysis import analysis
from workbench.records import Curve, Matrix, Table

chosen = controls.chosen()
show.title(__doc__, f"{len(zoo.RECIPES)} models on {len({recipe.task for recipe in zoo.RECIPES.values()})} tasks")
card = zoo.card(chosen.model)
show.answer(*cards.in_a_sentence(card))
shelf.browse(chosen.model)

show.heading(card.title)
top, bottom = st.columns([1, 1.15], gap="large"), st.columns([1.15, 1], gap="large")
with top[0]:
    cards.facts_of(card)
with bottom[1]:
    cards.training(card)
subject = waiting.result(work.subject(chosen.model), "model")
if subject is None:
    st.stop()
samples = subject.task.samples(card.scored)
with top[1]:
    confusion = cards.analysed(subject, samples, "confusion", Matrix)
with bottom[0]:
    cards.analysed(subject, samples, "calibration", Curve)
with st.expander("Architecture"):
    layers = waiting.result(work.analysis(subject, samples.take([0]), analysis("architecture"), Table), "architecture")
    if layers is not None:
        show.table_of(layers)
with st.expander("Recipe and data"):
    cards.recipe_of(card)
with st.expander("What can explain it"):
    cards.handles(subject)
if confusion is not None:
    show.downloads(confusion, f"confusion-{chosen.model}")
