"""Documents about one thing: a single record, or one explanation with its evidence."""

from collections.abc import Sequence

from workbench import answer, records
from workbench.plots import style
from workbench.quantity import significant
from workbench.records import Attribution, Grade, Record
from workbench.report import blocks
from workbench.report.blocks import Block


def record_blocks(record: Record) -> list[Block]:
    """Any record: its figure (a table as a table), and how it was made."""
    shown: Block = blocks.Table(content=record) if isinstance(record, records.Table) else blocks.Figure(content=record)
    return [shown, blocks.Provenance(content=(record,))]


def explanation_blocks(record: Attribution, found: Sequence[records.Evidence]) -> list[Block]:
    """An attribution, one sample after another: what the model says, the map, its grade and the reasons for it."""
    content: list[Block] = []
    for index, sample in enumerate(record.sample_ids):
        if len(record) > 1:
            content.append(blocks.Heading(text=sample))
        graded = tuple(evidence for evidence in found if evidence.sample_id == sample)
        content.append(blocks.Text(text=sentence(record, index, graded)))
        content.append(blocks.Figure(content=record.take(index)))
        if graded:
            content.append(blocks.Evidence(content=graded))
    return [*content, blocks.Provenance(content=(record,))]


def sentence(record: Attribution, index: int, found: Sequence[records.Evidence] = ()) -> str:
    """One line that says what the model answered, what was explained and how far that can be trusted."""
    what = answer.explained(record, index)
    what = what if answer.is_number(record) else f"the {what}"
    value = significant(float(record.f_x[index]))
    explained = f"{style.readable(record.method)} explains {what}, which is {value}"
    graded = [f"{style.SYMBOLS[item.grade]} {item.grade}: {held(item)}" for item in found]
    return ". ".join([f"`{record.subject}` {said(record, index)}", explained, *graded]) + "."


def said(record: Attribution, index: int) -> str:
    """What the model says of a sample: "says 9 (0.98), which is right"."""
    return f"says {answer.verdict(record, index)}"


def held(found: records.Evidence) -> str:
    """How many of its checks hold: "4 of 5 checks hold"."""
    count = sum(reason.holds for reason in found.reasons)
    return f"{count} of {len(found.reasons)} checks hold"


def counts(found: Sequence[records.Evidence]) -> dict[Grade, int]:
    """How many attributions got each grade."""
    return {grade: sum(item.grade is grade for item in found) for grade in Grade}
