"""Tree SHAP, interventional."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from workbench.explanation import AbstractMethod, Claim
from workbench.perturbations import group_counts, spread
from workbench.query import Query
from workbench.records import Output
from workbench.reference_inputs import REFERENCE_INPUTS, reference_inputs
from workbench.settings import setting
from workbench.subject import read
from workbench.tree_games import tree_shares
from zoo.errors import InputError
from zoo.model import Capability, log_probabilities
from zoo.trees import MadeOfTrees, Sum, Trees


@dataclass(frozen=True, kw_only=True)
class TreeShap(AbstractMethod):
    """Exact Shapley values of groups of inputs of a model of trees, read off the trees and not off 2^M coalitions.

    φ_i = Σ over leaves l of value_l · w,  w = (p − 1)! n! / (p + n)! for i ∈ P,  −p! (n − 1)! / (p + n)! for i ∈ N

    On the way to leaf l, P are the p groups that only x passes and N the n groups that only x' passes: a mixture of x
    and x' arrives where all of P show x and all of N show x'. These are the values of `exact_shapley` with the same x'.
    What is explained must be the sum over the trees: the number of a regression; the class's probability of a forest
    (but for the clip at 1e-6 of its logarithm); the logit of boosting, or the margin where there are two classes. Of a
    single tree every output is.

    When it misleads: a tree jumps, so a feature that is hardly beyond a threshold gets as much as one far beyond, and
    the paths of x' mixed into x may be unlike any data.
    Reference: [lundberg2020local]
    """

    name = "tree_shap"
    title = "Tree SHAP"
    claims = frozenset({Claim.COMPLETENESS, Claim.DUMMY, Claim.SYMMETRY})
    needs = frozenset({Capability.TREES})

    unit: str = setting("group", choices=("group", "entry"), help="Who plays: the task's groups, or every entry alone")
    reference_input: str = setting("auto", choices=REFERENCE_INPUTS, help="What absent groups show")
    seed: int = setting(0, low=0, high=2**31 - 1, help="Of the reference inputs 'noise' and 'data'")

    def reference(self, query: Query) -> Tensor:
        return reference_inputs(query, self.reference_input, self.seed)

    def is_random(self) -> bool:
        return self.reference_input in ("noise", "data")

    def why_not(self, query: Query) -> str | None:
        trees = _trees(query)
        allowed = {Sum.NUMBER: set(Output), Sum.PROBABILITY: {Output.PROBABILITY}, Sum.LOGIT: {Output.LOGIT}}[
            trees.sums
        ]
        if trees.sums is Sum.LOGIT and len(trees.start) == 2:
            allowed = allowed | {Output.MARGIN}
        if trees.count == 1 or query.output in allowed:
            return None
        return (
            f"{self.title} explains what the {trees.count:,} trees of {query.subject.name} add up to, which is not the "
            f"{query.output.replace('_', ' ')}. Explain the {' or the '.join(sorted(allowed))}, or use kernel SHAP."
        )

    def attribute(self, query: Query) -> Float[Tensor, "sample ..."]:
        groups = query.groups if self.unit == "group" else _entries(query.inputs)
        trees, reference = _trees(query), self.reference(query)
        answers = _answers(trees, query)
        values = torch.zeros(len(groups), max(1, int(group_counts(groups).amax())), dtype=torch.float64)
        kinds, index = torch.unique(groups.flatten(1), dim=0, return_inverse=True)
        flat: list[np.ndarray] = [
            inputs.detach().cpu().flatten(1).numpy().astype(trees.precision) for inputs in (query.inputs, reference)
        ]
        for kind, layout in enumerate(kinds.numpy()):
            rows = (index == kind).nonzero()[:, 0].numpy()
            found = tree_shares(trees, flat[0][rows], flat[1][rows], answers, query.classes.numpy()[rows], layout)
            values[torch.from_numpy(rows), : found.shape[1]] = torch.from_numpy(found)
        return spread(values, groups).to(torch.float32)

    def cost(self, query: Query) -> tuple[int, int]:
        return 1, 0


def _trees(query: Query) -> Trees:
    model = query.subject.model
    if not isinstance(model, MadeOfTrees):
        raise InputError(
            f"{query.subject.name} says that it is made of trees, but has no method structure(). Give it one."
        )
    return model.structure()


def _entries(inputs: Tensor) -> Int[Tensor, "sample ..."]:
    return torch.arange(inputs[0].numel()).view(inputs.shape[1:]).expand(inputs.shape)


def _answers(trees: Trees, query: Query) -> Float[np.ndarray, "node class"]:
    """What each leaf adds to the scalar that is explained, for each class."""
    values = trees.values + trees.start if trees.count == 1 else trees.values
    classes = torch.arange(values.shape[1])
    if trees.count > 1 and query.output is Output.MARGIN and trees.sums is Sum.LOGIT:
        return values - values[:, ::-1]
    if trees.count > 1 or trees.sums is Sum.NUMBER:
        return values
    logits = log_probabilities(values) if trees.sums is Sum.PROBABILITY else torch.from_numpy(values)
    per_class = [read(logits, torch.full((len(logits),), int(c)), query.output) for c in classes]
    return torch.stack(per_class, 1).double().numpy()
