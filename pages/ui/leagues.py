"""Leagues: what is kept of every method by every metric, shown at once, and which method it recommends."""

import streamlit as st

from pages.ui import controls, evaluated, show, waiting, work
from pages.ui.controls import Chosen
from pages.ui.markup import element, strong
from workbench import archive, recommendation, standings
from workbench.explanation import methods
from workbench.league import League
from workbench.records import Table
from workbench.scoring import metrics
from workbench.tournament import fingerprints
from zoo.errors import InputError

OVERVIEW = "overview"


def page(chosen: Chosen, league: League) -> None:
    """The recommendation, the table of a category or of all, and the samples behind a number."""
    said, stale = st.empty(), st.empty()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        options = (OVERVIEW, *league.measured_categories)
        titles = {name: name.capitalize() for name in options}
        category = controls.choose("Metrics of", options, key="category", titles=titles, flat=True)
        table = _table(league, category)
        hint = "200 passes, or 20 ms"
        limit = st.text_input("Budget per sample", key="budget", bind="query-params", placeholder=hint, width=220)
    found = recommendation.recommend([league], _budget(limit))
    with said:
        show.answer(*_answer(found))
    shaded = frozenset(title for title, own in zip(league.method_titles, league.controls, strict=True) if own)
    chosen_row = found.best.title if found.best else ""
    with st.container(key="league"):
        show.table_of(table, shaded=shaded, chosen=chosen_row, bars=category != OVERVIEW)
    show.quiet(table.note)
    _reasons(found)
    _behind(chosen, league, category, stale)
    with st.expander("How was this made"):
        show.quiet(f"`workbench league {league.subject}` on {league.samples}, seed {league.seed}.")
        known = metrics()
        for name in league.metrics:
            if name in known and category in (OVERVIEW, known[name].category):
                show.made_by(known[name])
    show.downloads(league, f"league-{league.subject}")


def _budget(text: str | None) -> recommendation.Budget:
    """What the reader allows; what cannot be read is said in place, and allows anything."""
    try:
        return recommendation.budget(text)
    except InputError as error:
        show.problem(error)
        return recommendation.Budget()


def _answer(found: recommendation.Recommendation) -> list[object]:
    """The first two reasons, the method in bold."""
    best = found.best
    if best is None:
        return [" ".join(found.sentences)]
    return [strong(best.title), found.sentences[0].removeprefix(best.title), " ", found.sentences[1]]


def _table(league: League, category: str) -> Table:
    """Best standing first; of a category sorted by the column that the reader chooses."""
    if category == OVERVIEW:
        return standings.overview(league)
    table = evaluated.without_empty(standings.table(league, category))
    columns = {str(place): column.title for place, column in enumerate(table.columns)}
    order = controls.choose("Sorted by", list(columns), key="sort", default="1", titles=columns)
    return evaluated.in_order(table, int(order))


def _reasons(found: recommendation.Recommendation) -> None:
    """Every reason with its numbers, and why the others must not be used."""
    with st.expander("Why this method, and not another"):
        for sentences in (found.sentences, found.refusals):
            show.html(element("ul", "wb-quiet", *(element("li", "", sentence) for sentence in sentences)))


def _behind(chosen: Chosen, league: League, category: str, stale: st.delta_generator.DeltaGenerator) -> None:
    """What has changed since, and the samples behind one number, computed again when one is chosen."""
    subject = waiting.result(work.subject(chosen.model), "model")
    if subject is None:
        return
    if since := archive.staleness(league, subject.digest, fingerprints(subject)):
        with stale:
            renew = f"Renew it with `workbench league {league.subject}`."
            show.problem(f"This league is out of date: {' '.join(since)} {renew}")
    known = {**methods(), **metrics()}
    shown = league.metrics if category == OVERVIEW else [league.metrics[i] for i in league.columns(category)]
    titles = dict(zip((*league.methods, *league.metrics), (*league.method_titles, *league.metric_titles), strict=True))
    show.heading("The samples behind a number")
    with st.container(horizontal=True):
        method = controls.choose_if_any("Method", league.methods, "method", titles, "Choose a method")
        metric = controls.choose_if_any("Metric", shown, "metric", titles, "Choose a metric")
    if method is None or metric is None:
        show.quiet("Choose a method and a metric: their samples are then measured again, which may take a moment.")
    elif method not in known or metric not in known:
        show.problem("This is not there any more. Renew the league.")
    else:
        pair = [methods()[method]()], [metrics()[metric]()]
        samples = subject.task.select(league.samples)
        scores = waiting.result(work.evaluation(subject, samples, *pair), "cell")
        if scores is not None:
            evaluated.samples_of(scores[0])
