"""Saturation and noise of gradients, measured: the experiments of the lesson on saliency."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from workbench.explanation import explain, method
from workbench.provenance import provenance
from workbench.query import Query
from workbench.records import Attribution, Column, Curve, Output, Table, Target
from workbench.scoring import interval
from workbench.subject import Subject
from zoo.quality import wilson
from zoo.task import Kind, Samples, Task

VANISHED = 0.1
"""A gradient that finds less than this share of what integrated gradients find is called vanished: a map drawn from
it on the same scale would look empty."""
CREDITED = {
    "gradient": "Gradient",
    "input_x_gradient": "Input × gradient",
    "occlusion": "Occlusion",
    "integrated_gradients": "Integrated gradients",
    "kernel_shap": "Kernel SHAP",
}
"""Methods that give the inputs of the small function their credit."""
LEVELS = 61
DRAWS = 16
"""Noisy copies that the averaged gradient is averaged over."""
CHANGES = (0.01, 0.02, 0.05, 0.1, 0.2)
"""Standard deviations of a change of the input under which a map should stay as it is."""
SEEDS = 3


@dataclass(frozen=True)
class Levels(Task):
    """Rows of so many inputs that all have the same value."""

    name = "levels"
    title = "Inputs of one value"
    kind = Kind.TABLE
    axes = ("feature",)
    classes = ("f",)
    splits = ("drawn",)
    scored = "drawn"
    licence = "none"
    citation = "shrikumar2017learning"
    about = "Rows whose inputs all have the same value, for a function that is known on paper."

    inputs: int

    def load(self, split: str) -> Samples:
        del split
        return at_levels(np.linspace(0, 2, 5), self.inputs)

    def samples(self, split: str) -> Samples:
        """Not remembered: tasks of different widths differ."""
        return self.load(split)

    def groups(self, inputs: Float[Tensor, "sample feature"]) -> Int[Tensor, "sample feature"]:
        return torch.arange(inputs.shape[1]).expand(len(inputs), -1)


class Ramp(nn.Module):
    """f(x) = 1 − ReLU(1 − k Σ x): rises with slope k until k Σ x = 1, and is 1 from there on."""

    def __init__(self, steepness: float) -> None:
        super().__init__()
        self.steepness = steepness

    def forward(self, inputs: Float[Tensor, "sample feature"]) -> Float[Tensor, "sample class"]:
        return 1 - torch.relu(1 - self.steepness * inputs.sum(1, keepdim=True))


def at_levels(levels: Float[np.ndarray, "sample"], inputs: int) -> Samples:
    """One sample per level, with so many inputs of that value."""
    values = torch.tensor(levels, dtype=torch.float32)[:, None].expand(-1, inputs).clone()
    names = tuple(f"all at {level:.3g}" for level in levels)
    return Samples(inputs=values, labels=torch.full((len(levels),), -1), ids=names)


def credit(network: nn.Module, levels: Float[np.ndarray, "sample"], inputs: int, name: str) -> Attribution:
    """What a method credits each input of a function with, at each level; x' is zero where the method has one."""
    given = {"n_steps": 64, "max_steps": 1024, "tolerance": 1e-3} if name == "integrated_gradients" else {}
    subject = Subject(network, Levels(inputs), name="the function on paper")
    return explain(subject, at_levels(levels, inputs), method(name, **given), Target(of=0))


def credit_curve(network: nn.Module, top: float, inputs: int) -> Curve:
    """f, and the credit to the first input by each method, while all inputs rise together from 0 to `top`."""
    levels = np.linspace(0, top, LEVELS)
    along = {name: credit(network, levels, inputs, name) for name in CREDITED if name != "kernel_shap"}
    first = along["gradient"]
    return Curve(
        title="Credit given to one input while all inputs rise together",
        x=levels,
        y=np.concatenate([first.f_x[None], *(record.values[:, 0][None] for record in along.values())]),
        labels=("f itself", *(CREDITED[name] for name in along)),
        x_title="value of every input",
        y_title="f, and credit to x₁",
        provenance=first.provenance,
    )


def fair_share(record: Attribution) -> float:
    """What each input of a function that treats them alike deserves of f: an equal share."""
    return float(record.f_x[0]) / record.values.shape[1]


def both(subject: Subject, samples: Samples, output: Output) -> tuple[Attribution, Attribution]:
    """Input × gradient and integrated gradients of one output of the predicted class: one unit, no path and a path."""
    path = method("integrated_gradients", n_steps=32, max_steps=512, tolerance=0.05)
    target = Target(output=output)
    return explain(subject, samples, method("input_x_gradient"), target), explain(subject, samples, path, target)


def ratios(local: Attribution, path: Attribution) -> Float[np.ndarray, "sample"]:
    """Σ |x ∂f/∂x| / Σ |integrated gradients| of each sample: how much of what moved f the gradient still sees."""
    sums = (np.abs(record.values).reshape(len(record), -1).sum(1, dtype=np.float64) for record in (local, path))
    seen, whole = sums
    return seen / np.maximum(whole, np.finfo(np.float64).tiny)


def vanished_table(found: Mapping[str, Float[np.ndarray, "sample"]]) -> Table:
    """Per output: the median of the ratio, and the share of samples whose gradient has vanished, with its interval."""
    rows, low, high = [], [], []
    for name, values in found.items():
        count = int((values < VANISHED).sum())
        ends = wilson(count, len(values))
        rows.append((name.replace("_", " "), float(np.median(values)), 100 * count / len(values)))
        low.append([np.nan, np.nan, 100 * ends[0]])
        high.append([np.nan, np.nan, 100 * ends[1]])
    columns = (
        Column(title="Explained"),
        Column(title="Gradient finds", unit="of the path, median", digits=2),
        Column(title="Vanished", unit="% of images", higher_is_better=False, digits=0),
    )
    note = f"Vanished: less than {VANISHED:g} of what integrated gradients find. Intervals: 95 %, over images."
    return Table(columns=columns, rows=tuple(rows), low=np.array(low), high=np.array(high), note=note)


def distribution(found: Mapping[str, Float[np.ndarray, "sample"]]) -> Curve:
    """Per output: the share of samples whose ratio lies below a value, over the value's decimal logarithm."""
    logs = {name: np.log10(np.maximum(values, 1e-9)) for name, values in found.items()}
    least = min(-1.5, *(float(values.min()) for values in logs.values()))
    x = np.linspace(np.floor(2 * least - 0.1) / 2, max(0.5, *(float(v.max()) for v in logs.values())), 121)
    return Curve(
        title="How much of what moved the output the gradient still sees",
        x=x,
        y=np.stack([(values[:, None] <= x).mean(0) for values in logs.values()]),
        labels=tuple(name.replace("_", " ") for name in found),
        x_title="log₁₀ (input × gradient / integrated gradients)",
        y_title="share of images below",
    )


def stability(subject: Subject, samples: Samples, noise: float, seed: int) -> tuple[Curve, Table]:
    """Cosine of the gradient at x and at x plus a small random change; for one gradient, and for the mean over copies
    of x with `noise` added, the same noise for both. Over seeds of the change and over samples.
    """
    query = Query(subject, samples, subject.explained_classes(samples, Target()), Output.LOGIT)
    rows = torch.arange(len(samples))
    maps: dict[str, Callable[[Tensor], Tensor]] = {
        "one gradient": lambda inputs: query.gradients(inputs, rows),
        f"mean of {DRAWS}": lambda inputs: _averaged(query, inputs, rows, noise, seed),
    }
    found = {name: _cosines(query.inputs, drawn, seed) for name, drawn in maps.items()}
    curve = Curve(
        title="How alike a map stays when the image changes a little",
        x=np.array(CHANGES),
        y=np.stack([values.mean((0, 2)) for values in found.values()]),
        labels=tuple(found),
        x_title="standard deviation of the change, in units of the input's range",
        y_title="cosine of the two maps",
        provenance=provenance(subject) | {"samples": samples.ids, "noise": noise, "seed": seed, "draws": DRAWS},
    )
    middle = len(CHANGES) // 2
    per_sample = {name: values[:, middle].mean(0) for name, values in found.items()}
    ends = [interval(values, seed) for values in per_sample.values()]
    columns = (
        Column(title="Map"),
        Column(title=f"Cosine at a change of {CHANGES[middle]:g}", higher_is_better=True, digits=2),
    )
    table = Table(
        columns=columns,
        rows=tuple((name, float(values.mean())) for name, values in per_sample.items()),
        low=np.array([[np.nan, low] for low, _ in ends]),
        high=np.array([[np.nan, high] for _, high in ends]),
        note=f"1: the same map. Mean over {len(samples)} images and {SEEDS} random changes of each; 95 % over images.",
    )
    return curve, table


def _averaged(query: Query, inputs: Tensor, rows: Int[Tensor, "sample"], noise: float, seed: int) -> Tensor:
    """The gradient's mean over noisy copies; the same seed draws the same noise for every image."""
    generator = torch.Generator().manual_seed(seed)
    copies = (inputs + noise * torch.randn(inputs.shape, generator=generator) for _ in range(DRAWS))
    return torch.stack([query.gradients(copy, rows) for copy in copies]).mean(0)


def _cosines(inputs: Tensor, drawn: Callable[[Tensor], Tensor], seed: int) -> Float[np.ndarray, "draw change sample"]:
    """The cosine of the map of each sample before and after each change, for each seed of the change."""
    before = drawn(inputs).flatten(1)
    found = np.zeros((SEEDS, len(CHANGES), len(inputs)))
    for draw in range(SEEDS):
        change = torch.randn(inputs.shape, generator=torch.Generator().manual_seed(seed + 1000 * (draw + 1)))
        for index, size in enumerate(CHANGES):
            after = drawn(inputs + size * change).flatten(1)
            found[draw, index] = torch.nn.functional.cosine_similarity(before, after).numpy()
    return found
