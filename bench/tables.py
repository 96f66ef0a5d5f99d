"""Seconds per method on a table: ours against Captum called directly, and against shap where it is installed.

    python -m bench.tables [--rounds 3] [--threads 1] [--only exact]

A perceptron of 64 hidden units with seeded weights on columns of seeded numbers. Variants take turns in one process;
the table shows medians, and the error of each against exact Shapley values or a long run.
"""

import argparse
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass

import captum.attr
import torch
from torch import Tensor, nn

from bench.methods import Call, Race, run
from workbench.explanation import method
from workbench.query import Query
from workbench.records import Output
from workbench.subject import Subject
from zoo.task import Kind, Samples, Task


@dataclass(frozen=True)
class Columns(Task):
    """Seeded numbers in columns, each its own group."""

    count: int = 20

    name = "columns"
    title = "Columns"
    kind = Kind.TABLE
    axes = ("feature",)
    classes = ("rest", "score")
    licence = "none"
    citation = "none"
    about = "Made up."

    def load(self, split: str) -> Samples:
        inputs = torch.randn(512, self.count, generator=torch.Generator().manual_seed(len(split)))
        return Samples(inputs=inputs, labels=torch.ones(512).long(), ids=tuple(f"{split}:{i}" for i in range(512)))

    def groups(self, inputs: Tensor) -> Tensor:
        return torch.arange(inputs.shape[1]).expand(len(inputs), -1)


def main() -> None:
    """Run every race and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", default="", help="races whose title holds this")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    print(f"perceptron on columns, {given.threads} threads, medians of {given.rounds} rounds, seconds\n")
    print(
        f"{'':34s}{'ours':>8s}{'peer':>9s}{'ratio':>7s}{'best':>9s}{'ratio':>7s}  {'best setting':24s}{'differs':>9s}"
    )
    for race in (race for race in races() if given.only in race.title):
        print(run(race, given.rounds), flush=True)


def races() -> Sequence[Race]:
    """The jobs, each with its own number of columns and rows."""
    return [*of_coalitions(query(20, 32)), *of_enumeration(query(7, 32)), *of_paths(query(20, 256))]


def query(columns: int, rows: int) -> Query:
    """What is asked of a perceptron with so many columns."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = nn.Sequential(nn.Linear(columns, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
    subject = Subject(network, Columns(columns))
    samples = subject.task.samples("test").take(range(rows))
    return Query(subject, samples, torch.ones(rows).long(), Output.LOGIT)


def of_coalitions(asked: Query) -> list[Race]:
    """Kernel SHAP by 512 coalitions, Shapley values by 25 permutations; the truth is a long run of ours."""
    network, x = asked.subject.network, asked.inputs
    zero, kernel, sampled = (
        torch.zeros_like(x),
        captum.attr.KernelShap(network),
        captum.attr.ShapleyValueSampling(network),
    )
    known: list[Tensor] = []

    def truth() -> Tensor:
        if not known:
            known.append(method("kernel_shap", n_samples=200_000).attribute(asked))
        return known[0]

    def by_kernel(at_once: int) -> Call:
        return lambda: kernel.attribute(x, zero, 1, n_samples=512, perturbations_per_eval=at_once)

    def by_order(at_once: int) -> Call:
        return lambda: sampled.attribute(x, zero, 1, n_samples=25, perturbations_per_eval=at_once)

    found = [
        Race(
            title="kernel SHAP, 32 × 20, 512",
            ours=lambda: method("kernel_shap", n_samples=512).attribute(asked),
            theirs=by_kernel(1),
            grid={f"perturbations_per_eval={n}": by_kernel(n) for n in (64, 512)},
            truth=truth,
        ),
        Race(
            title="Shapley sampling, 32 × 20",
            ours=lambda: method("shapley_sampling").attribute(asked),
            theirs=by_order(1),
            grid={f"perturbations_per_eval={n}": by_order(n) for n in (8, 20)},
            truth=truth,
        ),
    ]
    if importlib.util.find_spec("shap"):
        found.append(_against_shap(asked, truth))
    return found


def _against_shap(asked: Query, truth: Call) -> Race:
    import shap

    network, x = asked.subject.network, asked.inputs.numpy()

    def answer(rows):  # type: ignore[no-untyped-def]
        with torch.no_grad():
            return network(torch.as_tensor(rows, dtype=torch.float32))[:, 1].numpy()

    explainer = shap.KernelExplainer(answer, 0 * x[:1])

    def theirs() -> Tensor:
        return torch.as_tensor(explainer.shap_values(x, nsamples=512, silent=True), dtype=torch.float32)

    return Race(
        title="kernel SHAP, 32 × 20, 512 (shap)",
        ours=lambda: method("kernel_shap", n_samples=512).attribute(asked),
        theirs=theirs,
        grid={"default": theirs},
        truth=truth,
    )


def of_enumeration(asked: Query) -> list[Race]:
    """Exact Shapley values of seven columns."""
    peer, x = captum.attr.ShapleyValues(asked.subject.network), asked.inputs

    def theirs(at_once: int) -> Call:
        return lambda: peer.attribute(x, torch.zeros_like(x), 1, perturbations_per_eval=at_once)

    return [
        Race(
            title="exact Shapley, 32 × 7",
            ours=lambda: method("exact_shapley").attribute(asked),
            theirs=theirs(64),
            grid={f"perturbations_per_eval={n}": theirs(n) for n in (64, 512)},
        )
    ]


def of_paths(asked: Query) -> list[Race]:
    """Integrated gradients at 50 nodes; DeepLIFT, which has nothing to tune."""
    network, x = asked.subject.network, asked.inputs
    integrated, lifted = captum.attr.IntegratedGradients(network), captum.attr.DeepLift(network)

    def theirs(batch: int | None) -> Call:
        return lambda: integrated.attribute(
            x, torch.zeros_like(x), 1, n_steps=50, method="riemann_middle", internal_batch_size=batch
        )

    def lift() -> Tensor:
        return lifted.attribute(x, torch.zeros_like(x), 1)

    return [
        Race(
            title="integrated gradients, 256 × 20",
            ours=lambda: method("integrated_gradients", n_steps=50, max_steps=50).attribute(asked),
            theirs=theirs(None),
            grid={f"internal_batch_size={b}": theirs(b) for b in (512, 4096)},
        ),
        Race(
            title="DeepLIFT, 256 × 20",
            ours=lambda: method("deep_lift").attribute(asked),
            theirs=lift,
            grid={"default": lift},
        ),
    ]


if __name__ == "__main__":
    main()
