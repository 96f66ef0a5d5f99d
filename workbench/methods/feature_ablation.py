"""Feature ablation."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from workbench.explanation import AbstractMethod, Claim
from workbench.groups import GROUPS, feature_groups
from workbench.imputation import MISSING, Reference, imputed_values, imputer
from workbench.perturbations import group_counts, spread, window_values
from workbench.query import Query
from workbench.settings import setting
from zoo.task import Kind


@dataclass(frozen=True, kw_only=True)
class FeatureAblation(AbstractMethod):
    """How much the scalar falls when one group of features is missing.

    a_g = f(x) - E[f(x without g)], shared equally by the entries of g

    The groups are the task's (patches, words, columns) unless others are asked for, and do not overlap. The mean is
    over `n_draws` draws of the missing values where these are random; a reference input x' needs one.

    When it misleads: what a pair of groups does together (either alone suffices, say) is missed when they are taken out
    one at a time, and the answer is as much about what stands in for a group as about the group.
    Reference: [li2016understanding]
    """

    name = "feature_ablation"
    title = "Feature ablation"
    claims = frozenset({Claim.DUMMY, Claim.LINEARITY, Claim.SYMMETRY, Claim.IMPLEMENTATION_INVARIANCE})

    groups: str = setting("task", choices=GROUPS, help="What is taken out at once")
    n_groups: int = setting(0, low=0, high=4096, help="Superpixels or stretches of time, about; 0: 50 and 16")
    missing: str = setting("auto", choices=MISSING, help="What a missing group shows (on text: [MASK])")
    n_draws: int = setting(8, low=1, high=1000, help="Draws that are averaged, where missing values are random")
    seed: int = setting(0, low=0, high=2**31 - 1, help="Of missing values that are random")

    def is_random(self) -> bool:
        return self.missing in ("noise", "data", "road", "marginal", "conditional")

    def attribute(self, query: Query) -> Float[Tensor, "sample ..."]:
        groups = feature_groups(query, self.groups, self.n_groups)
        chosen, f_x = imputer(query, self.missing, self.seed), query.values(query.inputs).double()
        if (windows := _windows(query, groups)) is not None and isinstance(chosen, Reference):
            return spread(f_x[:, None] - window_values(query, windows, chosen.reference), groups).to(torch.float32)
        counts = group_counts(groups)
        rows = torch.arange(len(groups)).repeat_interleave(counts)
        which = torch.cat([torch.arange(int(count)) for count in counts])
        most = max(1, int(counts.amax()))

        def present(part: slice) -> Tensor:
            return which[part, None] != torch.arange(most)

        without = imputed_values(query, chosen, present, rows, groups, self.n_draws).double()
        per_group = torch.zeros(len(groups), most, dtype=torch.float64)
        per_group[rows, which] = f_x[rows] - without
        return spread(per_group, groups).to(torch.float32)

    def cost(self, query: Query) -> tuple[int, int]:
        draws = self.n_draws if self.missing in ("marginal", "conditional") else 1
        return 1 + draws * int(group_counts(feature_groups(query, self.groups, self.n_groups)).amax()), 0


def _windows(query: Query, groups: Int[Tensor, "sample ..."]) -> Bool[Tensor, "group height width"] | None:
    """Where each group lies, if it lies alike in all channels of all images (as patches do): a network of convolutions
    is then asked only for what changes."""
    if query.subject.task.kind is not Kind.IMAGE or not bool((groups == groups[:1, :1]).all()):
        return None
    return groups[0, 0] == torch.arange(int(groups.amax()) + 1)[:, None, None]
