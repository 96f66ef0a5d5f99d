"""Tasks: what a reader should know of a task, before any model."""

from collections.abc import Iterator

import zoo
from pages.ui import controls, show
from pages.ui.markup import facts, strong
from workbench.catalogue import catalogue, part
from workbench.records import Column, Gallery, Table
from zoo.task import Ablatable, Task


def in_a_sentence(task: Task) -> Iterator[object]:
    """What is asked, of how much data, and whether the true reasons are known."""
    yield strong(task.title)
    asked = f"a number, {task.classes[0]}" if task.regression else f"one of {len(task.classes)} classes"
    yield f" asks for {asked}, of each {task.kind}"
    if task.planted:
        yield "; the data is generated, and of every sample it is known which of its features are the reason"
    yield "."
    if task.bayes is not None:
        best = f"R² {task.bayes:.3f}" if task.regression else f"{100 * task.bayes:.1f} % of the samples"
        yield f" The best that any model can reach is {best}."


def facts_of(task: Task) -> None:
    """Where the data comes from, how it is split, what stands for nothing, what may be done with it."""
    classes = ", ".join(task.classes[:12]) + (f", … ({len(task.classes)})" if len(task.classes) > 12 else "")
    pairs = [
        ("name", task.name),
        ("output" if task.regression else "classes", classes),
        ("one input", " × ".join(task.axes)),
        ("splits", ", ".join(f"{s} (scored)" if s == task.scored else s for s in task.splits)),
        ("source", task.source),
        ("preprocessing", task.preprocessing),
        ("nothing is here", f"reference input: {task.absence}"),
        ("evidence", _evidence(task)),
        ("licence", task.licence),
        ("cite", task.citation),
    ]
    show.html(facts(pairs))


def first_split(task: Task) -> str:
    """The split that is scored, or one whose data is at hand."""
    return controls.first_sample(task).partition(":")[0]


def legend(record: Gallery) -> None:
    """How the evidence is drawn, where there is any."""
    if record.evidence is None:
        show.quiet("Under each sample: what is asked of it, and its name. The true reasons of this data are not known.")
        return
    how = "underlined" if "token" in record.axes else "circled or outlined" if "time" in record.axes else "outlined"
    show.quiet(
        f"The evidence, which is what the label was made from, is {how}. Under each sample: what is asked of it."
    )


def models_of(task: Task, chosen: str) -> None:
    """The models of a task, from their cards."""
    listed = part(catalogue(), task.name, without=("Task",))
    if not listed.rows:
        show.quiet("There is no model of this task yet. Write a recipe for one: zoo/recipes holds those there are.")
        return
    show.table_of(listed, chosen=chosen, bars=True)


def all_of_them() -> Table:
    """Every task there is, one row each."""
    count = {name: sum(plan.task == name for plan in zoo.RECIPES.values()) for name in zoo.tasks()}
    columns = ("Task", "What it is", "Kind", "Classes", "Evidence", "Models", "Licence")
    return Table(
        title="Tasks",
        columns=tuple(Column(title=title, digits=0) for title in columns),
        rows=tuple(
            (
                task.name,
                task.title,
                str(task.kind),
                None if task.regression else len(task.classes),
                "planted" if task.planted else "–",
                count[name],
                task.licence,
            )
            for name, task in zoo.tasks().items()
        ),
    )


def _evidence(task: Task) -> str:
    if not task.planted:
        return "not known"
    return "planted; samples can be made again without it" if isinstance(task, Ablatable) else "planted"
