"""On tables: Shapley values, integrated gradients and DeepLIFT against Captum, and against shap where it is installed.

    python -m bench.tables [--rounds 5] [--threads 1] [--only exact]

A perceptron 20-64-64-2 with seeded weights on columns of seeded numbers, and the zoo's on breast cancer. Errors are
against exact Shapley values, which for 20 columns come from a long run of kernel SHAP.
"""

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial

import captum.attr
import torch
from torch import Tensor, nn

import workbench
from bench.race import Call, Race, main, off
from workbench.explanation import AbstractMethod, method
from workbench.query import Query
from workbench.records import Output
from workbench.reference_inputs import reference_inputs
from workbench.subject import Subject
from zoo.task import Kind, Samples, Task

COALITIONS, ORDERS, STEPS = 512, 25, 50


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


def races() -> Iterator[Race]:
    """The jobs, each with its own number of columns and rows."""
    yield from of_coalitions(query(20, 32))
    yield from of_orders(query(20, 32))
    yield from of_orders(query(20, 1))
    yield from of_enumeration(query(7, 1))
    yield from of_enumeration(query(7, 32))
    yield from of_paths(query(20, 256), "MLP 20-64-64-2")
    yield from of_paths(of_zoo("mlp_breast_cancer", 256), "MLP of the zoo, 30-32-2")


def query(columns: int, rows: int) -> Query:
    """What is asked of a perceptron with so many columns."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = nn.Sequential(nn.Linear(columns, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
    subject = Subject(network, Columns(columns))
    return Query(subject, subject.task.samples("test").take(range(rows)), torch.ones(rows).long(), Output.LOGIT)


def of_zoo(name: str, rows: int) -> Query:
    """The same of a model of the zoo, on its training inputs, of which there are more."""
    subject = workbench.load(name, device="cpu")
    samples = subject.task.samples("train").take(range(rows))
    return Query(subject, samples, subject.logits(samples.inputs).argmax(-1), Output.LOGIT)


def ours(asked: Query, chosen: AbstractMethod) -> Call:
    """Our call, on a query of its own so that nothing is remembered from the last."""
    return lambda: chosen.attribute(Query(asked.subject, asked.samples, asked.classes, asked.output))


def forwards(asked: Query, count: int) -> Call:
    """So many bare forward passes of each row, in the chunks that are fastest."""
    inputs = asked.inputs.repeat(count, 1)

    def passes() -> Tensor:
        with torch.no_grad():
            return torch.cat([asked.subject.network(part) for part in inputs.split(2048)])

    return passes


def exact(asked: Query) -> Call:
    """The Shapley values: of all coalitions, or by a long run where these are too many."""
    columns = asked.inputs.shape[1]
    chosen = method("exact_shapley") if columns <= 13 else method("kernel_shap", n_samples=200_000)
    return cache(lambda: chosen.attribute(asked.doubled()))


def of_coalitions(asked: Query) -> Iterator[Race]:
    """Kernel SHAP by as many coalitions."""
    network, x = asked.subject.network, asked.inputs
    zero, peer = torch.zeros_like(x), captum.attr.KernelShap(network)

    def theirs(at_once: int) -> Call:
        return lambda: peer.attribute(x, zero, 1, n_samples=COALITIONS, perturbations_per_eval=at_once)

    race = partial(
        Race,
        ours=ours(asked, method("kernel_shap", n_samples=COALITIONS)),
        floor=forwards(asked, COALITIONS),
        error=off(exact(asked)),
    )
    title = f"kernel SHAP, {len(x)} × {x.shape[1]}, {COALITIONS} coalitions"
    grid = {f"perturbations_per_eval={n}": theirs(n) for n in (16, 64, 256, 512)}
    yield race(title=title, theirs=theirs(1), grid=grid, targets=(200, 100))
    if importlib.util.find_spec("shap"):
        grid = {"l1_reg=False": _of_shap(asked, l1_reg=False)}
        yield race(title=title, peer="shap", theirs=_of_shap(asked, "num_features(10)"), grid=grid, targets=(20, 20))


def _of_shap(asked: Query, l1_reg: str | bool) -> Call:
    """shap's kernel explainer: as it comes, with a search for few features, or solving the same regression as ours."""
    import shap

    network, x = asked.subject.network, asked.inputs.numpy()

    def answer(rows):  # type: ignore[no-untyped-def]
        with torch.no_grad():
            return network(torch.as_tensor(rows, dtype=torch.float32))[:, 1].numpy()

    explainer = shap.KernelExplainer(answer, 0 * x[:1])

    def theirs() -> Tensor:
        found = explainer.shap_values(x, nsamples=COALITIONS, l1_reg=l1_reg, silent=True)
        return torch.as_tensor(found, dtype=torch.float32)

    return theirs


def of_orders(asked: Query) -> Iterator[Race]:
    """Shapley values by sampled orders: as many as Captum's default, and as few as give no larger error."""
    network, x = asked.subject.network, asked.inputs
    zero, peer, error = torch.zeros_like(x), captum.attr.ShapleyValueSampling(network), off(exact(asked))

    def theirs(at_once: int) -> Call:
        return lambda: peer.attribute(x, zero, 1, n_samples=ORDERS, perturbations_per_eval=at_once)

    allowed = sum(error(theirs(20)()) for _ in range(3)) / 3
    mean = {
        n: sum(error(method("shapley_sampling", n_orders=n, seed=s).attribute(asked)) for s in range(9)) / 9
        for n in range(2, ORDERS + 2, 2)
    }
    least = next((n for n, own in mean.items() if own <= allowed), ORDERS + 1)
    for orders, title in ((ORDERS + 1, f"{ORDERS + 1} orders"), (least, f"{least} orders, error no larger")):
        yield Race(
            title=f"Shapley sampling, {len(x)} × {x.shape[1]}, {title}",
            ours=ours(asked, method("shapley_sampling", n_orders=orders)),
            theirs=theirs(1),
            grid={f"perturbations_per_eval={n}": theirs(n) for n in (4, 8, 20)},
            floor=forwards(asked, orders * (x.shape[1] + 1)),
            error=error,
            targets=(20, 5),
        )


def of_enumeration(asked: Query) -> Iterator[Race]:
    """Exact Shapley values."""
    peer, x = captum.attr.ShapleyValues(asked.subject.network), asked.inputs

    def theirs(at_once: int) -> Call:
        return lambda: peer.attribute(x, torch.zeros_like(x), 1, perturbations_per_eval=at_once)

    yield Race(
        title=f"exact Shapley, {len(x)} × {x.shape[1]}",
        ours=ours(asked, method("exact_shapley")),
        theirs=theirs(1),
        grid={f"perturbations_per_eval={n}": theirs(n) for n in (2, 7)},
        floor=forwards(asked, 2 ** x.shape[1]),
        error=off(exact(asked)),
        targets=(500, None),
    )


def of_paths(asked: Query, about: str) -> Iterator[Race]:
    """Integrated gradients at the same nodes; DeepLIFT, which has nothing to tune."""
    network, x, classes = asked.subject.network, asked.inputs, asked.classes
    integrated, lifted, reference = (
        captum.attr.IntegratedGradients(network),
        captum.attr.DeepLift(network),
        reference_inputs(asked),
    )

    def theirs(batch: int | None) -> Call:
        return lambda: integrated.attribute(
            x, reference, target=classes, n_steps=STEPS, method="riemann_middle", internal_batch_size=batch
        )

    def passes() -> Tensor:
        at = x.repeat(STEPS, 1).split(2048)
        return torch.cat([_slopes(network, part.clone().requires_grad_()) for part in at])

    yield Race(
        title=f"integrated gradients, {STEPS} nodes, {len(x)} × {x.shape[1]}, {about}",
        ours=ours(asked, method("integrated_gradients", n_steps=STEPS, max_steps=STEPS)),
        theirs=theirs(None),
        grid={f"internal_batch_size={b}": theirs(b) for b in (256, 512, 1024, 4096)},
        floor=passes,
        targets=(15, 6),
    )
    yield Race(
        title=f"DeepLIFT, {len(x)} × {x.shape[1]}, {about}",
        ours=ours(asked, method("deep_lift")),
        theirs=lambda: lifted.attribute(x, reference, classes),
    )


def _slopes(network: nn.Module, leaf: Tensor) -> Tensor:
    return torch.autograd.grad(network(leaf)[:, 1].sum(), leaf)[0]


if __name__ == "__main__":
    main(__doc__ or "", races)
