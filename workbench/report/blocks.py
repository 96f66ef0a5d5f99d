"""Blocks: what a report or a lesson is made of. Frozen, and nothing in them knows how they will be shown."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import plotly.graph_objects as go

from workbench import records
from workbench.plots import plot, plot_row, style
from workbench.records import Attribution, Grade, Record


@dataclass(frozen=True, kw_only=True, eq=False)
class Block:
    """Base of all blocks."""

    def shown(self) -> Iterator[Record]:
        """The records that the block shows, for the manifest."""
        yield from ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Heading(Block):
    """A heading; `level` 2 opens a section, 3 a part of one."""

    text: str
    level: int = 2


@dataclass(frozen=True, kw_only=True, eq=False)
class Text(Block):
    """Prose: paragraphs between blank lines, lists of lines that begin with "- ", **strong**, *emphasis*, `code`.

    Nothing else is markup; any HTML in it is shown as it is written.
    """

    text: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Code(Block):
    """Lines shown as they are: a formula, a command."""

    text: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Facts(Block):
    """Names and what they are, under each other; `mono` for hashes."""

    pairs: tuple[tuple[str, str], ...]
    mono: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Notice(Block):
    """A sentence that must not be missed."""

    text: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Figure(Block):
    """The figure of a record, or one that was drawn before, of which the theme then only changes the template."""

    content: Record | go.Figure
    caption: str = ""

    def draw(self, theme: str) -> go.Figure:
        """The figure in a theme."""
        if isinstance(self.content, Record):
            return plot(self.content, theme=theme)
        return go.Figure(self.content).update_layout(template=style.template(theme))

    def shown(self) -> Iterator[Record]:
        if isinstance(self.content, Record):
            yield self.content


@dataclass(frozen=True, kw_only=True, eq=False)
class Row(Block):
    """Several attributions of the sample with this `index`, side by side on one scale, each with its grade."""

    attributions: tuple[Attribution, ...]
    evidence: tuple[records.Evidence, ...] | None = None
    index: int = 0
    caption: str = ""
    titled: bool = True

    def draw(self, theme: str) -> go.Figure:
        """The figure in a theme."""
        return plot_row(
            self.attributions, self.evidence, index=self.index, theme=theme, width=REPORT_WIDTH, titled=self.titled
        )

    def shown(self) -> Iterator[Record]:
        yield from self.attributions


REPORT_WIDTH = 1076
"""Pixels at which rows of maps and of shaded words wrap in a report."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Table(Block):
    """A table of a record; rows whose first cell is in `shaded` are controls."""

    content: records.Table
    shaded: frozenset[str] = frozenset()

    def shown(self) -> Iterator[Record]:
        yield self.content


@dataclass(frozen=True, kw_only=True, eq=False)
class Evidence(Block):
    """The grades of one sample's attributions, each with its reasons and their numbers."""

    content: tuple[records.Evidence, ...]

    def shown(self) -> Iterator[Record]:
        yield from self.content


@dataclass(frozen=True, kw_only=True, eq=False)
class Provenance(Block):
    """How records were made: parameters, seed, passes, hashes, versions; folded away until asked for."""

    content: tuple[Record, ...]
    title: str = "How this was made"

    def shown(self) -> Iterator[Record]:
        yield from self.content


@dataclass(frozen=True, kw_only=True, eq=False)
class Folded(Block):
    """Blocks that are folded away under a title until asked for; they are printed unfolded."""

    title: str
    content: tuple[Block, ...]

    def shown(self) -> Iterator[Record]:
        for block in self.content:
            yield from block.shown()


@dataclass(frozen=True, kw_only=True, eq=False)
class Question(Block):
    """A question that is answered before the measurement is seen; `options` are the answers to choose from."""

    text: str
    options: tuple[str, ...]


class Outcome(StrEnum):
    """What became of a claim."""

    HOLDS = "holds"
    CONDITION = "holds with a condition"
    FAILS = "fails"


OUTCOME_SYMBOLS = {
    Outcome.HOLDS: style.SYMBOLS[Grade.SUPPORTED],
    Outcome.CONDITION: style.SYMBOLS[Grade.MIXED],
    Outcome.FAILS: style.SYMBOLS[Grade.NOT_SUPPORTED],
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Verdict(Block):
    """What the measurement says of the claim; `answer` is the place of the right option of the question before it."""

    claim: str
    outcome: Outcome
    sentence: str
    answer: int | None = None


def all_records(blocks: Sequence[Block]) -> list[Record]:
    """Every record that blocks show, each once, in their order."""
    found: dict[int, Record] = {}
    for block in blocks:
        for record in block.shown():
            found.setdefault(id(record), record)
    return list(found.values())
