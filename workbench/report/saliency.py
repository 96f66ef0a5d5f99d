"""The saliency report: what was explained, how, on which files, how far it can be trusted, and what it is not for."""

from collections.abc import Sequence
from dataclasses import replace

from workbench import records
from workbench.evaluation import league
from workbench.explanation import AbstractMethod
from workbench.plots.style import SYMBOLS
from workbench.records import Attribution, Column, Grade, Target
from workbench.report import blocks, sections
from workbench.report.blocks import Block
from workbench.report.findings import Findings, card_of, gather
from workbench.report.single import counts
from workbench.subject import Subject
from zoo.task import Samples

NOT_FOR = """
**What this report must not be used for.** It does not show that the model is right, fair or safe, and it does not show
what causes what in the world. It says what moved the output of this one model on these samples, each method by its own
definition. Nothing may be decided about a person on its ground. {limits}
"""
GRADES = """
*Supported*: every check holds. *Mixed*: some do, or there are too few features to compare their order to random ones.
*Not supported*: the map is no better than a random order of the features, or does not depend on the weights. A grade
speaks of one map of one sample, not of the method as such.
"""


def saliency_report(
    subject: Subject,
    samples: Samples,
    methods: Sequence[AbstractMethod],
    target: Target = Target(),
    seed: int = 0,
) -> list[Block]:
    """Explain samples by methods, gather the evidence, and write it down; `seed` is given to all that have one.

    The same subject, samples, methods and seed give the same report, to the byte: it holds no time and no date.
    """
    found = gather(subject, samples, methods, target, seed)
    return [
        *_opening(found),
        *_summary(found),
        *sections.model(subject),
        *sections.samples(found),
        *sections.curves(found),
        *sections.agreements(found),
        *sections.methods(found),
        *sections.making(found),
    ]


def _opening(found: Findings) -> list[Block]:
    first = found.attributions[0]
    known = first.labels >= 0
    right = int((first.labels == first.predicted)[known].sum())
    answered = f", and answered {right} of {int(known.sum())} correctly" if known.any() else ""
    asked, by = sections.count(len(found.samples), "sample"), sections.count(len(found.methods), "method")
    lead = (
        f"`{found.subject.name}` was asked about {asked} of {found.subject.task.title.lower()}{answered}. This report "
        f"says what moved the {found.target.output.replace('_', ' ')} of {sections.whose(found.target)}, by {by}."
    )
    card = card_of(found.subject)
    notice = NOT_FOR.format(limits="" if card is None else card.limits)
    return [blocks.Text(text=f"{lead} {_best(found)}"), blocks.Notice(text=notice)]


def _best(found: Findings) -> str:
    """Which method is supported most often, and what became of the controls: computed from the grades."""
    supported = {
        method.title: counts(own)[Grade.SUPPORTED] for method, own in zip(found.methods, found.evidence, strict=True)
    }
    real = {title: count for title, count in supported.items() if title not in found.controls}
    total = len(found.samples)
    said = []
    if real:
        most = max(real.values())
        titles = " and ".join(f"*{title}*" for title, count in real.items() if count == most)
        said.append(f"Best supported: {titles}, on {most} of {total}." if most else "No method is supported on any.")
    said += [
        f"The control *{title}* is supported on {supported[title]} of {total}." for title in sorted(found.controls)
    ]
    return " ".join(said)


def _summary(found: Findings) -> list[Block]:
    scores = [score for record in found.attributions for score in found.scores(record)]
    return [
        blocks.Heading(text="How far each method can be trusted here"),
        blocks.Table(content=_grades(found), shaded=found.controls),
        blocks.Text(text=GRADES),
        blocks.Table(content=without_time(league(scores)), shaded=found.controls),
    ]


def _grades(found: Findings) -> records.Table:
    """How many samples got each grade, by method, controls last; and what a sample cost."""
    order = sorted(range(len(found.methods)), key=lambda i: found.methods[i].title in found.controls)
    rows: list[tuple[str | float, ...]] = []
    for i in order:
        counted = counts(found.evidence[i])
        rows.append((found.methods[i].title, *counted.values(), _passes(found.attributions[i])))
    columns = (
        Column(title="Method"),
        *(Column(title=f"{SYMBOLS[grade]} {grade}", unit="samples", digits=0) for grade in Grade),
        Column(title="Passes", unit="per sample", digits=0),
    )
    return records.Table(columns=columns, rows=tuple(rows), provenance=found.attributions[0].provenance)


def without_time(table: records.Table) -> records.Table:
    """The same table without what the clock said and what was counted elsewhere, so that it comes out alike again."""
    kept = [i for i, column in enumerate(table.columns) if column.title not in ("Time", "Passes")]
    return replace(table.part(columns=kept), title="")


def _passes(record: Attribution) -> float:
    return (record.forward_passes + record.backward_passes) / len(record)
