"""Train | What does the network learn, epoch by epoch?"""

import streamlit as st

import zoo
from pages.ui import controls, show, trained, trainings

chosen = controls.chosen()
task = zoo.task(zoo.recipe(chosen.model).task)
show.title(__doc__, f"{task.name} · live, on this machine")
names = trainings.networks(task.name)
if not names:
    show.problem(f"There is no network for {task.name} yet; its models are fitted, not trained. Choose another.")
    st.stop()
said = st.empty()
left, right = st.columns([1, 2.1], gap="large")
with left:
    name = controls.choose("Network", names, key="network", default=chosen.model if chosen.model in names else names[0])
    plan = trained.settings(name)
    trained.told(plan)
    trained.buttons(plan)
with right:
    trained.live(plan, said)
with st.expander("How this is done"):
    trained.explained(plan)
