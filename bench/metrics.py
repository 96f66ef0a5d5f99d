"""Quality metrics of 64 gradients of cnn_digits against Quantus, where it is installed, and against Captum.

    python -m bench.metrics [--rounds 5] [--threads 1] [--only deletion]

Ours always measure a random control beside the map, here the least that can be asked for, which takes as long again.
Seeds differ from call to call, so that no control is remembered.
"""

import importlib.util
from collections.abc import Iterator
from itertools import count
from typing import Any

import captum.attr
import captum.metrics
import numpy as np
import torch
from torch import Tensor

import workbench
from bench.race import Call, Race, main
from workbench.complexity import shares
from workbench.explanation import explain, method
from workbench.metrics.sparseness import Sparseness
from workbench.perturbations import coalition_values, fine_features
from workbench.query import Query
from workbench.randomisation import layers
from workbench.records import Attribution, Output, Target
from workbench.reference_inputs import reference_inputs
from workbench.scoring import metric, over_places
from workbench.subject import Subject
from zoo.task import Samples

SAMPLES, PIXELS, DRAWS = 64, 64, 64


def races() -> Iterator[Race]:
    """The metrics, on the same maps."""
    subject = workbench.load("cnn_digits", device="cpu")
    samples = subject.task.select(f"0:{SAMPLES}")
    maps = explain(subject, samples, method("gradient"), Target(output=Output.LOGIT))
    if importlib.util.find_spec("quantus"):
        yield from of_quantus(subject, samples, maps)
    else:
        print("| deletion, sparseness, randomisation | | | quantus is not installed | | | | |")
    yield _infidelity(subject, samples, maps)


def ours(subject: Subject, samples: Samples, maps: Attribution, name: str, **given: Any) -> Call:
    """The values of a metric, with another seed at each call."""
    seeds = count()

    def values() -> Tensor:
        return torch.tensor(metric(name, seed=next(seeds), **given).score(subject, samples, maps).values)

    return values


def of_quantus(subject: Subject, samples: Samples, maps: Attribution) -> Iterator[Race]:
    """Its metrics of the same name, called as its documentation does."""
    import quantus

    network, x, y = subject.network, samples.inputs.numpy(), maps.classes
    given = {"x_batch": x, "y_batch": y, "a_batch": maps.values, "device": "cpu"}
    quiet = {"normalise": False, "disable_warnings": True}

    def curves(metric: Any) -> Call:
        """The area under the curve of probabilities, before which stands that of the whole image."""

        def area() -> Tensor:
            found = np.asarray(metric(model=network, softmax=True, **given))
            whole = subject.logits(samples.inputs).softmax(-1).numpy()[np.arange(SAMPLES), y]
            return torch.tensor(np.trapezoid(np.column_stack((whole, found)), dx=1 / PIXELS, axis=1))

        return area

    flipping = quantus.PixelFlipping(features_in_step=1, perturb_baseline="black", abs=False, **quiet)
    for title, call in (
        ("with a random order", ours(subject, samples, maps, "deletion", n_steps=PIXELS, n_orders=1)),
        ("the map alone", _deletion(subject, samples, maps)),
    ):
        yield Race(
            title=f"deletion (pixel flipping of probabilities), {SAMPLES} × {PIXELS} steps, {title}",
            peer="quantus",
            ours=call,
            theirs=curves(flipping),
            floor=_forwards(subject, samples.inputs.repeat(PIXELS, 1, 1, 1)),
            targets=(2.5, None),
        )
    sparse = quantus.Sparseness(abs=True, **quiet)
    for title, call in (
        ("with a random map and interval", ours(subject, samples, maps, "sparseness", n_draws=1)),
        ("the maps alone", lambda: torch.tensor(Sparseness().measured(shares(over_places(maps).reshape(SAMPLES, -1))))),
    ):
        yield Race(
            title=f"sparseness, {SAMPLES} maps, {title}",
            peer="quantus",
            ours=call,
            theirs=lambda: torch.tensor(np.asarray(sparse(model=network, **given))),
            targets=(5, None),
        )
    yield _randomisation(
        subject, samples, maps, quantus.MPRT(return_average_correlation=True, abs=False, **quiet), given
    )


def _deletion(subject: Subject, samples: Samples, maps: Attribution) -> Call:
    """The same areas without the control: what the metric does for each order of the pixels."""
    order = torch.tensor(maps.values).flatten(1).argsort(1, descending=True).argsort(1)
    which = torch.arange(SAMPLES * (PIXELS + 1))
    rows, turns = which // (PIXELS + 1), which % (PIXELS + 1)

    def area() -> Tensor:
        query = Query(subject, samples, torch.tensor(maps.classes), Output.PROBABILITY)
        features = fine_features(subject.task, samples.inputs)
        absent = reference_inputs(query)

        def present(part: slice) -> Tensor:
            return order[rows[part]] >= turns[part, None]

        curve = coalition_values(query, present, rows, absent, features).view(SAMPLES, PIXELS + 1)
        return torch.trapezoid(curve.double(), dx=1 / PIXELS)

    return area


def _randomisation(subject: Subject, samples: Samples, maps: Attribution, peer: Any, given: dict[str, Any]) -> Race:
    """Ours permutes the entries of the weights, Quantus draws new ones, so that values are not the same."""

    def again(model, inputs, targets, **_):  # type: ignore[no-untyped-def]
        leaf = torch.as_tensor(inputs).requires_grad_()
        found = captum.attr.Saliency(model).attribute(leaf, target=torch.as_tensor(targets), abs=False)
        return found.detach().numpy()

    stages = len(layers(subject.network))
    return Race(
        title=f"cascading randomisation, {SAMPLES} maps, {stages} stages",
        peer="quantus",
        ours=ours(subject, samples, maps, "cascading_randomisation", n_stages=stages, n_draws=1),
        theirs=lambda: torch.tensor(np.asarray(peer(model=subject.editable(), explain_func=again, **given))),
        error=lambda values: float(values.mean()),
        targets=(2.5, None),
    )


def _infidelity(subject: Subject, samples: Samples, maps: Attribution) -> Race:
    """Forward passes and little else on either side: there is nothing to gain."""
    x, y, a = samples.inputs, torch.tensor(maps.classes), torch.tensor(maps.values)

    def moved(inputs: Tensor) -> tuple[Tensor, Tensor]:
        noise = 0.1 * torch.randn(inputs.shape)
        return noise, inputs - noise

    def theirs(most: int | None) -> Call:
        return lambda: captum.metrics.infidelity(
            subject.network, moved, x, a, target=y, n_perturb_samples=DRAWS, max_examples_per_batch=most
        )

    return Race(
        title=f"infidelity, {SAMPLES} maps, {DRAWS} noisy images (the mean value in place of an error)",
        ours=ours(subject, samples, maps, "infidelity", n_draws=DRAWS, n_maps=1),
        theirs=theirs(None),
        grid={f"max_examples_per_batch={n}": theirs(n) for n in (128, 512)},
        floor=_forwards(subject, x.repeat(DRAWS, 1, 1, 1)),
        error=lambda values: float(values.mean()),
    )


def _forwards(subject: Subject, inputs: Tensor) -> Call:
    """A bare forward pass of each row."""

    def passes() -> Tensor:
        with torch.no_grad():
            return torch.cat([subject.network(part) for part in inputs.split(512)])

    return passes


if __name__ == "__main__":
    main(__doc__ or "", races)
