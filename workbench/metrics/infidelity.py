"""Infidelity."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from workbench.chance import per_sample
from workbench.query import Query
from workbench.records import Attribution, Score
from workbench.removal import Answers
from workbench.scoring import AbstractMetric, over_inputs
from workbench.settings import setting
from workbench.subject import Subject
from zoo.task import Kind, Samples, Task

BLOCK = 16
"""Samples whose noise exists at once."""
LEAST = 1e-6
"""Of |f(x)|: mean changes of f that are smaller are what float32 leaves of nothing."""


@dataclass(frozen=True, kw_only=True)
class Infidelity(AbstractMetric):
    """How badly the attributions, as slopes, foretell what a little noise on the input does to f.

    min_{β ≥ 0} E_I [(β Iᵀa - (f(x) - f(x - I)))²] / E_I [(f(x) - f(x - I))²],  I Gaussian, f as it was explained

    0 for the gradient of a linear model, 1 for a map that foretells nothing. The best scale β is allowed, since maps
    are drawn without one. The noise is a share of the training inputs' standard deviation (of tables, each column's).
    Lower is better; the control is Gaussian noise in place of the map.

    When it misleads: it asks for slopes, so a map of contributions, slope times input, scores high without being wrong;
    and trees, which are flat nearly everywhere, do not move under a little noise. Text has no noise and is left out.
    Reference: [yeh2019infidelity]
    """

    name = "infidelity"
    title = "Infidelity"
    category = "faithfulness"
    higher_is_better = False
    unit = "share"

    noise: float = setting(0.1, low=1e-4, high=10, help="Of the noise, in standard deviations of the training inputs")
    n_draws: int = setting(64, low=2, high=100_000, help="Noisy inputs of each sample")
    n_maps: int = setting(20, low=1, high=1000, help="Random maps of each sample, the control")
    seed: int = setting(0, low=0, high=2**31 - 1, help="Of the noise, and of the control")

    def why_not(self, samples: Samples, attribution: Attribution) -> str | None:
        if not samples.inputs.is_floating_point():
            return "words cannot be changed a little. Use the faithfulness correlation on text."
        return None

    def score(self, subject: Subject, samples: Samples, attribution: Attribution) -> Score:
        self.require(samples, attribution)
        query = Query(subject, samples, torch.tensor(attribution.classes), attribution.target.output)
        changes = _changes(self, Answers(query))
        own = torch.tensor(over_inputs(attribution, subject.task.axes)).flatten(1).double()
        found = [self._block(query, own, changes, rows) for rows in torch.arange(len(samples)).split(BLOCK)]
        values = torch.cat(found).numpy()
        why = "f did not change under the noise, so there was nothing to foretell"
        return self.record(attribution, values[:, 0], values[:, 1:], np.isfinite(values).all(1), why)

    def _block(
        self, query: Query, own: Float[Tensor, "sample entry"], changes: Tensor, rows: Int[Tensor, "row"]
    ) -> Float[Tensor, "row map"]:
        ids = tuple(query.samples.ids[row] for row in rows.tolist())
        shape = (self.n_maps, own.shape[1])
        random = per_sample(lambda chance: torch.randn(shape, generator=chance), ids, self.seed, "random map")
        maps = torch.cat((own[rows, None], random.double()), 1)
        size = maps.norm(dim=-1, keepdim=True)
        said = (maps / torch.where(size > 0, size, 1)) @ self.drawn(query, rows).flatten(2).double().mT
        change = changes[rows, None]
        power, square = (change**2).sum(-1), (said**2).sum(-1)
        scale = ((said * change).sum(-1) / torch.where(square > 0, square, 1)).clamp(min=0)
        left = ((scale[..., None] * said - change) ** 2).sum(-1)
        return torch.where(power > 0, left / torch.where(power > 0, power, 1), torch.nan)

    def drawn(self, query: Query, rows: Int[Tensor, "row"]) -> Float[Tensor, "row draw ..."]:
        """The noise I of some samples."""
        shape = (self.n_draws, *query.inputs.shape[1:])
        ids = tuple(query.samples.ids[row] for row in rows.tolist())
        noise = per_sample(lambda chance: torch.randn(shape, generator=chance), ids, self.seed, "noise")
        return self.noise * _deviation(query.subject.task) * noise


@lru_cache(maxsize=32)
def _changes(metric: Infidelity, answers: Answers) -> Float[Tensor, "sample draw"]:
    """f(x) - f(x - I), which does not depend on the attribution; 0 where f moves by less than float32 can tell."""
    query = answers.query
    found = []
    for rows in torch.arange(len(query.inputs)).split(BLOCK):
        noisy = (query.inputs[rows, None] - metric.drawn(query, rows)).flatten(0, 1)
        found.append(query.values(noisy, rows.repeat_interleave(metric.n_draws)).double().view(len(rows), -1))
    f = query.values(query.inputs).double()[:, None]
    changes = f - torch.cat(found)
    return torch.where((changes**2).mean(1, keepdim=True).sqrt() > LEAST * f.abs(), changes, 0)


@lru_cache(maxsize=32)
def _deviation(task: Task) -> Tensor:
    training = task.samples("train").inputs
    return training.std(0) if task.kind is Kind.TABLE else training.std()
