"""Seconds per method for a batch of 32 on cnn_shapes: ours against Captum called directly.

    python -m bench.methods [--samples 32] [--rounds 5] [--threads 2] [--only occlusion]

Captum runs at its defaults and at its best setting, which is searched for over a grid first. All variants take turns
in one process, round after round, so that a busy machine is busy for all; the table shows medians. Both sides get the
same module, inputs, classes and reference inputs. The last column is the largest difference between the results, as a
share of the largest value; kernel SHAP draws other coalitions than Captum, so its errors are against a long run.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import captum.attr
import torch
from torch import Tensor

import workbench
from workbench.explanation import AbstractMethod, method
from workbench.query import Query
from workbench.records import Output
from workbench.reference_inputs import reference_inputs

Call = Callable[[], Tensor]
BATCHES = (32, 64, 128, 256, 512, 2048)
STEPS = 50
COALITIONS = 512
LONG = 20_000
HEADING = f"{'':34s}{'ours':>8s}{'peer':>9s}{'ratio':>7s}{'best':>9s}{'ratio':>7s}  {'best setting':24s}{'differs':>9s}"


@dataclass(frozen=True, kw_only=True)
class Race:
    """One method: our call, Captum's at its defaults and at each setting of a grid, and how results are compared."""

    title: str
    ours: Call
    theirs: Call
    grid: dict[str, Call]
    truth: Call | None = None


def main() -> None:
    """Run every race and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", default="", help="races whose title holds this")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    subject = workbench.load("cnn_shapes", device="cpu")
    samples = subject.task.select(f"0:{given.samples}")
    query = Query(subject, samples, subject.logits(samples.inputs).argmax(-1), Output.LOGIT)
    print(f"cnn_shapes, {given.samples} samples, {given.threads} threads, medians of {given.rounds} rounds, seconds\n")
    print(HEADING)
    for race in (race for race in races(query) if given.only in race.title):
        print(run(race, given.rounds), flush=True)
    print(f"\nOne digit by integrated gradients, from call to figure: {one_digit(given.rounds):.0f} ms")


def run(race: Race, rounds: int) -> str:
    """Let the variants of a race take turns; one line of the table."""
    setting = min(race.grid, key=lambda name: min(seconds(race.grid[name]) for _ in range(2)))
    calls = {"ours": race.ours, "default": race.theirs, "best": race.grid[setting]}
    taken: dict[str, list[float]] = {name: [] for name in calls}
    race.ours()
    for _ in range(rounds):
        for name, call in calls.items():
            taken[name].append(seconds(call))
    ours, default, best = (statistics.median(taken[name]) for name in calls)
    return (
        f"{race.title:36s}{ours:8.3f}{default:9.3f}{default / ours:6.1f}×{best:9.3f}{best / ours:6.1f}×"
        f"  {setting:26s}{difference(race)}"
    )


def difference(race: Race) -> str:
    """The largest difference of the results; where there is a truth, the error of either against it."""
    ours, theirs = race.ours().detach(), race.theirs().detach()
    if race.truth is None:
        return f"{float((ours - theirs).abs().max() / theirs.abs().max()):.1e}"
    truth = race.truth()
    errors = [float((values - truth).norm() / truth.norm()) for values in (ours, theirs)]
    return f"error {errors[0]:.2f} ours, {errors[1]:.2f} Captum's"


def seconds(call: Call) -> float:
    """Wall-clock seconds of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def races(query: Query) -> Sequence[Race]:
    """The races, each built from the same query."""
    return [*of_gradients(query), *of_paths(query), *of_perturbations(query)]


def of_gradients(query: Query) -> list[Race]:
    """One forward and one backward pass: there is nothing to tune."""
    network, x, classes = query.subject.network, query.inputs, query.classes

    def leaf() -> Tensor:
        return x.clone().requires_grad_()

    def saliency() -> Tensor:
        return captum.attr.Saliency(network).attribute(leaf(), target=classes, abs=False)

    def times_input() -> Tensor:
        return captum.attr.InputXGradient(network).attribute(leaf(), target=classes)

    return [
        Race(title="gradient", ours=ours(query, method("gradient")), theirs=saliency, grid={"default": saliency}),
        Race(
            title="input × gradient",
            ours=ours(query, method("input_x_gradient")),
            theirs=times_input,
            grid={"default": times_input},
        ),
    ]


def of_paths(query: Query) -> list[Race]:
    """Integrated gradients at the same 50 nodes, and until the worst completeness gap is below 0.5 %."""
    integrated = captum.attr.IntegratedGradients(query.subject.network)
    reference = reference_inputs(query)
    wanted = query.values(query.inputs) - query.values(reference)

    def theirs(steps: int, rule: str, batch: int | None) -> Call:
        return lambda: integrated.attribute(
            query.inputs, reference, target=query.classes, n_steps=steps, method=rule, internal_batch_size=batch
        )

    steps, allowed = STEPS, 0.005
    while float(((theirs(steps, "gausslegendre", 256)().flatten(1).sum(1) - wanted) / wanted).abs().max()) > allowed:
        steps *= 2
    return [
        Race(
            title=f"integrated gradients, {STEPS} nodes",
            ours=ours(query, method("integrated_gradients", n_steps=STEPS, max_steps=STEPS)),
            theirs=theirs(STEPS, "riemann_middle", None),
            grid={f"internal_batch_size={b}": theirs(STEPS, "riemann_middle", b) for b in BATCHES},
        ),
        Race(
            title="integrated gradients, gaps < 0.5 %",
            ours=ours(query, method("integrated_gradients", tolerance=allowed)),
            theirs=theirs(steps, "gausslegendre", 256),
            grid={f"{steps} nodes, batches of {b}": theirs(steps, "gausslegendre", b) for b in (64, 256, 1024)},
        ),
    ]


def of_perturbations(query: Query) -> list[Race]:
    """Occlusion by the same windows; kernel SHAP by as many coalitions of the same patches."""
    network, x, classes = query.subject.network, query.inputs, query.classes
    reference, groups = reference_inputs(query), query.groups[:1]
    sliding, shap = captum.attr.Occlusion(network), captum.attr.KernelShap(network)

    def occluded(window: int, at_once: int) -> Call:
        sizes, strides = (x.shape[1], window, window), (x.shape[1], window // 2, window // 2)
        return lambda: sliding.attribute(
            x, sizes, strides, baselines=reference, target=classes, perturbations_per_eval=at_once
        )

    def shapley(at_once: int) -> Call:
        return lambda: shap.attribute(
            x, reference, classes, feature_mask=groups, n_samples=COALITIONS, perturbations_per_eval=at_once
        )

    long = method("kernel_shap", n_samples=LONG)
    truth: list[Tensor] = []

    def settled() -> Tensor:
        if not truth:
            truth.append(long.attribute(query) * int((groups == 0).sum()))
        return truth[0]

    def ours_per_group() -> Tensor:
        return method("kernel_shap", n_samples=COALITIONS).attribute(query) * int((groups == 0).sum())

    return [
        *(
            Race(
                title=f"occlusion, windows of {window} pixels",
                ours=ours(query, method("occlusion", window=window)),
                theirs=occluded(window, 1),
                grid={f"perturbations_per_eval={n}": occluded(window, n) for n in (1, 2, 4, 8, 16)},
            )
            for window in (4, 8)
        ),
        Race(
            title=f"kernel SHAP, {COALITIONS} coalitions",
            ours=ours_per_group,
            theirs=shapley(1),
            grid={f"perturbations_per_eval={n}": shapley(n) for n in (16, 32, 64, 128)},
            truth=settled,
        ),
    ]


def ours(query: Query, chosen: AbstractMethod) -> Call:
    """Our call, on a query of its own so that nothing is remembered from the last."""
    return lambda: chosen.attribute(Query(query.subject, query.samples, query.classes, query.output))


def one_digit(rounds: int) -> float:
    """Milliseconds from call to figure, warm."""
    subject = workbench.load("cnn_digits", device="cpu")
    chosen = method("integrated_gradients")

    def explained(index: int) -> float:
        sample = subject.task.select(f"test:{index}")
        start = time.perf_counter()
        workbench.plot(workbench.explain(subject, sample, chosen))
        return time.perf_counter() - start

    explained(0)
    return 1000 * statistics.median(explained(index) for index in range(4 * rounds))


if __name__ == "__main__":
    main()
