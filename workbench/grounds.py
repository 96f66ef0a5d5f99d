"""Grounds: the checks that a grade is made of, each a sentence with its number for every sample.

A check that cannot be made (a traditional model has no weights to randomise, two words have only two orders) yields the
text that says so. What only informs, and decides nothing, is a text too.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import nn

from workbench import answer, settings
from workbench.explanation import Claim, explain, method, refusal
from workbench.metrics.deletion import Deletion
from workbench.metrics.insertion import Insertion
from workbench.metrics.relevance_mass import RelevanceMass
from workbench.perturbations import fine_features, group_counts
from workbench.quantity import fixed, share, significant
from workbench.randomisation import layers, randomised, upper_randomised
from workbench.records import Attribution, Reason, Score
from workbench.repetition import again, configured
from workbench.robustness import deviations, moved, steps
from workbench.similarity import correlations
from workbench.subject import Subject
from zoo.errors import InputError
from zoo.model import TraditionalModel
from zoo.task import Kind, Samples

GAP_ALLOWED = 0.01
"""Of f(x) - f(x'). The eye cannot tell maps that differ by 1 %; integrated gradients aims at half of it."""
ORDERS = 100
"""Random orders (or maps) of each sample: enough to tell 1 in 100."""
BEATEN = 0.99
"""Share of them that must do worse. A random map gets there with probability 2 in 101 (at most one does as well)."""
TOLERANCE = 1e-5
"""Areas and shares that are nearer to each other are the same: the one order, computed in another batch, rounds so."""
RANDOM_WEIGHTS = 3
"""Copies with permuted weights; single ones agree with the map by accident where it has few patches."""
WEIGHTS_ALLOWED = 0.5
"""Mean rank correlation with their maps. Measured: within 0.15 of zero on the digits and shapes networks for signed
methods; exactly 1 for what ignores the weights. The values are compared as they are, since magnitudes alike are small
on the background whatever the weights."""
DEEP, RANDOM_UPPER = 4, 2
"""Layers from which on there is an upper half, and copies in which that alone is permuted. Measured on three networks
of 9 to 13 layers: guided backpropagation then correlates by 0.81 to 0.94 with its map, signed methods below 0.2."""
WEIGHTS_UNKNOWN = "Whether the map depends on the weights:"
SEEDS = 2
"""Other seeds that a random method is repeated with."""
SEED_NEEDED = 0.8
"""Least rank correlation with their maps: below it, which features lead is decided by the seed."""
NEAR, RADIUS = 2, 0.1
"""Inputs nearby, and how far each entry is moved at most, in standard deviations of the training inputs."""
NEARBY_NEEDED = 0.5
"""Least mean rank correlation with their maps. Measured over the methods of five models: medians of 0.72 to 1.00, the
least of a single sample 0.56, where the answers hardly move."""
VIEWS, LAST_VIEW = ("integrated_gradients", "occlusion"), "kernel_shap"
"""What a map is compared with: those that fit and are not the method itself; the last, dearer, only where none does."""


def completeness(attribution: Attribution) -> Iterator[Reason]:
    """Of methods that claim it, unless the values were changed in a way that loses it."""
    lossy = any(step.startswith(("norm", "absolute")) for step in attribution.steps)
    if Claim.COMPLETENESS not in attribution.claims or lossy:
        return
    gaps = np.abs(attribution.completeness_gap)
    differences = np.abs(attribution.f_x - attribution.f_reference)
    for index, (gap, difference) in enumerate(zip(gaps, differences, strict=True)):
        within = gap <= GAP_ALLOWED * difference
        holds = bool(gap <= GAP_ALLOWED * difference + attribution.rounding[index])
        if holds and not within:
            sentence = (
                f"f(x) and f(x') differ by only {significant(difference, 2)}: the gap of {significant(gap, 2)} that "
                "the values leave is less than float32 can tell."
            )
        else:
            verb = "add up to" if holds else "miss"
            said = answer.gap(attribution, index)
            sentence = f"The values {verb} f(x) − f(x') with a gap of {said} (allowed: 1 %)."
        yield Reason(check="completeness", holds=holds, sentence=sentence)


def removal(
    metric: Deletion | Insertion, subject: Subject, samples: Samples, attribution: Attribution
) -> Iterator[Reason | str]:
    """Where there are orders enough, and they differ: else a perfect order would meet itself among the random ones."""
    score = metric.score(subject, samples, attribution)
    doing = "Putting back" if metric.inserting else "Removing"
    effect = "brings the class back" if metric.inserting else "loses the class"
    if subject.task.regression:
        effect = "raises the number" if metric.inserting else "lowers the number"
    counts = group_counts(fine_features(subject.task, samples.inputs)).tolist()
    for value, control, beaten, count in zip(score.values, score.control, _beaten(score), counts, strict=True):
        if (reason := _too_alike(subject, count, value, control)) is not None:
            yield f"Whether {doing.lower()} what it ranks highest beats a random order: {reason}"
            continue
        low, high = np.quantile(control, (0.025, 0.975))
        yield Reason(
            check=metric.name,
            holds=bool(beaten >= BEATEN),
            sentence=f"{doing} what it ranks highest {effect} sooner than {100 * beaten:.0f} of 100 random orders: "
            f"area {value:.2f}, random {low:.2f} to {high:.2f} (needed: {100 * BEATEN:.0f} of 100).",
        )


def _too_alike(subject: Subject, count: int, value: float, control: np.ndarray) -> str | None:
    """Why no order of a sample's features could be told from random ones; None where one could."""
    orders = math.factorial(min(count, 10))
    if orders < ORDERS:
        what = "word" if subject.task.kind is Kind.TEXT else "feature"
        return f"{count} {what}s have only {orders} orders." if count > 1 else f"1 {what} has only 1 order."
    return "every order gives the same area." if np.ptp([*control, value]) <= TOLERANCE else None


def weights(subject: Subject, samples: Samples, attribution: Attribution, seed: int) -> Iterator[Reason | str]:
    """A map that copies of the network with permuted weights give as well does not explain this one."""
    if isinstance(subject.model, TraditionalModel):
        if Claim.CONTROL in attribution.claims:
            says = "A control knows nothing of the model: its map is the same whatever the weights."
            yield from [Reason(check="random weights", holds=False, sentence=says)] * len(samples)
        else:
            yield from [f"{WEIGHTS_UNKNOWN} a traditional model has none to randomise."] * len(samples)
        return
    for alike in _without_weights(subject, samples, attribution, [randomised] * RANDOM_WEIGHTS, seed):
        yield alike if isinstance(alike, str) else _changed("random weights", "the weights permuted", alike)


def upper_weights(subject: Subject, samples: Samples, attribution: Attribution, seed: int) -> Iterator[Reason | str]:
    """Of networks deep enough to have an upper half: what only shows the lower layers' features stays as it was."""
    if isinstance(subject.model, TraditionalModel) or len(layers(subject.network)) < DEEP:
        return
    what = "the weights of the upper half of the layers permuted"
    for alike in _without_weights(subject, samples, attribution, [upper_randomised] * RANDOM_UPPER, seed):
        yield alike if isinstance(alike, str) else _changed("upper weights", what, alike)


def _without_weights(
    subject: Subject,
    samples: Samples,
    attribution: Attribution,
    changes: Sequence[Callable[[nn.Module, int], nn.Module]],
    seed: int,
) -> Iterator[list[float] | str]:
    """For each sample the rank correlations with the maps of changed copies, or why these could not be made."""
    config = configured(attribution).rough()
    others = (
        again(subject.with_model(change(subject.editable(), seed + copy)), samples, attribution, config)
        for copy, change in enumerate(changes)
    )
    return _alike(subject, samples, attribution, others, f"{WEIGHTS_UNKNOWN} with permuted ones there is no other map.")


def _alike(
    subject: Subject, samples: Samples, attribution: Attribution, others: Iterable[Attribution], unknown: str
) -> Iterator[list[float] | str]:
    """For each sample the rank correlations with other maps, or what is unknown where one cannot be made, and why."""
    try:
        made = list(others)
    except InputError as reason:
        return iter([f"{unknown} {reason}"] * len(samples))
    return correlations(subject, samples, attribution, made)


def _changed(check: str, what: str, alike: list[float]) -> Reason:
    mean = float(np.mean(alike))
    changed = mean < WEIGHTS_ALLOWED
    says = "another map comes out" if changed else "much the same map comes out"
    return Reason(
        check=check,
        holds=changed,
        sentence=f"With {what} {says}: rank correlation {fixed(mean, 2)}, the mean of {len(alike)} copies (allowed: "
        f"below {WEIGHTS_ALLOWED}).",
    )


def seeds(subject: Subject, samples: Samples, attribution: Attribution) -> Iterator[Reason | str]:
    """Of methods that depend on a seed: other seeds should rank the features alike."""
    config = configured(attribution)
    if not config.is_random():
        return
    own = settings.values(config)["seed"]
    others = (
        again(subject, samples, attribution, replace(config, seed=own + step))  # type: ignore[call-arg]
        for step in range(1, SEEDS + 1)
    )
    for found in _alike(
        subject, samples, attribution, others, "Whether the seed decides: with another there is no map."
    ):
        if isinstance(found, str):
            yield found
            continue
        least = min(found)
        says = "give nearly the same map" if least >= SEED_NEEDED else "give another map"
        yield Reason(
            check="seed",
            holds=least >= SEED_NEEDED,
            sentence=f"{SEEDS} other seeds {says}: least rank correlation {fixed(least, 2)} (needed: {SEED_NEEDED}).",
        )


def nearby(subject: Subject, samples: Samples, attribution: Attribution, seed: int) -> Iterator[Reason | str]:
    """Inputs that differ by less than one sees should not have another map; what ignores the input always passes."""
    unknown = "Whether small changes of the input change the map:"
    if not samples.inputs.is_floating_point():
        yield from [f"{unknown} no other word is a small step away."] * len(samples)
        return
    config = configured(attribution).rough()
    moves = steps(samples, NEAR, seed) * RADIUS * deviations(subject.task, samples.inputs)
    others = (again(subject, near, attribution, config) for near in moved(samples, moves))
    for alike in _alike(subject, samples, attribution, others, f"{unknown} nearby there is no map."):
        if isinstance(alike, str):
            yield alike
            continue
        mean = float(np.mean(alike))
        holds = mean >= NEARBY_NEEDED
        says = "nearly the same map comes out" if holds else "another map comes out"
        yield Reason(
            check="nearby inputs",
            holds=holds,
            sentence=f"With every entry moved by up to {RADIUS} standard deviations {says}: rank correlation "
            f"{fixed(mean, 2)}, the mean of {NEAR} inputs (needed: {NEARBY_NEEDED}).",
        )


def agreement(subject: Subject, samples: Samples, attribution: Attribution) -> Iterator[str]:
    """How alike the maps of other methods are: said, and no check, since methods that agree may be wrong together."""
    views = [method(name).rough() for name in (*VIEWS, LAST_VIEW) if name != attribution.method]
    fitting = [view for view in views if refusal(view, subject, samples, attribution.target) is None]
    fitting = [view for view in fitting if view.name != LAST_VIEW] or fitting
    if not fitting:
        return
    classes = torch.tensor(attribution.classes)
    positive = bool((attribution.values >= 0).all())
    made = (explain(subject, samples, view, attribution.target, classes) for view in fitting)
    others = (record.abs() if positive else record for record in made)  # magnitudes are compared with magnitudes
    for alike in _alike(subject, samples, attribution, others, "Whether others agree: there is no other map."):
        if isinstance(alike, str):
            yield alike
            continue
        told = [f"{view.title} {fixed(value, 2)}" for view, value in zip(fitting, alike, strict=True)]
        yield f"Rank correlation with the maps of others: {', '.join(told)} (no check: all may be wrong alike)."


def cost(samples: Samples, attribution: Attribution) -> Iterator[str]:
    """What the map took; in passes, since seconds are those of a machine, and a report should come out the same."""
    passes = (attribution.forward_passes + attribution.backward_passes) / len(attribution)
    yield from [f"Cost: {significant(passes, 2)} passes of the model for each sample."] * len(samples)


def localisation(subject: Subject, samples: Samples, attribution: Attribution, seed: int) -> Iterator[Reason | None]:
    """Where the evidence is known and the model was right; None for the other samples."""
    metric = RelevanceMass(n_draws=ORDERS, seed=seed)
    if metric.why_not(samples, attribution) is not None:
        return
    score = metric.score(subject, samples, attribution)
    part = "the attribution's size" if subject.task.regression else "what speaks for the class"
    rows = {name: row for row, name in enumerate(score.sample_ids)}
    beaten = _beaten(score)
    for name in attribution.sample_ids:
        if (row := rows.get(name)) is None:
            yield None
            continue
        yield Reason(
            check="evidence",
            holds=bool(beaten[row] >= BEATEN),
            sentence=f"{share(score.values[row])} of {part} lies on the planted evidence, more "
            f"than in {100 * beaten[row]:.0f} of 100 random maps, which have {share(score.control[row].mean())} "
            f"there (needed: {100 * BEATEN:.0f} of 100).",
        )


def _beaten(score: Score) -> np.ndarray:
    """The share of the control that does worse than each sample's value, by more than rounding does."""
    better = score.values[:, None] - score.control
    return ((better if score.higher_is_better else -better) > TOLERANCE).mean(1)
