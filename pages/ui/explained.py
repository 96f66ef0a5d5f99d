"""Explained: the parts of a page around its maps."""

import math
from collections.abc import Sequence

import streamlit as st

from pages.ui import menu, sentences, show, waiting, work
from pages.ui.markup import Html, element, facts, grade, reasons, strong
from workbench import answer, archive
from workbench.agreement import agreement
from workbench.disagreement import by_feature, by_sample, disputed
from workbench.explanation import AbstractMethod, Claim, methods, refusal
from workbench.quantity import share, significant
from workbench.recommendation import recommend
from workbench.records import Attribution, Evidence, Score, Target
from workbench.report.single import held
from workbench.subject import Subject
from zoo.task import Samples

SHOWN = 4
FAMILIAR = ("integrated_gradients", "kernel_shap", "gradient", "occlusion", "lime", "feature_ablation")
CONTROL = "random"
CHECKS = {"relevance_mass": "evidence"}
"""Checks that are not called like their metric."""
FOLDED = 3
"""Methods that do not fit are named on the page up to so many, and behind a click where they are more."""
SCALES = {"fitting": None, "one": True, "own": False}
SCALE_TITLES = {"fitting": "one where all maps fill it", "one": "one for all", "own": "each its own"}


def default_methods(fitting: Sequence[type[AbstractMethod]]) -> list[str]:
    """The first three that are familiar and quick, of those that fit, and random numbers beside them."""
    names = [kind.name for kind in fitting]
    return [*[name for name in FAMILIAR if name in names][: SHOWN - 1], *[name for name in names if name == CONTROL]]


def greyed_out(subject: Subject, samples: Samples, target: Target) -> None:
    """The methods that do not fit, each with the reason."""
    pairs = [(kind.title, refusal(kind(), subject, samples, target)) for kind in methods().values()]
    chips = [element("span", "", element("s", "", title), f" {reason}") for title, reason in pairs if reason]
    if len(chips) > FOLDED:
        with st.expander(f"{len(chips)} methods do not fit {subject.name}"):
            show.html(element("p", "wb-chips", *chips))
    elif chips:
        show.html(element("p", "wb-chips", *chips))


def recommended(model: str) -> None:
    """A line on which method the league of the model recommends, where one is kept."""
    if model not in archive.kept():
        return
    found = recommend([archive.read(model)])
    if (best := found.best) is None:
        said: list[object] = [" ".join(found.sentences)]
    else:
        beats = f", which clearly beats every control on {best.won} of {best.count} metrics."
        said = [f"Recommended on {model}: ", strong(best.title), beats]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.html(element("p", "wb-quiet", *said), width="content")
        st.page_link(str(menu.found("evaluate")), label="Why")


def disagreement_of(records: Sequence[Attribution]) -> None:
    """What the methods disagree about on this sample, and in a sentence how much; controls have no say in it."""
    records = [record for record in records if Claim.CONTROL not in record.claims]
    if len(records) < 2:
        return
    titles = [sentences.title(record.method) for record in records]
    ranked, overlap, signs = (
        significant(float(value), 2) if isinstance(value, float) else "–"
        for value in by_sample(records, titles).rows[0][1:4]
    )
    left, right = st.columns([1.7, 1], gap="large", vertical_alignment="center")
    with left:
        table = disputed(records, titles)
        show.caption(table.title)
        if not table.rows:
            show.quiet("Nothing: they rank all places alike.")
        elif records[0].axes[-2:] == ("height", "width"):
            show.image(
                2 * by_feature(records).values, "Where the ranks of the methods are apart: the more ink, the further"
            )
        else:
            show.table_of(table)
    with right:
        show.quiet(
            f"Over all pairs of the {len(records)} methods: rank correlation {ranked}, overlap of the top tenth "
            f"{overlap}, same sign there {signs}."
        )


def graded_row(subject: Subject, samples: Samples, records: Sequence[Attribution], scale: str) -> list[Evidence] | None:
    """The maps, and as soon as they are checked their grades below them."""
    works = [work.graded(subject, samples, record) for record in records]
    place = st.empty()
    found = waiting.ready(works)
    if found is None:
        with place.container():
            show.row(records, None, "maps", SCALES[scale])
        found = waiting.results(works, "evidence")
    if found is not None:
        with place.container():
            show.row(records, found, "graded maps", SCALES[scale])
    return found


def measured(records: Sequence[Attribution], scores: Sequence[Score], evidence: Sequence[Evidence]) -> Html:
    """Each method's grade, and its value of each metric on this sample, with whether that passes its check."""
    kinds = {score.metric: score for score in scores}
    arrows = {True: " ↑", False: " ↓"}
    heads = [element("th", "", "Method"), element("th", "", "Evidence")] + [
        element("th", "number", score.title, arrows[score.higher_is_better], element("span", "unit", score.unit))
        for score in kinds.values()
    ]
    rows = []
    for record, found in zip(records, evidence, strict=True):
        own = {score.metric: score for score in scores if score.method == record.method}
        holds = {reason.check: reason.holds for reason in found.reasons}
        cells = [
            element("td", "", sentences.title(record.method)),
            element("td", "", grade(found.grade), element("span", "spread", f" {held(found)}")),
            *(_cell(own.get(name), holds.get(CHECKS.get(name, name))) for name in kinds),
        ]
        rows.append(element("tr", "control" if Claim.CONTROL in record.claims else "", *cells))
    table = element("table", "wb-table", element("thead", "", element("tr", "", *heads)), element("tbody", "", *rows))
    return element("div", "wb-scroll", table)


def _cell(score: Score | None, holds: bool | None) -> Html:
    if score is None or not score.values.size:
        return element("td", "number", "–")
    value = share(score.mean / 100).removesuffix(" %") if score.unit == "%" else significant(score.mean, 2)
    mark = {True: "●", False: "○", None: ""}[holds]
    return element("td", "number", value, " ", element("span", "wb-mark", mark))


def checks(records: Sequence[Attribution], evidence: Sequence[Evidence]) -> None:
    """Every check of every method, with its number."""
    for column, record, found in zip(st.columns(len(records), gap="medium"), records, evidence, strict=True):
        with column:
            title = element("p", "wb-label", sentences.title(record.method), Html("<br>"), grade(found.grade))
            show.html(title, reasons(found.reasons))
            for remark in found.remarks:
                show.quiet(remark)


def agreement_of(records: Sequence[Attribution]) -> None:
    """How much the methods agree, as a figure and in a sentence."""
    names = [sentences.title(record.method) for record in records]
    found = agreement(records, names)
    left, right = st.columns([1.7, 1], gap="large", vertical_alignment="center")
    with left:
        show.figure(found, "agreement")
    with right:
        pairs = [(found.values[i, j], names[i], names[j]) for i in range(len(names)) for j in range(i)]
        ordered = sorted((pair for pair in pairs if math.isfinite(pair[0])), reverse=True)
        if ordered:
            (most, one, other), (least, first, second) = ordered[0], ordered[-1]
            show.quiet(
                f"{one} and {other} agree most ({significant(float(most), 2)}), {first} and {second} least "
                f"({significant(float(least), 2)}). Methods that agree may both be wrong: agreement is no evidence."
            )


def made(record: Attribution) -> Html:
    """Where one attribution came from."""
    settings = ", ".join(f"{name} = {value}" for name, value in record.parameters.items()) or "none"
    return facts(
        [
            ("explained", f"{record.target.output.replace('_', ' ')} of {record.class_names[0]}"),
            ("f(x), f(x′)", f"{significant(float(record.f_x[0]))}, {significant(float(record.f_reference[0]))}"),
            ("gap", answer.gap(record, 0)),
            ("settings", settings),
            ("seed", "–" if record.seed is None else record.seed),
            ("cost", f"{record.forward_passes:,} forward and {record.backward_passes:,} backward passes"),
            ("time", f"{significant(record.seconds, 2)} s on {record.provenance.get('device', '')}"),
            ("steps", ", ".join(record.steps) or "none"),
            ("model", str(record.provenance.get("weights_sha256", ""))[:16]),
        ]
    )
