"""Cards: what is known of a model, as a table of all and a page of one."""

from collections.abc import Iterator
from typing import TypeVar

import numpy as np

import zoo
from pages.ui import show, waiting, work
from pages.ui.markup import element, facts, strong
from workbench.analysis import analysis
from workbench.catalogue import over_seeds
from workbench.explanation import methods, why_not
from workbench.quantity import score_alone, scored, significant
from workbench.records import Curve, Record
from workbench.subject import Subject
from zoo.card import ModelCard
from zoo.metrics import ClassMetrics, Metrics, NumberMetrics
from zoo.task import Samples

Made = TypeVar("Made", bound=Record)


def in_a_sentence(card: ModelCard) -> Iterator[object]:
    """What a model reaches, against the best traditional model of its task."""
    yield strong(card.name)
    yield f" reaches {scored(card.metrics)} on the {card.metrics.samples:,} samples of {card.task} that are scored"
    if card.best_traditional is not None and card.best_traditional != card.name:
        best = card.best_traditional_score or 0.0
        inside = card.metrics.low <= best <= card.metrics.high
        against = "which lies inside its interval" if inside else "outside its interval"
        yield f"; the best traditional model, {card.best_traditional}, {score_alone(card.metrics, best)}, {against}"
    yield "."


def facts_of(card: ModelCard) -> None:
    """The card's facts, and in words what it must not be used for."""
    metrics = card.metrics
    size = "refitted from its recipe" if card.weights_bytes is None else f"{card.weights_bytes / 1e6:.2f} MB of weights"
    show.html(
        facts(
            [
                ("name", card.name),
                ("task", f"{card.task}: {zoo.task(card.task).title}"),
                (metrics.measure, scored(metrics)),
                ("over seeds", over_seeds(card)),
                *_beside(metrics),
                ("parameters", f"{card.parameters:,}, {size}"),
                ("prediction", _prediction(card)),
                ("training", f"{significant(card.seconds, 2)} s on {card.trained_on}"),
                ("energy", _energy(card)),
                ("digest", card.digest[:16]),
            ]
        )
    )
    show.html(element("div", "wb-note", element("b", "", "Limits. "), card.limits))


def _prediction(card: ModelCard) -> str:
    """Time and arithmetic of one answer."""
    time = f"{significant(card.predict_milliseconds, 2)} ms per sample"
    if card.multiply_accumulates is None:
        return time
    return f"{time}, {card.multiply_accumulates:,} multiply-accumulates"


def _energy(card: ModelCard) -> str:
    """Of training, with how it was found."""
    if card.energy_joules is None:
        return card.energy_how or "not known"
    return f"{significant(card.energy_joules, 2)} J; {card.energy_how}"


def _beside(metrics: Metrics) -> list[tuple[str, object]]:
    """The figures beside the score."""
    if isinstance(metrics, NumberMetrics):
        return [
            ("root mean squared error", significant(metrics.rmse)),
            ("mean absolute error", significant(metrics.mae)),
        ]
    if isinstance(metrics, ClassMetrics):
        return [
            ("macro F1", significant(metrics.macro_f1)),
            ("calibration error", f"{significant(metrics.calibration_error, 2)} (expected, 15 bins)"),
            ("log-likelihood", f"{significant(-metrics.negative_log_likelihood)} nats per sample"),
        ]
    return []


def training(card: ModelCard) -> None:
    """The curve of training, where there is one."""
    if card.history:
        show.figure(history(card), "history")
    else:
        show.caption("Training")
        show.quiet("This model is not trained step by step: it is fitted anew from its recipe when it is loaded.")


def analysed(subject: Subject, samples: Samples, name: str, kind: type[Made]) -> Made | None:
    """The figure of an analysis, or why it does not fit the model."""
    what = analysis(name)
    if (reason := what.why_not(subject)) is not None:
        show.caption(what.title)
        show.quiet(reason)
        return None
    found = waiting.result(work.analysis(subject, samples, what, kind), name)
    if found is not None:
        show.figure(found, name)
    return found


def recipe_of(card: ModelCard) -> None:
    """What it takes to make the model again, what its data is, and with what it was made."""
    plan = {**card.recipe, **(card.recipe.get("training") or {})}
    hidden = ("training", "title", "limits", "name")
    pairs = [(key.replace("_", " "), value) for key, value in plan.items() if key not in hidden and value is not None]
    made = ", ".join(f"{name} {number}" for name, number in card.versions.items())
    origin = [("data", card.source), ("preprocessing", card.preprocessing), ("made with", made)]
    show.html(facts([*pairs, *origin, ("source code", card.commit or "outside a repository")]))
    show.quiet(zoo.task(card.task).about)


def history(card: ModelCard) -> Curve:
    """Loss and accuracy per epoch, as they were seen in training."""
    names = tuple(card.history)
    return Curve(
        title=f"Training of {card.name}",
        x=np.arange(1, 1 + len(card.history[names[0]]), dtype=float),
        y=np.array([card.history[name] for name in names]),
        labels=tuple(name.replace("r_squared", "R²").replace("_", " ") for name in names),
        x_title="epoch",
        y_title="loss; R²" if "r_squared" in names else "loss, nats; accuracy, share",
    )


def handles(subject: Subject) -> None:
    """Which methods fit the model, and why the others do not."""
    pairs = [(kind.title, why_not(kind, subject) or "fits") for kind in methods().values()]
    show.html(facts(pairs))
