"""Agreement with independent packages on the same networks, inputs and references: shap, zennit, Captum.

    python -m bench.agreement

Everything is computed in float64 but for trees. The figure is the largest difference as a share of the largest value,
over all inputs, and where it was asked for the correlation. What is not installed is said so. Networks have seeded
weights; a rule that one side lacks, or that it defines in another way, stands below the table.
"""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

import workbench
import zoo
from bench.race import release
from bench.tables import query as on_columns
from workbench.contributions import contributions
from workbench.explanation import explain, method
from workbench.query import Query
from workbench.records import Output, Target
from workbench.subject import Subject

HEADING = "| package | quantity | network | differs by | correlation | allowed |\n|---|---|---|--:|--:|--:|"
CLOSE, REFERENCES, SAMPLES = 1e-5, 8, 12
NOTES = """
Where the two sides differ, and who is right:

- A maximum behind a rectifier: Captum's answer does not add up (its issue 1104), shap's does.
- zennit merges batch normalisation into the layer before it only when told to (SequentialMergeBatchNorm), and then
  leaves a division by sqrt(1 + 1e-5) in its place, which changes the network's output by 4e-6 and LRP by 1.4e-4; so
  it is given networks that torch has merged. LRP here merges by itself. zennit has the w² rule, which is not offered
  here; its box is for convolutions alone.
- shap rounds the thresholds of trees to float32. Samples with a value between a threshold and what it is rounded to are
  left out: there, enumerating all coalitions by scikit-learn's own answers gives our values.
"""


def main() -> None:
    """Print a row for each quantity."""
    print(__doc__.splitlines()[0] if __doc__ else "", f"\n\n{HEADING}")
    for package, compare in (("captum", of_captum), ("shap", of_shap), ("zennit", of_zennit)):
        if not release(package):
            print(f"| {package} | not installed | | | | |")
            continue
        for row in compare():
            print(f"| {package} {release(package)} | {row}", flush=True)
    print(NOTES)


def network(kind: str) -> nn.Module:
    """A seeded network for digits, in float64: "mlp", "cnn" (means), "cnn max" (maxima), "cnn bn" (normalised) and
    "cnn merged", the same function without normalisation."""
    pool = nn.MaxPool2d(2) if kind == "cnn max" else nn.AvgPool2d(2)

    def norm(width: int) -> list[nn.Module]:
        return [nn.BatchNorm2d(width)] if kind in ("cnn bn", "cnn merged") else []

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        if kind == "mlp":
            dense = [nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 10)]
            return nn.Sequential(nn.Flatten(), *dense).double()
        first = [nn.Conv2d(1, 8, 3, padding=1), *norm(8), nn.ReLU()]
        second = [nn.Conv2d(8, 16, 3, padding=1), *norm(16), nn.ReLU(), pool]
        made = nn.Sequential(*first, *second, nn.Flatten(), nn.Linear(256, 32), nn.ReLU(), nn.Linear(32, 10))
        for module in made.modules():
            if isinstance(module, nn.BatchNorm2d):
                assert module.running_mean is not None, "it keeps track of its statistics"
                assert module.running_var is not None
                module.running_mean.normal_(0, 0.2)
                module.running_var.uniform_(0.5, 2)
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.normal_(module.bias, 0, 0.2)
    made = made.double().eval()
    return _merged(made) if kind == "cnn merged" else made


def _merged(network: nn.Sequential) -> nn.Sequential:
    """With each normalisation made part of the convolution before it, by torch."""
    found: list[nn.Module] = []
    for module in network:
        if isinstance(module, nn.BatchNorm2d):
            found[-1] = nn.utils.fusion.fuse_conv_bn_eval(found[-1], module)  # type: ignore[arg-type,type-var]
        else:
            found.append(module)
    return nn.Sequential(*found)


def asked(kind: str) -> Query:
    """The logit of the predicted class of some digits."""
    subject = Subject(network(kind), zoo.task("digits"))
    samples = subject.task.samples("test").take(range(SAMPLES))
    return Query(subject, samples, subject.logits(samples.inputs).argmax(-1), Output.LOGIT)


def row(quantity: str, where: str, ours: Tensor, theirs: Tensor, allowed: str = f"{CLOSE:.0e}") -> str:
    """One line of the table."""
    ours, theirs = ours.detach().double().flatten(), theirs.detach().double().flatten()
    apart = float((ours - theirs).abs().max() / theirs.abs().max())
    r = np.corrcoef(ours.numpy(), theirs.numpy())[0, 1]
    return f"{quantity} | {where} | {apart:.1e} | {r:.7f} | {allowed} |"


def references(query: Query) -> Tensor:
    """Digits that both sides take as what is missing."""
    return query.subject.points(query.subject.task.samples("train").inputs[:REFERENCES])


def deep_lift_shap(query: Query) -> Tensor:
    """Ours over references that are the same for all samples."""
    return contributions(query, references(query)[None], torch.arange(SAMPLES)).mean(1)


def gap(query: Query, values: Tensor) -> str:
    """How far values are from adding up, at worst."""
    rows = torch.arange(SAMPLES).repeat_interleave(REFERENCES)
    f_reference = query.values(references(query).repeat(SAMPLES, 1, 1, 1), rows).view(SAMPLES, -1).mean(1)
    f = query.values(query.points) - f_reference
    return f"gap {float(((values.double().flatten(1).sum(1) - f) / f).abs().max()):.0e}"


def of_captum() -> Iterator[str]:
    """DeepLIFT SHAP, which Captum gets right where no maximum follows a rectifier."""
    import captum.attr

    for kind in ("mlp", "cnn", "cnn bn", "cnn max"):
        query, ours = asked(kind), deep_lift_shap(asked(kind))
        peer = captum.attr.DeepLiftShap(network(kind))
        theirs = peer.attribute(query.points.clone(), references(query), target=query.classes)
        allowed = f"{CLOSE:.0e}" if kind != "cnn max" else f"its flaw: {gap(query, theirs)}, ours {gap(query, ours)}"
        yield row("DeepLIFT SHAP", kind, ours, theirs, allowed)


def of_shap() -> Iterator[str]:
    """DeepLIFT SHAP, exact Shapley values, and those of trees with one reference."""
    import shap

    for kind in ("mlp", "cnn", "cnn bn", "cnn max"):
        query, ours = asked(kind), deep_lift_shap(asked(kind))
        explainer = shap.DeepExplainer(network(kind), references(query))
        found, _ = explainer.shap_values(query.points, ranked_outputs=1, check_additivity=False)
        theirs = torch.as_tensor(found)[..., 0]
        allowed = "r > 0.9999" if kind != "cnn max" else f"{gap(query, theirs)}, ours {gap(query, ours)}"
        yield row("DeepLIFT SHAP (DeepExplainer)", kind, ours, theirs, allowed)
    yield _exact_of_shap()
    for name, output in (
        ("tree_breast_cancer", Output.PROBABILITY),
        ("forest_breast_cancer", Output.PROBABILITY),
        ("boosting_breast_cancer", Output.MARGIN),
    ):
        yield _trees_of_shap(name, output)


def _exact_of_shap() -> str:
    import shap

    columns = on_columns(7, SAMPLES).doubled()
    answer = _answering(columns)
    masker = shap.maskers.Independent(np.zeros((1, 7)), max_samples=1)
    theirs = shap.explainers.Exact(answer, masker)(columns.points.numpy(), silent=True).values
    return row("exact Shapley (Exact)", "mlp", method("exact_shapley").attribute(columns), torch.as_tensor(theirs))


def _answering(query: Query) -> Callable[[np.ndarray], np.ndarray]:
    def answer(rows: np.ndarray) -> np.ndarray:
        return query.subject.logits(torch.as_tensor(rows))[:, 1].numpy()

    return answer


def _trees_of_shap(name: str, output: Output) -> str:
    import shap

    subject = workbench.load(name)
    samples = subject.task.samples("test").take(range(SAMPLES))
    chosen = method("tree_shap", unit="entry")
    ours = explain(subject, samples, chosen, Target(of=1, output=output)).values
    absent = chosen.reference(Query(subject, samples, samples.labels, output))  # type: ignore[attr-defined]
    raw = "raw" if output is Output.MARGIN else "probability"
    same = ~(_between(subject, samples.inputs) | _between(subject, absent))
    theirs = []
    for x, background in zip(samples.inputs[same].double().numpy(), absent[same].double().numpy(), strict=True):
        explainer = shap.TreeExplainer(subject.model.fitted, background[None], model_output=raw)  # type: ignore[union-attr]
        found = np.asarray(explainer.shap_values(x[None], check_additivity=False))
        theirs.append(found[0, :, 1] if found.ndim == 3 else found[0])
    quantity = f"tree SHAP (TreeExplainer), {len(theirs)} of {SAMPLES} samples"
    return row(quantity, name, torch.tensor(ours)[same], torch.tensor(np.stack(theirs)))


def _between(subject: Subject, inputs: Tensor) -> Tensor:
    """Which inputs have a value between a threshold of the trees and what it is in float32."""
    trees = subject.model.structure()  # type: ignore[union-attr,operator]
    asks = trees.left >= 0
    values, threshold = inputs.double().numpy()[:, trees.feature[asks]], trees.threshold[asks]
    return torch.tensor(((values <= threshold) != (values <= np.float32(threshold))).any(1))


def of_zennit() -> Iterator[str]:
    """Each composite of LRP on each network."""
    from zennit.composites import EpsilonAlpha2Beta1, EpsilonGammaBox, EpsilonPlus, EpsilonPlusFlat, LayerMapComposite
    from zennit.composites import layer_map_base as base
    from zennit.rules import Epsilon, Gamma
    from zennit.types import Linear

    def everywhere(rule):  # type: ignore[no-untyped-def]
        return LayerMapComposite([*base(), (Linear, rule)])

    train = zoo.task("digits").samples("train").inputs
    low, high = (torch.full((1, 1, 8, 8), float(end), dtype=torch.float64) for end in (train.min(), train.max()))
    composites = {
        "epsilon": everywhere(Epsilon()),
        "gamma": everywhere(Gamma(0.25)),
        "epsilon_plus": EpsilonPlus(),
        "epsilon_plus_flat": EpsilonPlusFlat(),
        "alpha2_beta1": EpsilonAlpha2Beta1(),
        "epsilon_gamma_box": EpsilonGammaBox(low, high),
    }
    for rule, chosen in composites.items():
        for kind in ("mlp", "cnn", "cnn bn", "cnn max"):
            if kind == "mlp" and rule == "epsilon_gamma_box":
                continue  # zennit's box is for convolutions
            query = asked(kind)
            theirs = _of_zennit(query, chosen, network("cnn merged" if kind == "cnn bn" else kind))
            yield row(f"LRP {rule}", kind, method("lrp", rule=rule).attribute(query), theirs)


def _of_zennit(query: Query, composite, module: nn.Module) -> Tensor:  # type: ignore[no-untyped-def]
    from zennit.attribution import Gradient

    chosen = torch.nn.functional.one_hot(query.classes, 10).double()
    with Gradient(module, composite) as attributor:
        _, relevance = attributor(query.points.clone(), partial(torch.mul, chosen))
    return relevance


if __name__ == "__main__":
    main()
