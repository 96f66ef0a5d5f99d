"""On images and text: methods of the zoo's convolutional network and transformer against Captum and shap.

    python -m bench.methods [--rounds 5] [--threads 1] [--only occlusion]

Both sides get the same network, inputs, classes and reference inputs: 16 images of cnn_shapes, 16 sentences of
transformer_sst2. Captum runs as it comes and at its best setting, which is searched for over a grid first.
"""

import importlib.util
from collections.abc import Callable, Iterator
from functools import cache, partial

import captum.attr
import torch
from torch import Tensor, nn

import workbench
from bench.race import Call, Race, main, off
from workbench.contributions import contributions
from workbench.explanation import AbstractMethod, explain, explain_classes, method
from workbench.noise import scale
from workbench.query import Query
from workbench.records import Output, Target
from workbench.reference_inputs import reference_inputs

BATCHES = (64, 256, 1024)
STEPS, COALITIONS, REFERENCES, COPIES = 50, 512, 16, 32
ALLOWED = 0.01
"""Completeness gap, relative: that of the worst sample."""


def races() -> Iterator[Race]:
    """The jobs, on images and then on text."""
    images = asked("cnn_shapes", 16)
    yield from of_gradients(images)
    yield from of_nodes(images)
    yield from of_gaps(images)
    yield from of_windows(images)
    yield from of_groups(images)
    yield from of_references(images)
    yield from of_gaps(asked("transformer_sst2", 16))
    yield from of_classes("mlp_digits", "gradient", 32)
    yield from of_classes("cnn_digits", "gradient", 32)
    yield from of_classes("cnn_digits", "kernel_shap", 4)


def asked(name: str, count: int) -> Query:
    """The logit of the predicted class of the first samples."""
    subject = workbench.load(name, device="cpu")
    samples = subject.task.select(f"0:{count}")
    return Query(subject, samples, subject.logits(samples.inputs).argmax(-1), Output.LOGIT)


def ours(query: Query, chosen: AbstractMethod) -> Call:
    """Our call, on a query of its own so that nothing is remembered from the last."""
    return lambda: chosen.attribute(Query(query.subject, query.samples, query.classes, query.output))


def of_gradients(query: Query) -> Iterator[Race]:
    """One forward and one backward pass, alone or of noisy copies: there is nothing to gain."""
    network, x, classes = query.subject.network, query.inputs, query.classes

    def leaf() -> Tensor:
        return x.clone().requires_grad_()

    def saliency() -> Tensor:
        return captum.attr.Saliency(network).attribute(leaf(), target=classes, abs=False)

    def times_input() -> Tensor:
        return captum.attr.InputXGradient(network).attribute(leaf(), target=classes)

    tunnel, sigma = captum.attr.NoiseTunnel(captum.attr.Saliency(network)), 0.15 * float(scale(query.subject))

    def smooth(at_once: int | None) -> Call:
        return lambda: tunnel.attribute(
            leaf(), nt_samples=COPIES, nt_samples_batch_size=at_once, stdevs=sigma, target=classes, abs=False
        )

    yield Race(title="gradient, CNN", ours=ours(query, method("gradient")), theirs=saliency)
    yield Race(title="input × gradient, CNN", ours=ours(query, method("input_x_gradient")), theirs=times_input)
    yield Race(
        title=f"SmoothGrad, CNN, {COPIES} copies",
        ours=ours(query, method("smoothgrad", n_samples=COPIES)),
        theirs=smooth(None),
        grid={f"nt_samples_batch_size={n}": smooth(n) for n in (2, 4, 8)},
        floor=slopes(network, x.repeat(COPIES, 1, 1, 1)),
        error=off(cache(ours(query, method("smoothgrad", n_samples=1000, seed=1)))),
    )


def slopes(network: nn.Module, points: Tensor) -> Call:
    """A bare forward and backward pass of each row, 64 at a time."""

    def passes() -> Tensor:
        leaves = [part.clone().requires_grad_() for part in points.split(64)]
        return torch.cat([torch.autograd.grad(network(leaf)[:, 0].sum(), leaf)[0] for leaf in leaves])

    return passes


def forwards(network: nn.Module, inputs: Tensor) -> Call:
    """A bare forward pass of each row, 64 at a time."""

    def passes() -> Tensor:
        with torch.no_grad():
            return torch.cat([network(part) for part in inputs.split(64)])

    return passes


def of_nodes(query: Query) -> Iterator[Race]:
    """Integrated gradients at the same 50 nodes."""
    network, x, reference = query.subject.network, query.inputs, reference_inputs(query)
    peer = captum.attr.IntegratedGradients(network)

    def theirs(batch: int | None) -> Call:
        return lambda: peer.attribute(
            x, reference, target=query.classes, n_steps=STEPS, method="riemann_middle", internal_batch_size=batch
        )

    yield Race(
        title=f"integrated gradients, CNN, {STEPS} nodes",
        ours=ours(query, method("integrated_gradients", n_steps=STEPS, max_steps=STEPS)),
        theirs=theirs(None),
        grid={f"internal_batch_size={b}": theirs(b) for b in BATCHES},
        floor=slopes(network, x.repeat(STEPS, 1, 1, 1)),
    )


def of_gaps(query: Query) -> Iterator[Race]:
    """Integrated gradients until the worst completeness gap is below 1 %: Captum with as many steps as it needs."""
    subject, start = query.subject, query.subject.points(reference_inputs(query))
    f = [query.values(inputs) for inputs in (query.inputs, reference_inputs(query))]
    peer = captum.attr.IntegratedGradients(subject.network if query.mask is None else _from_embedding(query))
    given = None if query.mask is None else query.mask

    def theirs(steps: int, batch: int) -> Call:
        return lambda: peer.attribute(
            query.points,
            start,
            target=query.classes,
            additional_forward_args=given,
            n_steps=steps,
            internal_batch_size=batch,
        )

    def gap(values: Tensor) -> float:
        wanted = (f[0] - f[1]).double()
        return float(((values.double().flatten(1).sum(1) - wanted) / wanted).abs().max())

    steps = 8
    while gap(theirs(steps, 256)()) > ALLOWED and steps < 2000:
        steps = int(1.25 * steps)
    kind = "CNN" if query.mask is None else "transformer"
    yield Race(
        title=f"integrated gradients, {kind}, gap below {100 * ALLOWED:g} %",
        ours=ours(query, method("integrated_gradients", tolerance=ALLOWED)),
        theirs=theirs(steps, 256),
        grid={f"{steps} nodes, internal_batch_size={b}": theirs(steps, b) for b in BATCHES},
        error=gap,
        targets=(3, 3),
    )


def _from_embedding(query: Query) -> Callable[[Tensor, Tensor], Tensor]:
    return query.subject.network.from_embedding  # type: ignore[return-value]


def of_windows(query: Query) -> Iterator[Race]:
    """Occlusion by the same windows."""
    network, x, reference = query.subject.network, query.inputs, reference_inputs(query)
    peer = captum.attr.Occlusion(network)

    def theirs(window: int, at_once: int) -> Call:
        sizes, strides = (x.shape[1], window, window), (x.shape[1], window // 2, window // 2)
        return lambda: peer.attribute(
            x, sizes, strides, baselines=reference, target=query.classes, perturbations_per_eval=at_once
        )

    for window in (4, 8):
        count = len(method("occlusion", window=window).windows(*x.shape[-2:]))  # type: ignore[attr-defined]
        yield Race(
            title=f"occlusion, CNN, {count} windows of {window} pixels",
            ours=ours(query, method("occlusion", window=window)),
            theirs=theirs(window, 1),
            grid={f"perturbations_per_eval={n}": theirs(window, n) for n in (2, 4, 8, 16)},
            floor=forwards(network, x.repeat(count, 1, 1, 1)),
            targets=(5, 1.3),
        )


def of_groups(query: Query) -> Iterator[Race]:
    """Feature ablation and kernel SHAP of the same 64 patches; a patch's value is its entries' sum."""
    network, x, reference, groups = query.subject.network, query.inputs, reference_inputs(query), query.groups[:1]
    size = int((groups == 0).sum())
    ablated, peer = captum.attr.FeatureAblation(network), captum.attr.KernelShap(network)

    def without(at_once: int) -> Call:
        return lambda: ablated.attribute(
            x, reference, query.classes, feature_mask=groups, perturbations_per_eval=at_once
        )

    def shapley(at_once: int) -> Call:
        return lambda: peer.attribute(
            x, reference, query.classes, feature_mask=groups, n_samples=COALITIONS, perturbations_per_eval=at_once
        )

    yield Race(
        title="feature ablation, CNN, 64 patches",
        ours=whole(ours(query, method("feature_ablation")), size),
        theirs=without(1),
        grid={f"perturbations_per_eval={n}": without(n) for n in (2, 4, 8, 16)},
        floor=forwards(network, x.repeat(64, 1, 1, 1)),
        targets=(5, 1.3),
    )
    yield Race(
        title=f"kernel SHAP, CNN, 64 patches, {COALITIONS} coalitions",
        ours=whole(ours(query, method("kernel_shap", n_samples=COALITIONS)), size),
        theirs=shapley(1),
        grid={f"perturbations_per_eval={n}": shapley(n) for n in (16, 64)},
        floor=forwards(network, x.repeat(COALITIONS, 1, 1, 1)),
        error=off(cache(whole(ours(query, method("kernel_shap", n_samples=6_000)), size))),
    )


def whole(call: Call, size: int) -> Call:
    """Of entries that share their group's value equally: that value."""
    return lambda: call() * size


def of_references(query: Query) -> Iterator[Race]:
    """DeepLIFT SHAP over the same references for all samples. The error is the worst completeness gap."""
    network, x, classes = query.subject.network, query.inputs, query.classes
    drawn = query.subject.task.samples("train").inputs[:REFERENCES]
    rows = torch.arange(len(x)).repeat_interleave(REFERENCES)
    peer = captum.attr.DeepLiftShap(network)
    f = query.values(x) - query.values(drawn.repeat(len(x), 1, 1, 1), rows).view(len(x), -1).mean(1)

    def own() -> Tensor:
        asked = Query(query.subject, query.samples, classes, query.output)
        return contributions(asked, drawn[None], torch.arange(len(x))).mean(1)

    def theirs() -> Tensor:
        return peer.attribute(x.clone(), drawn, target=classes)

    def gap(values: Tensor) -> float:
        return float(((values.double().flatten(1).sum(1) - f) / f).abs().max())

    race = partial(
        Race, title=f"DeepLIFT SHAP, CNN, {REFERENCES} references", ours=own, floor=slopes(network, x[rows]), error=gap
    )
    yield race(theirs=theirs, targets=(3, None))
    if importlib.util.find_spec("shap"):
        yield race(peer="shap", theirs=deep_explainer(network, drawn, x), targets=(1, None))


def deep_explainer(network: nn.Module, drawn: Tensor, x: Tensor) -> Call:
    """shap's deep explainer, for the predicted class alone."""
    import shap

    explainer = shap.DeepExplainer(network, drawn)

    def theirs() -> Tensor:
        found, _ = explainer.shap_values(x, ranked_outputs=1, check_additivity=False)
        return torch.as_tensor(found)[..., 0]

    return theirs


def of_classes(name: str, of: str, count: int) -> Iterator[Race]:
    """All ten classes of as many images: ours at once and, as the peer, ours one class after the other."""
    query, chosen = asked(name, count), method(of)
    classes = range(len(query.subject.task.classes))

    def one_by_one() -> Tensor:
        records = [explain(query.subject, query.samples, chosen, Target(of=index)) for index in classes]
        return torch.cat([torch.from_numpy(record.values) for record in records])

    def at_once() -> Tensor:
        records = explain_classes(query.subject, query.samples, chosen)
        return torch.cat([torch.from_numpy(record.values) for record in records])

    yield Race(
        title=f"{len(classes)} classes at once, {name}, {chosen.title.lower()}",
        peer="one by one",
        ours=at_once,
        theirs=one_by_one,
        targets=(1.7, None),
    )


if __name__ == "__main__":
    main(__doc__ or "", races)
