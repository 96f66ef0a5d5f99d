"""Thumbnails: samples as people recognise them, an image small or the sentence itself."""

import contextlib

import streamlit as st

import zoo
from pages.ui import controls, show
from pages.ui.controls import Chosen
from pages.ui.markup import Html, element, strong
from workbench.quantity import significant
from workbench.records import Table
from zoo.errors import InputError
from zoo.task import Kind, Samples, Task

MOST = 12
"""Samples of a gallery; a table of differences can have hundreds of rows."""


def chosen(choice: Chosen) -> None:
    """The shared choice, in the sidebar; what cannot be shown is complained about by the page that needs it."""
    task = zoo.task(zoo.recipe(choice.model).task)
    with contextlib.suppress(InputError):
        _one(task, controls.samples(task, choice))


def _one(task: Task, samples: Samples) -> None:
    """The image or the sentence, and its label."""
    said = f"{samples.ids[0]} · {_asked(task, samples)}"
    if task.kind is Kind.IMAGE:
        st.image(show.picture(samples.inputs[0].numpy(), 128), width=128, alt=f"Sample {samples.ids[0]}")
    elif samples.texts is not None:
        show.html(element("p", "wb-sentence", samples.texts[0]))
    show.quiet(said)


def _asked(task: Task, samples: Samples) -> str:
    """What is known of the answer: the label, or the number that was measured."""
    if samples.values is not None:
        return f"{task.classes[0]}: {significant(float(samples.values[0]))}"
    label = int(samples.labels[0])
    return f"label {task.classes[label]}" if label >= 0 else "no label"


def odd_ones(task: Task, table: Table) -> None:
    """The samples that a table of differences names, with what each side says."""
    rows = table.rows[:MOST]
    if not rows:
        return
    first, second = (column.title for column in table.columns[2:4])
    if task.kind is Kind.IMAGE:
        show.quiet(f"Under each image: its label → what {first} / {second} say.")
        for column, row in zip(st.columns(MOST), rows, strict=False):
            with column:
                sample = task.select(str(row[0]))
                st.image(show.picture(sample.inputs[0].numpy(), 96), width=72, alt=f"Sample {row[0]}")
                show.html(element("p", "wb-tag", strong(row[1]), f" → {row[2]} / {row[3]}", Html("<br>"), row[0]))
    else:
        for row in rows:
            texts = task.select(str(row[0])).texts
            show.quiet(f"{row[0]} is {row[1]}: {first} {row[2]}, {second} {row[3]}. {texts[0] if texts else ''}")
    if len(table.rows) > MOST:
        show.quiet(f"The first {MOST} of {len(table.rows)}.")
