"""Evaluation: methods × metrics on one model, and the table they make."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from workbench import settings
from workbench.explanation import AbstractMethod, Claim, explain, methods, refusal
from workbench.records import Attribution, Column, Score, Table, Target
from workbench.scoring import AbstractMetric
from workbench.subject import Subject
from zoo.errors import InputError
from zoo.task import Samples

Config = TypeVar("Config", bound=settings.Extension)
CATEGORIES = ("axiomatic", "faithfulness", "localisation", "robustness", "randomisation", "complexity")
"""The order of columns: what a method promises, then what the model does, then what the data knows."""
DIGITS = 3


def evaluate(
    subject: Subject,
    samples: Samples,
    methods: Sequence[AbstractMethod],
    metrics: Sequence[AbstractMetric],
    target: Target = Target(),
    seed: int = 0,
    watch: Callable[[str], None] | None = None,
) -> list[Score]:
    """A score for every method and metric; `seed` is given to all that have one, `watch` is told each method's title.

    Where a pair does not apply the score has no values, and its `why` says the reason.
    """
    scores = []
    for method in methods:
        if watch is not None:
            watch(method.title)
        if (reason := refusal(method, subject, samples, target)) is not None:
            scores += [_missing(subject, samples, method.name, metric, reason) for metric in metrics]
            continue
        attribution = explain(subject, samples, seeded(method, seed), target)
        scores += [_score(subject, samples, attribution, seeded(metric, seed)) for metric in metrics]
    return scores


def league(scores: Sequence[Score]) -> Table:
    """Methods as rows, controls last; metrics as columns by category, with 95 % intervals; what a sample cost.

    The note says what was left out, and why. Raises `InputError` for scores of several subjects.
    """
    if not scores:
        raise InputError("There are no scores to compare. Choose at least one method and one metric.")
    if len(subjects := sorted({score.subject for score in scores})) > 1:
        raise InputError(f"These scores are of several models ({', '.join(subjects)}). Make one table for each.")
    known = methods()
    names = list(dict.fromkeys(score.method for score in scores))
    names.sort(key=lambda name: name in known and Claim.CONTROL in known[name].claims)
    columns = {score.metric: score for score in sorted(scores, key=_place)}
    cells = {(score.method, score.metric): score for score in scores}
    rows, low, high = [], [], []
    for name in names:
        found = [cells.get((name, metric)) for metric in columns]
        title = known[name].title if name in known else name
        rows.append((title, *(_cell(score.mean if score else np.nan) for score in found), *_cost(found)))
        low.append([np.nan, *(score.low if score else np.nan for score in found), np.nan, np.nan])
        high.append([np.nan, *(score.high if score else np.nan for score in found), np.nan, np.nan])
    return Table(
        title=f"How far each method can be trusted on {subjects[0]}",
        columns=(
            Column(title="Method"),
            *(
                Column(title=s.title, unit=s.unit, higher_is_better=s.higher_is_better, digits=DIGITS)
                for s in columns.values()
            ),
            Column(title="Time", unit="ms per sample", higher_is_better=False, digits=1),
            Column(title="Passes", unit="per sample", higher_is_better=False, digits=0),
        ),
        rows=tuple(rows),
        low=np.array(low),
        high=np.array(high),
        note=_note(scores),
        provenance={key: value for key, value in scores[0].provenance.items() if key not in _COST},
    )


def seeded(config: Config, seed: int) -> Config:
    """The same configuration with this seed, where it has one."""
    has = any(field.name == "seed" for field in settings.fields(config))
    return replace(config, seed=seed) if has else config  # type: ignore[call-arg]


_COST = ("seconds_per_sample", "passes_per_sample")


def _score(subject: Subject, samples: Samples, attribution: Attribution, metric: AbstractMetric) -> Score:
    count = len(attribution)
    spent = (attribution.seconds / count, (attribution.forward_passes + attribution.backward_passes) / count)
    cost = dict(zip(_COST, spent, strict=True))
    if (reason := metric.why_not(samples, attribution)) is not None:
        score = _missing(subject, samples, attribution.method, metric, reason)
    else:
        score = metric.score(subject, samples, attribution)
    return replace(score, provenance={**attribution.provenance, **cost})


def _missing(subject: Subject, samples: Samples, method: str, metric: AbstractMetric, reason: str) -> Score:
    """The score of a pair that does not apply."""
    return Score(
        title=metric.title,
        metric=metric.name,
        subject=subject.name,
        method=method,
        category=metric.category,
        higher_is_better=metric.higher_is_better,
        unit=metric.unit,
        values=np.zeros(0),
        control=np.zeros((0, 0)),
        sample_ids=(),
        excluded=len(samples),
        why=reason,
    )


def _place(score: Score) -> tuple[int, str]:
    known = score.category in CATEGORIES
    return (CATEGORIES.index(score.category) if known else len(CATEGORIES), score.metric)


def _cell(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _cost(scores: Sequence[Score | None]) -> tuple[float | None, float | None]:
    for score in scores:
        if score is not None and _COST[0] in score.provenance:
            seconds, passes = (score.provenance[key] for key in _COST)
            return 1000 * seconds, passes
    return None, None


def _note(scores: Sequence[Score]) -> str:
    """How many samples were scored, and what was not and why, each reason once."""
    counts = sorted({score.values.size for score in scores if score.values.size})
    spread = f"{counts[0]} to {counts[-1]}" if len(counts) > 1 else str(counts[0] if counts else 0)
    sentences = [f"Means over {spread} samples with 95 % intervals."]
    for why in dict.fromkeys(score.why for score in scores if score.why):
        left_out = [score for score in scores if score.why == why]
        if {score.metric for score in left_out} == {score.metric for score in scores}:
            sentences.append(why)
            continue
        titles = ", ".join(dict.fromkeys(score.title for score in left_out))
        where = "" if all(not score.values.size for score in left_out) else f" on {left_out[0].excluded} samples"
        sentences.append(f"No {titles.lower()}{where}: {why.rstrip('.')}.")
    return " ".join(sentences)
