"""Verification: whether what a card says still holds, by counting, comparing and measuring it again."""

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace

import torch

from zoo.card import ModelCard, card
from zoo.cost import multiply_accumulates
from zoo.errors import InputError
from zoo.evaluation import evidence_used, measure
from zoo.handles import differences
from zoo.loading import Loaded, data_digest, load, task
from zoo.model import parameter_count
from zoo.recipe import Recipe
from zoo.recipes import recipe
from zoo.release import best_traditional, key_shape_digest, produce, spread, versions
from zoo.task import Task

CLOSE = 2e-3
"""Likelihood, calibration error, macro averages and R² may differ by this much: another processor rounds otherwise."""
SHARE = 2e-3
"""Errors of regression may differ by this share of themselves, for the same reason."""
SAMPLES = 1
"""So many samples may be classified otherwise, for the same reason."""
OWN = ("generated", "scikit-learn")
"""Sources whose data comes with the code: where it is not the card's, the card is of other code. Of all others somebody
may have published another revision, for which no card can be blamed."""
COMMIT = r"[0-9a-f]{40}( \+ changes)?"


@dataclass
class Verdict:
    """What was found about one card: whatever does not hold, and, where it could not be measured, why not."""

    name: str
    problems: list[str] = field(default_factory=list)
    unmeasured: str | None = None
    score: float | None = None
    """As it was measured now."""
    measure: str = ""
    """What the score is called."""
    retrained: str | None = None
    """What training again has shown, in words."""

    def compare(self, what: str, said: object, found: object) -> None:
        if said != found:
            self.problems.append(f"the card says {what} {str(said)[:60]}, but it is {str(found)[:60]}")


def verify(name: str, fast: bool = False) -> Verdict:
    """Check one model: its files, its recipe, its data, whatever can be counted and (unless `fast`) its figures.

    Figures are measured again on the split that is scored. Where the data is not at hand, or another revision than the
    card's, the verdict says so instead. What only training again can show is left to `retrain`.
    """
    verdict = Verdict(name)
    try:
        plan, described = recipe(name), card(name)
        subject = task(plan.task)
        _check_words(verdict, plan, described, subject)
        _check_training(verdict, plan, described)
        best = best_traditional(plan.task) if plan.training is not None else None
        verdict.compare("best traditional model", described.best_traditional, best and best.name)
        verdict.compare("its score", described.best_traditional_score, best and best.metrics.score)
        verdict.compare("tokenizer digest", described.tokenizer_digest, subject.fingerprint())
        refitted = plan.training is None and not plan.stored
        needed = ("train",) if refitted else ()
        verdict.unmeasured = _check_data(verdict, subject, described, needed if fast else subject.splits)
        if refitted and verdict.unmeasured is not None:
            return verdict
        loaded = load(name)
        verdict.compare("parameters", described.parameters, parameter_count(loaded.model))
        verdict.compare("key-shape digest", described.key_shape_digest, key_shape_digest(loaded.model))
        if verdict.unmeasured is None and not fast:
            _check_figures(verdict, loaded, described)
    except InputError as error:
        verdict.problems.append(str(error))
    return verdict


def retrain(name: str, watch: Callable[..., None] | None = None) -> Verdict:
    """Train or fit a model again with each of its seeds and compare: the shipped seed's weights, bit for bit where
    versions, device and threads are the card's, its history, and every seed's score. Nothing is written.

    Elsewhere the bits differ, and so may scores, by what another rounding leads to; then the verdict only says what was
    found, and counts nothing as wrong. On other data than the card's nothing is trained.
    """
    verdict = Verdict(name)
    try:
        plan, described = recipe(name), card(name)
        subject = task(plan.task)
        verdict.unmeasured = _check_data(verdict, subject, described, subject.splits)
        if verdict.unmeasured is not None:
            return verdict
        here = _same_place(described)
        found = []
        for place, (seed, said) in enumerate(zip(described.spread.seeds, described.spread.scores, strict=True)):
            called = f"{name}, seed {place + 1} of {len(described.spread.seeds)}"
            made = produce(replace(plan, seed=seed), subject, torch.device("cpu"), watch, called)
            found.append(measure(made.model, subject.samples(subject.scored)).score)
            if place == 0 and here is None:
                verdict.compare("sha256", described.digest, made.digest)
                verdict.compare("history", dict(described.history), dict(made.history))
            if here is None:
                _check_close(verdict, f"score of seed {seed}", said, found[-1], 1e-9)
        verdict.score, verdict.measure = found[0], described.metrics.measure
        scores = ", ".join(f"{score:.4f}" for score in found)
        bits = "the same weights, bit for bit" if here is None else f"other weights, as expected: {here}"
        verdict.retrained = f"trained again with {len(found)} seeds: {scores}; {bits}"
    except InputError as error:
        verdict.problems.append(str(error))
    return verdict


def _same_place(described: ModelCard) -> str | None:
    """None where training again must give the same bits; else why it need not."""
    if described.device != "cpu":
        return f"the card's were trained on {described.device}"
    if described.threads != torch.get_num_threads():
        return f"the card's were trained with {described.threads} threads, these with {torch.get_num_threads()}"
    other = [key for key, value in versions().items() if described.versions.get(key) != value]
    return f"another version of {', '.join(other)}" if other else None


def _check_figures(verdict: Verdict, loaded: Loaded, described: ModelCard) -> None:
    scored = loaded.task.samples(loaded.task.scored)
    costs = multiply_accumulates(loaded.model, scored)
    verdict.compare("multiply-accumulates", described.multiply_accumulates, costs)
    metrics = measure(loaded.model, scored)
    verdict.score, verdict.measure = metrics.score, metrics.measure
    said, found = asdict(described.metrics), asdict(metrics)
    verdict.compare("figures", sorted(said), sorted(found))
    counted = ("accuracy", "low", "high") if metrics.measure == "accuracy" else ()
    for key in sorted(set(said) & set(found)):
        value = found[key]
        if isinstance(value, int):
            verdict.compare(key, said[key], value)
            continue
        allowed = SHARE * value if key in ("rmse", "mae") else CLOSE
        _check_close(verdict, key, said[key], value, SAMPLES / len(scored) if key in counted else allowed)
    used = evidence_used(loaded.model, loaded.task, described.scored)
    verdict.compare("planted evidence", sorted(described.evidence_used or ()), sorted(used or ()))
    for key, value in (used or {}).items():
        old = (described.evidence_used or {}).get(key, float("nan"))
        _check_close(verdict, key, old, value, max(CLOSE if not counted else 0, SAMPLES / len(scored)))
    for what in differences(described.handles, loaded.model, loaded.task):
        verdict.problems.append(f"{what} is not what the card says" if " of " in what else what)


def _check_close(verdict: Verdict, what: str, said: float, found: float, tolerance: float) -> None:
    if not abs(said - found) <= tolerance * (1 + 1e-9):
        verdict.problems.append(f"the card says {what.replace('_', ' ')} {said:.4f}, but it is {found:.4f}")


def _check_data(verdict: Verdict, subject: Task, described: ModelCard, splits: tuple[str, ...]) -> str | None:
    """None where these splits are the card's; else why nothing can be measured: the figures of other data would say
    nothing about the card."""
    verdict.compare("splits", sorted(described.data_digests), sorted(subject.splits))
    verdict.compare("sized splits", sorted(described.split_sizes), sorted(subject.splits))
    reason = None
    for split in splits:
        try:
            samples = subject.samples(split)
        except InputError as error:
            return str(error)
        if described.data_digests.get(split) == data_digest(samples):
            verdict.compare(f"number of {split} samples", described.split_sizes.get(split), len(samples))
            continue
        reason = (
            f"the {split} split here is not the card's (its sha256 differs): the card was altered, or the data is "
            "another revision, with which its figures cannot be compared"
        )
        if subject.source in OWN:
            verdict.problems.append(reason)
    return reason


def _check_words(verdict: Verdict, plan: Recipe, described: ModelCard, subject: Task) -> None:
    """Whether the card still says what recipe and task say; another seed is allowed, since `train` takes one."""
    try:
        said = Recipe.from_dict(described.recipe)
        alike = said.is_made_like(replace(plan, seed=said.seed))
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        verdict.problems.append(f"the recipe in the card is not one ({error})")
        return
    if not alike:
        verdict.problems.append("the recipe has changed since: train it again")
    for key in ("title", "limits"):
        verdict.compare(f"{key} of the recipe", getattr(said, key), getattr(plan, key))
    for key in ("title", "limits", "family", "task"):
        verdict.compare(key, getattr(described, key), getattr(plan, key))
    for key, word in (("scored", "scored"), ("source", "source"), ("preprocessing", "preprocessing")):
        verdict.compare(key, getattr(described, key), getattr(subject, word))
    verdict.compare("reference input", described.reference, subject.absence)


def _check_training(verdict: Verdict, plan: Recipe, described: ModelCard) -> None:
    """What is known of training without repeating it: its form, and whether the seeds' figures fit together."""
    kept, seeds = described.spread, described.spread.seeds
    wanted = tuple(described.recipe["seed"] + step for step in range(len(seeds)))
    verdict.compare("seeds", seeds, wanted)
    verdict.compare("score of the shipped seed", kept.scores[0], described.metrics.score)
    again = spread(seeds, list(kept.scores), described.seconds, plan.training is None)
    for key in ("mean", "low", "high"):
        old, new = getattr(kept, key), getattr(again, key)
        if old is None or new is None:
            verdict.compare(f"{key} over seeds", old, new)
        else:
            _check_close(verdict, f"{key} over seeds", old, new, 1e-9)
    verdict.compare("note on seeds", kept.note, again.note)
    epochs = plan.training.epochs if plan.training is not None else 0
    whole = plan.training is not None and plan.training.patience is None
    for name, series in described.history.items():
        if len(series) > epochs or (whole and len(series) < epochs):
            verdict.problems.append(f"the curve of {name} has {len(series)} epochs, and its recipe {epochs}")
    if (plan.training is None) != (not described.history):
        verdict.problems.append("it has no history" if plan.training else "it has a history, but no training")
    verdict.compare("versions of", sorted(described.versions), sorted(versions()))
    if described.device not in ("cpu", "cuda"):
        verdict.problems.append(f"{described.device!r} is no device")
    if described.commit is not None and not re.fullmatch(COMMIT, described.commit):
        verdict.problems.append(f"{described.commit[:60]!r} is no commit")
