"""Recommendation: which method to use on a model, from its league alone, with the reasons as sentences.

Never a control; never a method that does not clearly beat the controls where the model or the planted truth is asked,
nor one whose maps do not depend on the weights. Among the others the best standing: the share of methods that are
clearly better, averaged over categories of metrics, each of which has one vote.

When it misleads: the league is of some samples and of the methods' own settings; and what is best on average over
categories need not be best for a purpose that asks for one of them.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import median

import numpy as np

from workbench.league import League
from workbench.quantity import fixed, significant
from workbench.standings import MIDDLE, over_all, standing, tally
from zoo.errors import InputError

TRUE_TO = ("faithfulness", "localisation")
"""The categories that ask the model, or the planted truth; a map that pleases the others alone explains nothing."""
WEIGHTS_NEEDED = 0.5
"""Share of the randomisation metrics on which a method must clearly beat the controls, which ignore the weights."""
CHEAPER = 4
"""Times fewer passes, for a method to be named beside the best."""


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What a sample may cost at most: passes through the model, or milliseconds; None: any number."""

    passes: float | None = None
    milliseconds: float | None = None

    @property
    def text(self) -> str:
        """In words: "200 passes per sample"; empty where there is no limit."""
        if self.passes is not None:
            return f"{count_of(self.passes)} passes per sample"
        return "" if self.milliseconds is None else f"{count_of(self.milliseconds)} ms per sample"


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """What a league says of one method: its standing, how often it clearly beats every control, what it costs.

    `refused` says why it is not recommended; empty where it may be.
    """

    method: str
    title: str
    standing: float
    won: int
    lost: int
    count: int
    passes: float
    milliseconds: float
    parts: tuple[tuple[str, float], ...] = ()
    refused: str = ""


@dataclass(frozen=True, kw_only=True)
class Recommendation:
    """The methods that may be used, best first, then those that may not; and the reasons as sentences."""

    where: str
    candidates: tuple[Candidate, ...]
    sentences: tuple[str, ...]

    @property
    def refusals(self) -> tuple[str, ...]:
        """Why each of the others must not be used, a sentence each."""
        return tuple(f"{one.title} is not recommended: {one.refused}." for one in self.candidates if one.refused)

    @property
    def best(self) -> Candidate | None:
        """The one to use; None where none is to be recommended."""
        first = self.candidates[0] if self.candidates else None
        return first if first and not first.refused else None


def budget(text: str | None) -> Budget:
    """What "200", "200 passes" or "20 ms" allows; `InputError` for anything else."""
    if text is None or not text.strip():
        return Budget()
    found = re.fullmatch(r"\s*([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*(passes|ms)?\s*", text)
    if found is None:
        raise InputError(f"The budget {text[:40]!r} is neither passes nor a time. Write 200, '200 passes' or '20 ms'.")
    value = float(found[1])
    return Budget(milliseconds=value) if found[2] == "ms" else Budget(passes=value)


def recommend(leagues: Sequence[League], limit: Budget = Budget(), where: str = "") -> Recommendation:
    """Which method to use where these leagues were computed: of one model, or of all of a modality.

    Over several leagues standings are averaged, wins added up, costs the median; a method is refused where more than
    half of the leagues in which it was measured refuse it.
    """
    if not leagues:
        raise InputError("There is no league to recommend from. Compute one with `workbench league MODEL`.")
    merged = [
        _within(_merged(found), limit)
        for name in dict.fromkeys(method for league in leagues for method in league.methods)
        if (found := [one for league in leagues for one in candidates(league) if one.method == name])
    ]
    merged.sort(key=lambda one: (bool(one.refused), math.isnan(one.standing), one.standing, one.passes))
    place = where or (leagues[0].subject if len(leagues) == 1 else f"{len(leagues)} models")
    return Recommendation(where=place, candidates=tuple(merged), sentences=_sentences(place, merged, leagues, limit))


def to_json(found: Recommendation) -> dict[str, object]:
    """A recommendation as plain values, ready for `json.dumps`."""
    rows = [
        {key: None if isinstance(value, float) and math.isnan(value) else value for key, value in asdict(one).items()}
        for one in found.candidates
    ]
    return {"where": found.where, "best": found.best and found.best.method, "reasons": found.sentences, "methods": rows}


def candidates(league: League) -> list[Candidate]:
    """Every method of a league but the controls."""
    parts = standing(league)
    overall = over_all(parts)
    found = []
    for row, name in enumerate(league.methods):
        if league.controls[row]:
            continue
        won, lost, count = tally(league, row)
        named = zip(league.measured_categories, parts[row].tolist(), strict=True)
        found.append(
            Candidate(
                method=name,
                title=league.method_titles[row],
                standing=float(overall[row]),
                won=won,
                lost=lost,
                count=count,
                passes=float(league.passes[row]),
                milliseconds=float(league.milliseconds[row]),
                parts=tuple((category, value) for category, value in named if not math.isnan(value)),
                refused=_refused(league, row),
            )
        )
    return found


def _refused(league: League, row: int) -> str:
    """Why a method must not be recommended whatever its standing; empty where it may be."""
    won, lost, count = tally(league, row, *TRUE_TO)
    if not count:
        return "none of its maps could be held to the model or to a planted truth"
    if won <= lost:
        worse = f" and is clearly worse on {lost}" if lost else ""
        return f"it clearly beats every control on only {won} of {count} metrics of {' and '.join(TRUE_TO)}{worse}"
    won, _, count = tally(league, row, "randomisation")
    if count and won < WEIGHTS_NEEDED * count:
        return f"it clearly beats every control on only {won} of {count} randomisation metrics: its maps hardly change"
    return ""


def _within(one: Candidate, limit: Budget) -> Candidate:
    """The candidate, refused where it costs more than is allowed."""
    over = ((one.passes, limit.passes, "passes"), (one.milliseconds, limit.milliseconds, "ms"))
    for spent, most, unit in over:
        if most is not None and not spent <= most and not one.refused:
            return replace(one, refused=f"it takes {count_of(spent)} {unit} per sample, more than {count_of(most)}")
    return one


def _merged(found: Sequence[Candidate]) -> Candidate:
    """One method over several leagues."""
    if len(found) == 1:
        return found[0]
    names = dict.fromkeys(category for one in found for category, _ in one.parts)
    parts = [(name, float(np.mean([v for one in found for c, v in one.parts if c == name]))) for name in names]
    refused = [one.refused for one in found if one.refused]
    known = [one.standing for one in found if not math.isnan(one.standing)]
    return replace(
        found[0],
        standing=float(np.mean(known)) if known else math.nan,
        won=sum(one.won for one in found),
        lost=sum(one.lost for one in found),
        count=sum(one.count for one in found),
        passes=median(one.passes for one in found),
        milliseconds=median(one.milliseconds for one in found),
        parts=tuple(parts),
        refused=f"{len(refused)} of {len(found)} leagues refuse it" if 2 * len(refused) > len(found) else "",
    )


def _sentences(place: str, found: Sequence[Candidate], leagues: Sequence[League], limit: Budget) -> tuple[str, ...]:
    """The reasons for the first of the candidates, each with its numbers."""
    allowed = [one for one in found if not one.refused]
    within = f" within {limit.text}" if limit.text else ""
    if not allowed:
        control = _best_control(leagues[0]) if len(leagues) == 1 and not limit.text else ()
        return (f"No method can be recommended on {place}{within}.", *control)
    best, categories = allowed[0], {name for league in leagues for name in league.measured_categories}
    behind = f", before {allowed[1].title} with {_share(allowed[1].standing)}" if len(allowed) > 1 else ""
    several = f" of {len(leagues)} models" if len(leagues) > 1 else ""
    worse = f"on {best.lost}" if best.lost else "on none"
    said = [
        f"{best.title} is recommended on {place}{within}: over {len(categories)} categories of metrics, one vote each, "
        f"{_share(best.standing)} of the methods are clearly better{behind}.",
        f"It is clearly better than every control on {best.won} of {best.count} metrics{several}, and clearly worse "
        f"than one of them {worse}.",
        f"It takes {count_of(best.passes)} passes and {significant(best.milliseconds, 2)} ms per sample.",
        *_by_category(best, categories),
    ]
    cheaper = [one for one in allowed[1:] if one.passes <= best.passes / CHEAPER]
    if cheaper:
        said.append(
            f"{cheaper[0].title} takes {count_of(cheaper[0].passes)} passes, and {_share(cheaper[0].standing)} of the "
            "methods are clearly better than it."
        )
    if "randomisation" not in categories:
        said.append("Whether maps depend on the weights was not measured here.")
    return tuple(said)


def _best_control(league: League) -> Iterator[str]:
    """The control that stands highest where the model or the planted truth is asked."""
    asked = [place for place, name in enumerate(league.measured_categories) if name in TRUE_TO]
    parts = standing(league)[:, asked]
    controls = [row for row in np.flatnonzero(league.controls) if np.isfinite(parts[row]).any()]
    if controls:
        row = min(controls, key=lambda row: np.nanmean(parts[row]))
        yield (
            f"Of the controls, which never ask the model, '{league.methods[row].replace('_', ' ')}' stands highest by "
            f"{' and '.join(TRUE_TO)}: {_share(float(np.nanmean(parts[row])))} of all are clearly better."
        )


def _by_category(best: Candidate, categories: set[str]) -> Iterator[str]:
    """Where it is strong and weak, and where it could not be measured."""
    (strong, least), (weak, most) = (pick(best.parts, key=lambda part: part[1]) for pick in (min, max))
    if least < most:
        yield f"Its best category is {strong} ({_share(least)} clearly better), its worst {weak} ({_share(most)})."
    if missing := sorted(categories.difference(name for name, _ in best.parts)):
        yield f"It could not be measured in {' and '.join(missing)}, which counts as {_share(MIDDLE)}."


def _share(value: float) -> str:
    return f"{fixed(100 * value, 0)} %"


def count_of(value: float) -> str:
    """Passes, or milliseconds, in words: whole where they are many."""
    return fixed(value, 0) if value >= 10 or value == round(value) else significant(value, 2)
