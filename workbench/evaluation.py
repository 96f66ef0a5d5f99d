"""Evaluation: methods × metrics on one model, and the table they make."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
from jaxtyping import Bool, Int

from workbench import settings
from workbench.ablation import Ablation, ablation
from workbench.explanation import AbstractMethod, Claim, explain, methods, refusal
from workbench.league import League, in_order
from workbench.localisation import AbstractLocalisation
from workbench.ranking import against_controls, against_draws, clearly_better, ranks
from workbench.records import Attribution, Score, Table, Target
from workbench.scoring import AbstractMetric
from workbench.standings import table
from workbench.subject import Subject
from zoo.errors import InputError
from zoo.task import Samples

Config = TypeVar("Config", bound=settings.Extension)


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

    Where a pair does not apply, or cannot be computed, the score has no values, and its `why` says the reason.
    Localisation applies only where the model uses the planted evidence: else a poor score would blame the map for what
    the model does. Raises `InputError` for samples and targets that the subject's task does not have.
    """
    subject.check(samples)
    subject.explained_classes(samples, target)
    located = any(isinstance(metric, AbstractLocalisation) for metric in metrics)
    checked = ablation(subject, samples) if located else None
    scores = []
    for method in methods:
        if watch is not None:
            watch(method.title)
        found = _explained(subject, samples, seeded(method, seed), target)
        scores += [
            _missing(subject, samples, method.name, metric, found)
            if isinstance(found, str)
            else _score(subject, samples, found, seeded(metric, seed), checked)
            for metric in metrics
        ]
    return scores


def league(scores: Sequence[Score]) -> Table:
    """Methods as rows, controls last; metrics as columns by category, with 95 % intervals and ranks; what it cost.

    The note says what was left out, and why. Raises `InputError` for scores of several subjects.
    """
    return table(gathered(scores))


def gathered(scores: Sequence[Score]) -> League:
    """The scores as a league: means, intervals, ranks and what beats the controls, metrics in order of category."""
    if not scores:
        raise InputError("There are no scores to compare. Choose at least one method and one metric.")
    if len(subjects := sorted({score.subject for score in scores})) > 1:
        raise InputError(f"These scores are of several models ({', '.join(subjects)}). Make one table for each.")
    known = methods()
    names = list(dict.fromkeys(score.method for score in scores))
    names.sort(key=lambda name: name in known and Claim.CONTROL in known[name].claims)
    controls = np.array([name in known and Claim.CONTROL in known[name].claims for name in names])
    columns = {s.metric: s for s in sorted(scores, key=lambda score: in_order(score.category, score.metric))}
    cells = {(score.method, score.metric): score for score in scores}
    grid = [[cells.get((name, metric)) for metric in columns] for name in names]
    compared = [compare([row[place] for row in grid], controls) for place in range(len(columns))]
    spent = np.array([_spent(row) for row in grid])
    origin = next((score.provenance for score in scores if score.provenance), {})
    return League(
        title=f"How far each method can be trusted on {subjects[0]}",
        subject=subjects[0],
        methods=tuple(names),
        method_titles=tuple(known[name].title if name in known else name for name in names),
        controls=tuple(controls.tolist()),
        metrics=tuple(columns),
        metric_titles=tuple(score.title for score in columns.values()),
        categories=tuple(score.category for score in columns.values()),
        units=tuple(score.unit for score in columns.values()),
        higher_is_better=tuple(score.higher_is_better for score in columns.values()),
        mean=np.array([[score.mean if score else np.nan for score in row] for row in grid]),
        low=np.array([[score.low if score else np.nan for score in row] for row in grid]),
        high=np.array([[score.high if score else np.nan for score in row] for row in grid]),
        rank=np.stack([found[0] for found in compared], axis=1),
        against=np.stack([found[1] for found in compared], axis=1),
        counts=np.array([[score.values.size if score else 0 for score in row] for row in grid]),
        milliseconds=1000 * spent[:, 0],
        passes=spent[:, 1],
        note=_note(scores),
        task=str(origin.get("task", "")),
        digest=str(origin.get("weights_sha256", "")),
        provenance={key: value for key, value in origin.items() if key not in _COST},
    )


def compare(
    scores: Sequence[Score | None], controls: Bool[np.ndarray, "method"]
) -> tuple[Int[np.ndarray, "method"], Int[np.ndarray, "method"]]:
    """The rank of each method by one metric, and whether it is clearly better (1) or worse (−1) than the controls.

    Where no control could be measured, the random draws that the metric makes for each sample stand in for it.
    """
    scored = {name: None for score in scores if score for name in score.sample_ids}
    places = {name: place for place, name in enumerate(scored)}
    values = np.full((len(scores), max(1, len(places))), np.nan)
    for row, score in enumerate(scores):
        if score is not None and score.values.size:
            values[row, [places[name] for name in score.sample_ids]] = score.values
    values[~np.isfinite(values)] = np.nan
    measured = ~np.isnan(values).all(1)
    higher = next((score.higher_is_better for score in scores if score), True)
    better = clearly_better(values, higher)
    against = against_controls(better, measured, controls)
    if not (measured & controls).any():
        against = np.array(
            [
                against_draws(score.values, score.control, higher) if score is not None and found else 0
                for score, found in zip(scores, measured, strict=True)
            ]
        )
    return ranks(better, measured), against


def seeded(config: Config, seed: int) -> Config:
    """The same configuration with this seed, where it has one."""
    has = any(field.name == "seed" for field in settings.fields(config))
    return replace(config, seed=seed) if has else config  # type: ignore[call-arg]


_COST = ("seconds_per_sample", "passes_per_sample")


def _explained(subject: Subject, samples: Samples, method: AbstractMethod, target: Target) -> Attribution | str:
    """The attribution, or why there is none (an operation without a rule, say): nobody else loses a score for it."""
    if (reason := refusal(method, subject, samples, target)) is not None:
        return reason
    try:
        return explain(subject, samples, method, target)
    except InputError as error:
        return str(error)


def _score(
    subject: Subject, samples: Samples, attribution: Attribution, metric: AbstractMetric, checked: Ablation | None
) -> Score:
    count = len(attribution)
    spent = (attribution.seconds / count, (attribution.forward_passes + attribution.backward_passes) / count)
    cost = dict(zip(_COST, spent, strict=True))
    if (reason := metric.why_not(samples, attribution)) is not None:
        score = _missing(subject, samples, attribution.method, metric, reason)
    elif isinstance(metric, AbstractLocalisation) and checked is not None and not checked.passes:
        score = _missing(subject, samples, attribution.method, metric, checked.sentence)
    else:
        try:
            score = metric.score(subject, samples, attribution)
        except InputError as error:
            score = _missing(subject, samples, attribution.method, metric, str(error))
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


def _spent(scores: Sequence[Score | None]) -> tuple[float, float]:
    """Seconds and passes per sample."""
    for score in scores:
        if score is not None and _COST[0] in score.provenance:
            return float(score.provenance[_COST[0]]), float(score.provenance[_COST[1]])
    return float("nan"), float("nan")


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
        titles = ", ".join(dict.fromkeys(_inside(score.title) for score in left_out))
        count = left_out[0].excluded
        some = f" on {count} sample{'' if count == 1 else 's'}"
        where = "" if all(not score.values.size for score in left_out) else some
        sentences.append(f"No {titles}{where}: {_inside(why.rstrip('.'))}.")
    sentences += dict.fromkeys(score.remark for score in scores if score.remark)
    return " ".join(sentences)


def _inside(text: str) -> str:
    """A title or a sentence as it stands inside another: its first letter small, but for an abbreviation (ROAD)."""
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]
