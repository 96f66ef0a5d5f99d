"""The shelf: all models in a table that can be filtered and sorted; a click on a row chooses the model."""

from typing import Any

import streamlit as st

import zoo
from pages.ui import controls, show
from workbench.catalogue import catalogue, over_seeds
from zoo.card import ModelCard
from zoo.recipe import Recipe

ALL = "all"
POINTS = 40
"""Of a sparkline."""
TALLEST = 420
"""Pixels of the table; longer ones scroll."""
ROW = 35


def browse(chosen: str) -> None:
    """The table, cut down to what the reader asks for, the chosen model's task first, and what its figures are."""
    wanted = _wanted()
    listed = catalogue()
    names = [str(row[0]) for row in listed.rows]
    kept = [name for name in names if _fits(zoo.recipe(name), *wanted)]
    kept.sort(key=lambda name: zoo.recipe(name).task != zoo.recipe(chosen).task)  # what is asked for is seen at once
    if not kept:
        show.quiet("No model is of this kind, task and family. Choose all of one of them.")
        return
    cards = [zoo.card(name) for name in kept]
    st.session_state["on the shelf"] = kept
    st.dataframe(
        _columns(cards, chosen),
        hide_index=True,
        placeholder="–",
        height=min(TALLEST, ROW * (len(kept) + 1) + 3),
        column_config=_looks(),
        key="shelf",
        on_select=_choose,
        selection_mode="single-row",
    )
    show.quiet(f"{len(kept)} of {len(names)} models; a click on a row opens its card. {listed.note}")


def _wanted() -> tuple[str, str, str]:
    """What kind of samples, which task, which family the reader wants to see."""
    plans = list(zoo.RECIPES.values())
    kinds = list(dict.fromkeys(str(zoo.task(plan.task).kind) for plan in plans))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        kind = controls.choose("Samples", [ALL, *kinds], key="kind")
        task = controls.choose("Of the task", [ALL, *dict.fromkeys(plan.task for plan in plans)], key="of_task")
        family = controls.choose("Of the family", [ALL, *sorted({plan.family for plan in plans})], key="family")
    return kind, task, family


def _fits(plan: Recipe, kind: str, task: str, family: str) -> bool:
    """Whether a model is of a kind, a task and a family."""
    fitting = ((kind, str(zoo.task(plan.task).kind)), (task, plan.task), (family, plan.family))
    return all(wanted in (ALL, found) for wanted, found in fitting)


def _columns(cards: list[ModelCard], chosen: str) -> dict[str, list[Any]]:
    """A column of the table for each title."""
    marks = ["●" if card.name == chosen else "" for card in cards]
    return {
        "": marks,
        "Model": [card.name for card in cards],
        "Task": [card.task for card in cards],
        "Family": [card.family for card in cards],
        "Score": [100 * card.metrics.score for card in cards],
        "95 %": [_interval(card) for card in cards],
        "Training": [_sparkline(card) for card in cards],
        "Over seeds": [over_seeds(card) for card in cards],
        "Parameters": [card.parameters for card in cards],
        "Multiply-accumulates": [card.multiply_accumulates for card in cards],
        "Predict": [card.predict_milliseconds for card in cards],
        "Trained in": [card.seconds for card in cards],
        "What it is": [card.title for card in cards],
    }


def _looks() -> dict[str, Any]:
    """How each column is written."""
    number = st.column_config.NumberColumn
    return {
        "": st.column_config.TextColumn(width=20),
        "Score": number("Score, %", format="%.1f", help="Accuracy; R² where a number is asked for"),
        "95 %": st.column_config.TextColumn("95 % interval", help="Over samples of the split that is scored"),
        "Training": st.column_config.LineChartColumn(help="Loss of the training batches, epoch by epoch"),
        "Parameters": number(format="localized"),
        "Multiply-accumulates": number(format="compact", help="For one sample; not counted for traditional models"),
        "Predict": number("Predict, ms", format="%.3f", help="Per sample, in batches of 256, on the CPU"),
        "Trained in": number("Trained in, s", format="%.1f"),
    }


def _interval(card: ModelCard) -> str:
    return f"{100 * card.metrics.low:.1f} to {100 * card.metrics.high:.1f}"


def _sparkline(card: ModelCard) -> list[float] | None:
    """The loss of training, in no more points than a small drawing can show."""
    loss = card.history.get("loss", ())
    if not loss:
        return None
    step = max(1, len(loss) // POINTS)
    return list(loss[::step])


def _choose() -> None:
    """A row was clicked: choose its model, and begin with a sample of its task."""
    rows = st.session_state["shelf"]["selection"]["rows"]
    if rows:
        controls.pick(st.session_state["on the shelf"][rows[0]])
