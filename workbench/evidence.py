"""Evidence: how far one explanation can be trusted, by stated rules, in three words and with each reason's number.

Supported: every check holds. Mixed: some do. Not supported: the map is no better than a random order of the features,
neither when they are removed nor when they are put back, or it is the same whatever the weights, or those of the upper
half of the layers, are. A check that cannot be made (a traditional model has no weights to randomise, two words have
only two orders) is named in the record's provenance and counts for nothing; without any comparison to a random order
the grade is at most Mixed. Of a control it is known without a check that its map is the same whatever the model.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from torch import nn

from workbench import settings
from workbench.explanation import Claim
from workbench.metrics.completeness import FLOOR
from workbench.metrics.deletion import Deletion
from workbench.metrics.insertion import Insertion
from workbench.metrics.relevance_mass import RelevanceMass
from workbench.perturbations import fine_features, group_counts
from workbench.quantity import fixed, share, significant
from workbench.randomisation import layers, randomised, upper_randomised
from workbench.records import Attribution, Evidence, Grade, Reason, Score
from workbench.repetition import again, configured
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
SEEDS = 2
"""Other seeds that a random method is repeated with."""
SEED_NEEDED = 0.8
"""Least rank correlation with their maps: below it, which features lead is decided by the seed."""


def evidence(subject: Subject, samples: Samples, attribution: Attribution, seed: int = 0) -> list[Evidence]:
    """What speaks for and against each sample's attribution, and the grade that follows from it.

    Costs a hundred random orders of each sample (once for all methods) and repeats the method three times on random
    weights, twice more where it depends on a seed. Raises `InputError` where the samples are not those explained.
    """
    checks: list[Iterator[Reason | str | None]] = [
        _completeness(attribution),
        _removal(Deletion(n_orders=ORDERS, seed=seed), subject, samples, attribution),
        _removal(Insertion(n_orders=ORDERS, seed=seed), subject, samples, attribution),
        _weights(subject, samples, attribution, seed),
        _upper_weights(subject, samples, attribution, seed),
        _seeds(subject, samples, attribution),
        _localisation(subject, samples, attribution, seed),
    ]
    found = [reasons for check in checks if (reasons := list(check))]
    return [_graded(attribution, sample, [reasons[sample] for reasons in found]) for sample in range(len(samples))]


def _graded(attribution: Attribution, sample: int, found: list[Reason | str | None]) -> Evidence:
    """The grade by the rules at the top; a check that could not be made is the text that says so."""
    made = tuple(one for one in found if isinstance(one, Reason))
    holds = {reason.check: reason.holds for reason in made}
    orders = [holds[check] for check in ("deletion", "insertion") if check in holds]
    blind = not all(holds.get(check, True) for check in ("random weights", "upper weights"))
    if (orders and not any(orders)) or blind:
        grade = Grade.NOT_SUPPORTED
    else:
        grade = Grade.SUPPORTED if orders and all(holds.values()) else Grade.MIXED
    return Evidence(
        title=f"Evidence for {attribution.method} on {attribution.sample_ids[sample]}",
        subject=attribution.subject,
        method=attribution.method,
        sample_id=attribution.sample_ids[sample],
        grade=grade,
        reasons=made,
        provenance={**attribution.provenance, "not_checked": [one for one in found if isinstance(one, str)]},
    )


def _completeness(attribution: Attribution) -> Iterator[Reason]:
    """Of methods that claim it, unless the values were changed in a way that loses it."""
    lossy = any(step.startswith(("norm", "absolute")) for step in attribution.steps)
    if Claim.COMPLETENESS not in attribution.claims or lossy:
        return
    size = np.maximum(np.abs(attribution.f_x), np.abs(attribution.f_reference))
    wanted = np.abs(attribution.f_x - attribution.f_reference)
    for gap, difference, floor in zip(np.abs(attribution.completeness_gap), wanted, FLOOR * size, strict=True):
        within = gap <= GAP_ALLOWED * difference
        holds = bool(gap <= GAP_ALLOWED * difference + floor)
        if holds and not within:
            sentence = (
                f"f(x) and f(x') differ by only {significant(difference, 2)}: the gap of {significant(gap, 2)} that "
                "the values leave is less than float32 can tell."
            )
        else:
            verb = "add up to" if holds else "miss"
            said = share(gap / difference) if difference > floor else significant(gap, 2)
            sentence = f"The values {verb} f(x) − f(x') with a gap of {said} (allowed: 1 %)."
        yield Reason(check="completeness", holds=holds, sentence=sentence)


def _removal(
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


def _weights(subject: Subject, samples: Samples, attribution: Attribution, seed: int) -> Iterator[Reason | str]:
    unknown = "Whether the map depends on the weights:"
    if isinstance(subject.model, TraditionalModel):
        if Claim.CONTROL in attribution.claims:
            says = "A control knows nothing of the model: its map is the same whatever the weights."
            yield from [Reason(check="random weights", holds=False, sentence=says)] * len(samples)
        else:
            yield from [f"{unknown} a traditional model has none to randomise."] * len(samples)
        return
    found = _without_weights(subject, samples, attribution, [randomised] * RANDOM_WEIGHTS, seed)
    if found is None:
        yield from [f"{unknown} permuted ones give values that are not finite."] * len(samples)
        return
    for alike in found:
        yield _changed("random weights", "the weights permuted", alike)


def _upper_weights(subject: Subject, samples: Samples, attribution: Attribution, seed: int) -> Iterator[Reason]:
    """Of networks deep enough to have an upper half: what only shows the lower layers' features stays as it was."""
    if isinstance(subject.model, TraditionalModel) or len(layers(subject.network)) < DEEP:
        return
    found = _without_weights(subject, samples, attribution, [upper_randomised] * RANDOM_UPPER, seed)
    for alike in found or []:
        yield _changed("upper weights", "the weights of the upper half of the layers permuted", alike)


def _without_weights(
    subject: Subject,
    samples: Samples,
    attribution: Attribution,
    changes: Sequence[Callable[[nn.Module, int], nn.Module]],
    seed: int,
) -> list[list[float]] | None:
    """The rank correlations with the maps of changed copies; None where these do not compute."""
    config = configured(attribution).rough()
    try:
        others = [
            again(subject.with_model(change(subject.editable(), seed + copy)), samples, attribution, config)
            for copy, change in enumerate(changes)
        ]
    except InputError:  # the attribution was explained before, so it is the permuted weights that do not compute
        return None
    return list(correlations(subject, samples, attribution, others))


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


def _seeds(subject: Subject, samples: Samples, attribution: Attribution) -> Iterator[Reason]:
    config = configured(attribution)
    if not config.is_random():
        return
    own = settings.values(config)["seed"]
    others = [
        again(subject, samples, attribution, replace(config, seed=own + step))  # type: ignore[call-arg]
        for step in range(1, SEEDS + 1)
    ]
    for found in correlations(subject, samples, attribution, others):
        least = min(found)
        says = "give nearly the same map" if least >= SEED_NEEDED else "give another map"
        yield Reason(
            check="seed",
            holds=least >= SEED_NEEDED,
            sentence=f"{SEEDS} other seeds {says}: least rank correlation {fixed(least, 2)} (needed: {SEED_NEEDED}).",
        )


def _localisation(subject: Subject, samples: Samples, attribution: Attribution, seed: int) -> Iterator[Reason | None]:
    """Where the evidence is known and the model was right; None for the other samples."""
    metric = RelevanceMass(n_draws=ORDERS, seed=seed)
    if metric.why_not(samples, attribution) is not None:
        return
    score = metric.score(subject, samples, attribution)
    rows = {name: row for row, name in enumerate(score.sample_ids)}
    beaten = _beaten(score)
    for name in attribution.sample_ids:
        if (row := rows.get(name)) is None:
            yield None
            continue
        yield Reason(
            check="evidence",
            holds=bool(beaten[row] >= BEATEN),
            sentence=f"{share(score.values[row])} of what speaks for the class lies on the planted evidence, more "
            f"than in {100 * beaten[row]:.0f} of 100 random maps, which have {share(score.control[row].mean())} "
            f"there (needed: {100 * BEATEN:.0f} of 100).",
        )


def _beaten(score: Score) -> np.ndarray:
    """The share of the control that does worse than each sample's value, by more than rounding does."""
    better = score.values[:, None] - score.control
    return ((better if score.higher_is_better else -better) > TOLERANCE).mean(1)
