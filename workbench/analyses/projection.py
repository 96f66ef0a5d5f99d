"""Where the model puts samples: a map in two dimensions."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from workbench.analysis import AbstractAnalysis
from workbench.records import Embedding
from workbench.settings import setting
from workbench.subject import Subject, chunked, to_numpy
from workbench.weights import shared_copy
from zoo.errors import InputError
from zoo.task import Kind, Samples

SOURCES = ("representation", "logits", "inputs")


@dataclass(frozen=True, kw_only=True)
class Projection(AbstractAnalysis):
    """The samples along the directions in which they differ most (principal components).

    p_s = Vᵀ(h_s − h̄), with V the leading right singular vectors of the centred rows h; share_k = σ_k² / Σ_j σ_j²

    h is the representation: what goes into the linear layer that gives the logits, where the network ends in one, and
    the logits where it does not or is a traditional model; or the logits or inputs themselves. The title says which.
    Each axis points to where the component's largest entry is positive.

    When it misleads: two axes hold only the share of the variance that is written on them; what lies apart in the
    rest is drawn together. Distances here are not how the model separates classes.
    Reference: [pearson1901lines]
    """

    name = "projection"
    title = "Projection"

    of: str = setting("representation", choices=SOURCES, help="What of each sample is projected")

    def run(self, subject: Subject, samples: Samples) -> Embedding:
        if len(samples) < 3:
            raise InputError(f"A projection needs at least 3 samples; {len(samples)} were given. Try test:0:100.")
        self._require(subject, samples)
        rows, source = self._rows(subject, samples)
        points, share = _principal(rows.double().cpu())
        names = subject.task.classes
        return Embedding(
            title=f"{subject.name}: {len(samples):,} samples by their {source}",
            provenance={**self.origin(subject, samples), "projected": source, "dimensions": rows.shape[1]},
            points=to_numpy(points),
            labels=tuple(names[i] if i >= 0 else "not known" for i in samples.labels.tolist()),
            ids=samples.ids,
            share=to_numpy(share),
        )

    def _rows(self, subject: Subject, samples: Samples) -> tuple[Float[Tensor, "sample feature"], str]:
        if self.of == "inputs":
            if subject.task.kind is Kind.TEXT:
                raise InputError("Token ids have no distances to project. Choose 'representation' or 'logits'.")
            return samples.inputs.flatten(1), "inputs"
        if self.of == "representation" and isinstance(subject.model, nn.Module):
            found = _representation(subject, samples.inputs)
            if found is not None:
                return found, "representation before the last layer"
        return subject.logits(samples.inputs), "logits"


def _representation(subject: Subject, inputs: Shaped[Tensor, "sample ..."]) -> Float[Tensor, "sample feature"] | None:
    """What enters the linear layer whose output is the logits; None where there is no such layer.

    The hooks sit on a copy that only this call holds, and shares its weights.
    """
    copied = shared_copy(subject.network)
    seen: list[tuple[Tensor, Tensor]] = []
    for module in copied.modules():
        if isinstance(module, nn.Linear):
            module.register_forward_hook(lambda _, given, output: seen.append((given[0], output)))

    def forward(rows: slice) -> Tensor:
        seen.clear()
        subject.meter.add(forward=len(inputs[rows]))
        with torch.no_grad():
            logits = copied(inputs[rows].to(subject.device))
        ends = [given for given, output in seen if output is logits and given.ndim == 2]
        return ends[-1] if ends else torch.empty(len(logits), 0)

    rows = chunked(forward, len(inputs), inputs[0].numel())
    return rows if rows.shape[1] else None


def _principal(
    rows: Float[Tensor, "sample feature"],
) -> tuple[Float[Tensor, "sample direction"], Float[Tensor, "direction"]]:
    """The coordinates along two principal components, and each one's share of the variance (0 where there is none)."""
    _, spread, components = torch.linalg.svd(rows - rows.mean(0), full_matrices=False)
    leading = components[:2]
    largest = leading.gather(1, leading.abs().argmax(1, keepdim=True))
    points = (rows - rows.mean(0)) @ (leading * largest.sign()).T
    share = spread[:2].square() / spread.square().sum().clamp_min(torch.finfo(torch.float64).tiny)
    missing = 2 - len(leading)
    return nn.functional.pad(points, (0, missing)), nn.functional.pad(share, (0, missing))
