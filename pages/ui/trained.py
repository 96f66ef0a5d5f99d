"""Trained: the settings of a training, its buttons, and its curve while it runs."""

from typing import Any

import streamlit as st

import zoo
from pages.ui import cards, controls, show, trainings
from pages.ui.markup import facts, strong
from pages.ui.trainings import Training
from workbench.quantity import scored, significant
from zoo.errors import InputError
from zoo.optimisers import OPTIMISERS
from zoo.recipe import Recipe

TICK = 1.0
"""Seconds between two looks at a training under way."""


def settings(name: str) -> Recipe:
    """The recipe with whatever the reader changes of it; every setting is in the link."""
    how = zoo.recipe(name).training
    assert how is not None
    epochs = controls.whole_number("Epochs", f"{name}.epochs", 1, 2000, how.epochs, "Passes over the training split")
    size = controls.whole_number(
        "Batch size", f"{name}.batch", 1, 100_000, how.batch_size, "Samples that one step looks at"
    )
    rate = controls.number(
        "Learning rate", f"{name}.rate", 1e-6, 10.0, how.learning_rate, "Length of a step, at its highest"
    )
    optimiser = controls.choose("Optimiser", OPTIMISERS, key=f"{name}.optimiser", default=how.optimiser)
    seed = controls.whole_number(
        "Seed", f"{name}.seed", 0, 2**31 - 1, zoo.recipe(name).seed, "Of initial weights, order of samples and dropout"
    )
    return trainings.plan_of(name, seed, epochs=epochs, batch_size=size, learning_rate=rate, optimiser=optimiser)


def told(plan: Recipe) -> None:
    """How long it will take, from what the card says, and what is left out."""
    original = zoo.recipe(plan.name)
    assert original.training is not None
    assert plan.training is not None
    if original.training.distillation is not None:
        expected = "Here it learns from the labels alone, without the teachers that the shipped network had."
    else:
        expected = _expected(plan.name, plan.training.epochs / original.training.epochs)
    show.quiet(f"{expected} What is shipped is not changed.")


def _expected(name: str, share: float) -> str:
    """How long a share of the recipe's training will take, as far as its card knows."""
    try:
        return f"About {significant(zoo.card(name).seconds * share, 1)} s on the machine of its card."
    except InputError:
        return "How long it takes is not known: there is no card yet."


def buttons(plan: Recipe) -> None:
    """Begin, go on, or call off: whichever makes sense now."""
    found = trainings.board().find(plan)
    running = found is not None and not found.over.is_set()
    with st.container(horizontal=True, gap="small"):
        if running:
            st.button("Call off", key="call off", on_click=_call_off, args=(found,))
            return
        st.button("Train", key="train", type="primary", on_click=_begin, args=(plan, False))
        if trainings.kept(plan):
            st.button("Go on from the checkpoint", key="resume", on_click=_begin, args=(plan, True))


def live(plan: Recipe, said: Any) -> None:
    """The curve: drawn again every second while the training runs, then once, with what the network reaches."""
    found = trainings.board().find(plan)
    if problem := st.session_state.pop("training problem", ""):
        show.problem(problem)
    if found is None:
        with said:
            show.answer("Press Train: the network starts from random weights, and its curve is drawn as it learns.")
        other = trainings.board().busy()
        if other is not None:
            show.quiet(f"{other.plan.name} is being trained, epoch {other.epoch} done.")
        _shipped(plan)
        return
    if found.over.is_set():
        with said:
            show.answer(*_outcome(found))
        _drawn(found)
        return
    with said:
        show.answer(strong(plan.name), " is being trained; the page may be left and comes back to it.")

    @st.fragment(run_every=TICK)
    def watched() -> None:
        _drawn(found)
        if found.over.is_set():
            st.rerun()

    watched()


def explained(plan: Recipe) -> None:
    """What the loop does, as the recipe says it."""
    assert plan.training is not None
    hidden = ("distillation",)
    pairs = [(k.replace("_", " "), v) for k, v in vars(plan.training).items() if k not in hidden and v is not None]
    show.html(facts([("architecture", plan.family), *plan.options.items(), *pairs]))
    show.quiet(
        f"On the command line: python -m zoo train {plan.name}. The same recipe, seed and number of threads give the "
        "same weights on the CPU, bit for bit."
    )


def _drawn(found: Training) -> None:
    assert found.plan.training is not None
    if not found.over.is_set():
        latest = found.progress[-1] if found.progress else None
        epochs = found.plan.training.epochs
        left = f", about {latest.seconds / latest.epoch * (epochs - latest.epoch):.0f} s left" if latest else ""
        st.progress(found.epoch / epochs, text=f"epoch {found.epoch} of {epochs}{left}")
        if latest is not None and latest.trouble:
            show.problem(latest.trouble)
    if found.progress or found.past:
        show.figure(trainings.curve(found), f"training {found.plan.name}")


def _shipped(plan: Recipe) -> None:
    """What to expect: the curve of the network that is shipped, from its card."""
    try:
        card = zoo.card(plan.name)
    except InputError:
        return
    if card.history:
        show.figure(cards.history(card), f"shipped {plan.name}")
        show.quiet("This is the curve of the shipped network, from its card.")


def _outcome(found: Training) -> list[object]:
    if found.metrics is None:
        return [found.problem]
    parts: list[object] = [strong(found.plan.name), f" reaches {scored(found.metrics)} on the scored split"]
    try:
        return [*parts, f"; as it is shipped, {scored(zoo.card(found.plan.name).metrics)}."]
    except InputError:
        return [*parts, "."]


def _begin(plan: Recipe, resume: bool) -> None:
    try:
        trainings.board().begin(plan, resume)
    except InputError as error:
        st.session_state["training problem"] = str(error)


def _call_off(found: Training) -> None:
    found.called_off.set()
    found.over.wait(10)
