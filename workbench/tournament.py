"""The tournament: the league of one model, and of all, each kept as soon as it is computed."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

import zoo
from workbench import archive, settings
from workbench.evaluation import evaluate, gathered
from workbench.explanation import methods, why_not
from workbench.league import League
from workbench.scoring import metrics, without_training
from workbench.storage import save_record
from workbench.subject import Subject, load
from zoo.errors import InputError

SAMPLES = 32
"""Of the scored split: the interval of a mean is then about a third of the spread over samples."""
Say = Callable[[str], None]


def fingerprints(subject: Subject) -> dict[str, str]:
    """A short digest of the settings of every method that fits a subject, and of every metric that trains no model."""
    fitting = {name: kind for name, kind in methods().items() if why_not(kind, subject) is None}
    return {name: fingerprint(kind()) for name, kind in {**fitting, **without_training(metrics())}.items()}


def fingerprint(config: settings.Extension) -> str:
    """What tells one configuration of a method or metric from another, in eight letters."""
    content = json.dumps({"name": config.name, **settings.values(config)}, sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:8]


def played(subject: Subject, count: int = SAMPLES, seed: int = 0, say: Say | None = None) -> League:
    """The league of every method that fits a subject by every metric that trains no model, at their own settings.

    On the first `count` samples of the scored split; what could not be measured of any method is left out of the
    arrays, and the note says why. Numbers are kept in single precision.
    """
    task = subject.task
    size = min(count, len(task.samples(task.scored)))
    reference = f"{task.scored}:0:{size}"
    fitting = [kind() for name, kind in methods().items() if why_not(kind, subject) is None]
    measured = [kind() for kind in without_training(metrics()).values()]
    scores = evaluate(subject, task.select(reference), fitting, measured, seed=seed, watch=say)
    whole = gathered(scores)
    kept = np.flatnonzero((whole.rank > 0).any(0)).tolist()
    return replace(
        whole,
        metrics=tuple(whole.metrics[place] for place in kept),
        metric_titles=tuple(whole.metric_titles[place] for place in kept),
        categories=tuple(whole.categories[place] for place in kept),
        units=tuple(whole.units[place] for place in kept),
        higher_is_better=tuple(whole.higher_is_better[place] for place in kept),
        mean=whole.mean[:, kept].astype(np.float32),
        low=whole.low[:, kept].astype(np.float32),
        high=whole.high[:, kept].astype(np.float32),
        rank=whole.rank[:, kept].astype(np.uint8),
        against=whole.against[:, kept].astype(np.int8),
        counts=whole.counts[:, kept].astype(np.uint16),
        milliseconds=whole.milliseconds.astype(np.float32),
        passes=whole.passes.astype(np.float32),
        kind=str(task.kind),
        digest=subject.digest,
        samples=reference,
        seed=seed,
        settings=fingerprints(subject),
    )


def play(
    names: Sequence[str],
    count: int = SAMPLES,
    seconds: float | None = None,
    folder: Path = archive.FOLDER,
    again: bool = False,
    say: Say | None = None,
) -> Iterator[tuple[str, str]]:
    """Compute and keep the league of each model; says of each what became of it.

    A model whose league is kept and of the same weights, settings and samples is passed over, so that a run that was
    stopped goes on where it was. After `seconds` no further model is begun. A model that cannot be loaded, or whose
    data is not at hand, is named with the reason and stops nobody else.
    """
    start = time.monotonic()
    for name in names:
        if seconds is not None and time.monotonic() - start > seconds:
            yield name, "not begun: the time is up"
            continue
        try:
            yield name, _one(name, count, folder, again, say)
        except InputError as error:
            yield name, f"not computed: {error}"


def _one(name: str, count: int, folder: Path, again: bool, say: Say | None) -> str:
    if (reason := zoo.task(zoo.recipe(name).task).unavailable()) is not None:
        raise InputError(reason)
    subject = load(name)
    if not again and _is_kept(subject, count, folder):
        return "kept: nothing has changed"
    start = time.monotonic()
    league = played(subject, count, say=say)
    path = save_record(league, archive.path_of(name, folder))
    size = f"{len(league.methods)} methods × {len(league.metrics)} metrics on {league.samples}"
    return f"{size}, {time.monotonic() - start:.0f} s, {path.stat().st_size / 1000:.0f} kB"


def _is_kept(subject: Subject, count: int, folder: Path) -> bool:
    """Whether a league of just this is kept already."""
    try:
        league = archive.read(subject.name, folder)
    except InputError:
        return False
    size = min(count, len(subject.task.samples(subject.task.scored)))
    same = league.samples == f"{subject.task.scored}:0:{size}"
    return same and not archive.staleness(league, subject.digest, fingerprints(subject))
