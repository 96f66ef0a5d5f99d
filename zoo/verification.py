"""Verification: whether what a card says still holds, by measuring it again."""

from dataclasses import asdict, dataclass, field, replace

from zoo.card import ModelCard, card
from zoo.errors import InputError
from zoo.evaluation import evidence_used, measure
from zoo.loading import Loaded, data_digest, load, task
from zoo.model import parameter_count
from zoo.recipe import Recipe
from zoo.recipes import recipe
from zoo.release import best_traditional

CLOSE = 2e-3
"""Likelihood, calibration error and macro-F1 may differ by this much: another processor rounds otherwise."""
SAMPLES = 1
"""So many samples may be classified otherwise, for the same reason."""


@dataclass
class Verdict:
    """What was found about one card: whatever does not hold, and, where it could not be measured, why not."""

    name: str
    problems: list[str] = field(default_factory=list)
    unmeasured: str | None = None
    accuracy: float | None = None
    """As it was measured now."""

    def compare(self, what: str, said: object, found: object) -> None:
        if said != found:
            self.problems.append(f"the card says {what} {str(said)[:60]}, but it is {str(found)[:60]}")


def verify(name: str, fast: bool = False) -> Verdict:
    """Check one model: its files, its recipe, its parameter count, its data, and (unless `fast`) its figures.

    Figures are measured again on the split that is scored. Where the data is not at hand, or is other data than the
    card's, the verdict says so instead.
    """
    verdict = Verdict(name)
    try:
        plan, described = recipe(name), card(name)
        _check_words(verdict, plan, described)
        best = best_traditional(plan.task) if plan.training is not None else None
        verdict.compare("best traditional model", described.best_traditional, best and best.name)
        verdict.compare("its accuracy", described.best_traditional_accuracy, best and best.metrics.accuracy)
        missing = task(plan.task).unavailable()
        if plan.training is None and missing is not None:
            verdict.unmeasured = missing
            return verdict
        loaded = load(name)
        verdict.compare("parameters", described.parameters, parameter_count(loaded.model))
        verdict.compare("tokenizer digest", described.tokenizer_digest, loaded.task.fingerprint())
        if missing is None and not fast:
            _check_figures(verdict, loaded, described)
        elif not fast:
            verdict.unmeasured = missing
    except InputError as error:
        verdict.problems.append(str(error))
    return verdict


def _check_figures(verdict: Verdict, loaded: Loaded, described: ModelCard) -> None:
    scored = loaded.task.samples(loaded.task.scored)
    if data_digest(scored) != described.data_digests[described.scored]:
        verdict.unmeasured = f"The {described.scored} split here is not the one of the card of {verdict.name}."
        return
    if loaded.digest != described.digest:
        verdict.unmeasured = f"{verdict.name} was fitted here on other training data than for its card."
        return
    verdict.compare("samples", described.split_sizes[described.scored], len(scored))
    said, found = asdict(described.metrics), asdict(measure(loaded.model, scored))
    verdict.accuracy = found["accuracy"]
    for key, value in found.items():
        counted = key in ("accuracy", "low", "high", "samples")
        _check_close(verdict, key, said[key], value, SAMPLES / len(scored) if counted else CLOSE)
    used = evidence_used(loaded.model, loaded.task, described.scored)
    verdict.compare("planted evidence", sorted(described.evidence_used or ()), sorted(used or ()))
    for key, value in (used or {}).items():
        _check_close(verdict, key, (described.evidence_used or {}).get(key, float("nan")), value, SAMPLES / len(scored))


def _check_close(verdict: Verdict, what: str, said: float, found: float, tolerance: float) -> None:
    if not abs(said - found) <= tolerance * (1 + 1e-9):
        verdict.problems.append(f"the card says {what.replace('_', ' ')} {said:.4f}, but it is {found:.4f}")


def _check_words(verdict: Verdict, plan: Recipe, described: ModelCard) -> None:
    """Whether the card still says what the recipe says; another seed is allowed, since `train` takes one."""
    try:
        said = Recipe.from_dict(described.recipe)
    except (TypeError, KeyError) as error:
        verdict.problems.append(f"the recipe in the card is not one ({error})")
        return
    if not said.is_made_like(replace(plan, seed=said.seed)):
        verdict.problems.append("the recipe has changed since: train it again")
    for key in ("title", "limits"):
        verdict.compare(key, getattr(described, key), getattr(plan, key))
