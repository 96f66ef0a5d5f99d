"""Controls: what a reader chooses. Choices come from discovery; every one is in the link, and is checked again here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

import zoo
from pages.ui import show
from workbench.records import Output, Target
from zoo.errors import InputError, unknown
from zoo.task import Samples, Task, TextTask

FEW = 3
"""Up to so many options are shown beside each other, more in a list."""
MANY = 14
"""With more options to choose several from, they are found by typing and not all shown."""
MOST_REPORTED = 16
LONGEST_LINKED = 1000
"""Characters of a typed text that still go into the link; a film review's sentence has about 100."""


@dataclass(frozen=True)
class Chosen:
    """The one shared choice: a model, and a sample of its task or a sentence that was typed."""

    model: str
    sample: str
    text: str

    @property
    def what(self) -> str:
        """The sample's reference, or that the sentence was typed."""
        return "a typed sentence" if self.text else self.sample


def sidebar() -> Chosen:
    """The shared choice, made once by the router for all pages: a task, one of its models, a sample."""
    task = zoo.task(_task())
    models = [name for name, plan in zoo.RECIPES.items() if plan.task == task.name]
    if st.session_state.get("model") not in models:
        st.session_state["model"] = next((name for name in _linked() if name in models), models[0])
    # without a default of its own: what equals a default is left out of the link, which then would name no model
    model = st.selectbox("Model", models, None, key="model", bind="query-params", on_change=_renew_sample) or models[0]
    st.session_state["task"] = task.name
    sample = _sample(task)
    text = ""
    if isinstance(task, TextTask):
        short = len(st.session_state.get("text") or "") <= LONGEST_LINKED
        text = st.text_area(
            "or a sentence of your own",
            key="text",
            bind="query-params" if short else None,
            height=80,
            placeholder="Type a sentence, then press Ctrl + Enter",
        )
    return Chosen(model, sample, text or "")


def chosen() -> Chosen:
    """What the router found chosen in this run."""
    return st.session_state["chosen"]


def samples(task: Task, chosen: Chosen) -> Samples:
    """The chosen sample; `InputError` where the reference or the sentence cannot be used."""
    if chosen.text and isinstance(task, TextTask):
        return task.encode([chosen.text])
    found = task.select(chosen.sample)
    if len(found) != 1:
        raise InputError(f"{chosen.sample!r} names {len(found)} samples; this page shows one. Write one, as test:7.")
    return found


def first_of(task: Task, count: int) -> Samples:
    """The first samples of the split that is scored, or of one whose data is at hand."""
    split = first_sample(task).partition(":")[0]
    return task.select(f"{split}:0:{min(count, len(task.samples(split)))}")


def several_samples(task: Task, count: int) -> Samples:
    """Some samples by a reference, at first the first few of the split that is scored."""
    split, _, first = first_sample(task).rpartition(":")
    start = f"{split}:{first}:{int(first) + count}"
    reference = st.text_input("Samples", value=start, key="samples", bind="query-params", help=f"For example {start}")
    found = task.select(str(reference).strip())
    if len(found) > MOST_REPORTED:
        raise InputError(
            f"{reference!r} names {len(found):,} samples; this page takes at most {MOST_REPORTED}. Name fewer, or use "
            "the command line."
        )
    return found


def choose(
    label: str,
    options: Sequence[str],
    key: str,
    default: str | None = None,
    titles: Mapping[str, str] | None = None,
    on_change: Callable[[], None] | None = None,
    flat: bool = False,
) -> str:
    """One of several names, in the link as `key`; a name that a link gives and that is not there is said in place.

    Few are shown beside each other, and more where they are asked to lie `flat`.
    """
    _check_link(label, key, options, titles)
    if len(options) == 1:
        return options[0]
    if len(options) <= FEW or flat:
        return _choose_few(label, options, key, default or options[0], titles)
    return st.selectbox(
        label,
        options,
        index=options.index(default) if default in options else 0,
        key=key,
        bind="query-params",
        format_func=lambda name: (titles or {}).get(name, name),
        on_change=on_change or "rerun",
    )


def _choose_few(label: str, options: Sequence[str], key: str, default: str, titles: Mapping[str, str] | None) -> str:
    picked = st.segmented_control(
        label,
        options,
        required=True,
        default=None if key in st.session_state else default,
        key=key,
        bind="query-params",
        format_func=lambda name: (titles or {}).get(name, name),
    )
    return str(picked or default)


def choose_if_any(
    label: str, options: Sequence[str], key: str, titles: Mapping[str, str], placeholder: str
) -> str | None:
    """One of several names, or none so far."""
    _check_link(label, key, options, titles)
    return st.selectbox(
        label,
        options,
        index=None,
        key=key,
        bind="query-params",
        format_func=lambda name: titles.get(name, name),
        placeholder=placeholder,
    )


def choose_several(
    label: str, options: Sequence[str], key: str, default: Sequence[str], titles: Mapping[str, str], most: int
) -> list[str]:
    """Some of several names, at most `most`: beside each other or, where there are many, found by typing."""
    _check_link(label, key, options, titles, several=True)
    first = None if key in st.session_state else list(default)

    def shown(name: str) -> str:
        return titles.get(name, name)

    if len(options) > MANY:
        picked = st.multiselect(label, options, first, shown, key, bind="query-params", wrap=True)
    else:
        picked = st.pills(
            label, options, selection_mode="multi", default=first, key=key, bind="query-params", format_func=shown
        )
    if len(picked) > most:
        show.problem(f"{len(picked)} chosen; the first {most} are shown side by side.")
    return list(picked)[:most]


def target(task: Task) -> Target:
    """Which scalar is explained."""
    classes = {str(index): f"class {name}" for index, name in enumerate(task.classes)}
    titles = {"predicted": "predicted class", "label": "labelled class", **classes}
    of = choose("Explained class", list(titles), key="target", titles=titles)
    output = choose("Explained scalar", list(Output), key="output", titles={o: o.replace("_", " ") for o in Output})
    return Target(of=int(of) if of.isdigit() else of, output=Output(output))


def _task() -> str:
    """The task whose models are offered: that of the chosen model, until another is picked here."""
    _check_link("Model", "model", list(zoo.RECIPES), None)
    model = st.session_state.get("model") or next(iter(_linked()), next(iter(zoo.RECIPES)))
    st.session_state["of"] = zoo.recipe(model).task
    tasks = list(dict.fromkeys(plan.task for plan in zoo.RECIPES.values()))
    return st.selectbox("Task", tasks, key="of", on_change=_renew_model)


def _linked() -> list[str]:
    """The models that a link names, of those that there are."""
    return [name for name in st.query_params.get_all("model") if name in zoo.RECIPES]


def pick(model: str) -> None:
    """Choose a model by other means than the sidebar."""
    st.session_state["model"] = model
    st.session_state["of"] = zoo.recipe(model).task
    _renew_sample()


def _renew_model() -> None:
    """Another task was chosen: begin with its first model and its first sample."""
    task = st.session_state["of"]
    st.session_state["model"] = next(name for name, plan in zoo.RECIPES.items() if plan.task == task)
    _renew_sample()


def _sample(task: Task) -> str:
    """A reference to one sample of the task, with its neighbours one click away."""
    if not st.session_state.get("sample") and not st.query_params.get("sample"):
        st.session_state["sample"] = first_sample(task)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        reference = st.text_input("Sample", key="sample", bind="query-params", help=_splits(task))
        st.button("‹", key="previous", on_click=_step, args=(task, -1), help="Previous sample")
        st.button("›", key="next", on_click=_step, args=(task, 1), help="Next sample")
    return str(reference).strip()


def first_sample(task: Task) -> str:
    """The first sample of the split that is scored, or of one whose data is at hand."""
    available = (split for split in (task.scored, *reversed(task.splits)) if _is_at_hand(task, split))
    return f"{next(available, task.scored)}:0"


def _is_at_hand(task: Task, split: str) -> bool:
    if task.unavailable() is None:
        return True
    try:
        task.samples(split)
    except InputError:
        return False
    return True


def _splits(task: Task) -> str:
    return "SPLIT:INDEX, for example " + ", ".join(f"{split}:0" for split in task.splits)


def _step(task: Task, by: int) -> None:
    """Go to a neighbour; a reference that names nothing is left for the page to complain about."""
    reference = st.session_state.get("sample") or first_sample(task)
    head, colon, index = reference.rpartition(":")
    if index.isdigit() and (head or task.scored) in task.splits:
        size = len(task.samples(head or task.scored))
        st.session_state["sample"] = f"{head}{colon}{(int(index) + by) % size}"


def _renew_sample() -> None:
    """Another model was chosen: keep the sample where its task has it, else begin with the task's first."""
    task = zoo.task(st.session_state["of"])
    if st.session_state.get("task") != task.name:
        st.session_state["sample"] = first_sample(task)


def _check_link(
    label: str, key: str, options: Sequence[str], titles: Mapping[str, str] | None, several: bool = False
) -> None:
    """Say so where a link asks for what is not there; a link may give names where the page shows titles."""
    shown = {name: (titles or {}).get(name, name) for name in options}
    given = st.query_params.get_all(key)
    for value in given:
        if value not in shown and value not in shown.values():
            show.problem(unknown(label.lower().removesuffix("s") if several else label.lower(), value, options))
    if given and key not in st.session_state and all(shown.get(value, value) != value for value in given):
        st.session_state[key] = given if several else given[0]


def whole_number(label: str, key: str, low: int, high: int, default: int, help: str) -> int:
    """A whole number within bounds, in the link as `key`."""
    for given in st.query_params.get_all(key):
        if not given.isdigit() or not low <= int(given) <= high:
            show.problem(
                f"{label} {given!r} in the link is not a whole number from {low} to {high}: {default} is used."
            )
    return int(st.number_input(label, low, high, default, key=key, bind="query-params", help=help))


def number(label: str, key: str, low: float, high: float, default: float, help: str) -> float:
    """A number within bounds, in the link as `key`."""
    for given in st.query_params.get_all(key):
        if not _is_between(given, low, high):
            show.problem(f"{label} {given!r} in the link is not between {low:g} and {high:g}: {default:g} is used.")
    found = st.number_input(
        label, low, high, default, step=default / 10, format="%g", key=key, bind="query-params", help=help
    )
    return float(found)


def _is_between(text: str, low: float, high: float) -> bool:
    try:
        return low <= float(text) <= high
    except ValueError:
        return False
