"""Measured: a few methods by a few metrics, computed while the reader waits."""

import streamlit as st

from pages.ui import controls, evaluated, explained, show, waiting, work
from pages.ui.controls import Chosen
from workbench.disagreement import by_sample
from workbench.evaluation import league
from workbench.explanation import AbstractMethod, methods_for
from workbench.records import Target
from workbench.scoring import AbstractMetric, metrics
from workbench.subject import Subject
from zoo.task import Samples


def page(chosen: Chosen) -> None:
    """The table of what is chosen, the samples behind one of its numbers, and where the methods disagree."""
    said = st.empty()
    subject = waiting.result(work.subject(chosen.model), "model")
    if subject is None:
        return
    methods, wanted, samples = _chosen(subject)
    if not methods or not wanted:
        show.problem("Nothing is measured. Choose at least one method and one metric.")
        return
    scores = waiting.result(work.evaluation(subject, samples, methods, wanted), "evaluation")
    if scores is None:
        return
    table = evaluated.without_empty(league(scores))
    with said:
        show.answer(*evaluated.in_a_sentence(scores))
    columns = {str(place): column.title for place, column in enumerate(table.columns)}
    first = evaluated.first_column(table, scores)
    order = controls.choose("Sorted by", list(columns), key="sort", default=first, titles=columns)
    show.table_of(evaluated.in_order(table, int(order)), shaded=evaluated.control_titles(), bars=True)
    show.quiet(table.note)
    titles = {kind.name: kind.title for kind in (*methods, *wanted)}
    evaluated.cell(scores, titles, evaluated.lead(scores).metric)
    _disagreement(subject, samples, methods)
    with st.expander("How was this made"):
        for kind in (*map(type, wanted), *map(type, methods)):
            show.made_by(kind)
    show.downloads(table, f"evaluation-{chosen.model}")


def _chosen(subject: Subject) -> tuple[list[AbstractMethod], list[AbstractMetric], Samples]:
    """Methods, metrics and samples: at first few enough to wait for."""
    known, what = metrics(), st.expander("What is measured")
    with what:
        count = controls.choose("Samples", ["16", "32", "64"], key="samples", default="16")
    samples = controls.first_of(subject.task, int(count))
    fitting = methods_for(subject, samples)
    titles = {name: kind.title for name, kind in {**fitting, **known}.items()}
    few = explained.default_methods(list(fitting.values()))
    graded = [name for name in known if name in work.GRADED]
    with what:
        names = controls.choose_several("Methods", list(fitting), "methods", few, titles, len(fitting))
        wanted = controls.choose_several("Metrics", list(known), "metrics", graded, titles, len(known))
    return [fitting[name]() for name in names], [known[name]() for name in wanted], samples


def _disagreement(subject: Subject, samples: Samples, methods: list[AbstractMethod]) -> None:
    """On which samples the methods disagree most, where the reader asks for it."""
    real = [method for method in methods if not evaluated.is_control(method.name)]
    if len(real) < 2:
        return
    show.heading("Where the methods disagree")
    if not st.toggle("Compare their maps of every sample", key="disagreement", bind="query-params"):
        return
    records = waiting.results([work.explanation(subject, samples, m, Target()) for m in real], "disagreement")
    if records is not None:
        table = by_sample(records, [method.title for method in real])
        show.table_of(table)
        show.quiet(table.note)
