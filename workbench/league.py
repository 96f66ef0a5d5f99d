"""The league of a model: methods by metrics, as means with intervals and the ranks that these allow."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from workbench.record import Record

CATEGORIES = ("axiomatic", "faithfulness", "localisation", "robustness", "randomisation", "complexity")
"""The order of columns: what a method promises, then what the model does, then what the data knows."""


@dataclass(frozen=True, kw_only=True, eq=False)
class League(Record):
    """What every metric said of every method on the same samples of one model; controls are the last methods.

    `mean`, `low`, `high` (method, metric) with 95 % bootstrap intervals over samples, NaN where nothing was measured.
    `rank` is 1 + the number of methods that are clearly better (the 95 % interval of the paired difference leaves zero
    out), 0 where nothing was measured. `against` is 1 where a method is clearly better than every control, −1 where it
    is clearly worse than one of them, 0 otherwise; controls have 0. `counts` says how many samples were scored.
    `settings` holds a digest of the settings of each method and metric, `digest` that of the weights: when either is
    another, the league is of something else than what there is.
    """

    name = "league"
    shapes = {
        **dict.fromkeys(("methods", "method_titles", "controls", "milliseconds", "passes"), "method"),
        **dict.fromkeys(("metrics", "metric_titles", "categories", "units", "higher_is_better"), "metric"),
        **dict.fromkeys(("mean", "low", "high", "rank", "against", "counts"), "method metric"),
    }
    subject: str
    methods: tuple[str, ...]
    method_titles: tuple[str, ...]
    controls: tuple[bool, ...]
    metrics: tuple[str, ...]
    metric_titles: tuple[str, ...]
    categories: tuple[str, ...]
    units: tuple[str, ...]
    higher_is_better: tuple[bool, ...]
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    rank: np.ndarray
    against: np.ndarray
    counts: np.ndarray
    milliseconds: np.ndarray
    passes: np.ndarray
    note: str = ""
    task: str = ""
    kind: str = ""
    digest: str = ""
    samples: str = ""
    seed: int = 0
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def measured_categories(self) -> tuple[str, ...]:
        """The categories in which anything was measured, in their order."""
        found = {self.categories[column] for column in np.flatnonzero((self.rank > 0).any(0))}
        return (*(name for name in CATEGORIES if name in found), *sorted(found.difference(CATEGORIES)))

    def columns(self, category: str) -> list[int]:
        """Places of the metrics of one category in which anything was measured."""
        return [
            place
            for place, own in enumerate(self.categories)
            if own == category and bool((self.rank[:, place] > 0).any())
        ]


def in_order(category: str, metric: str) -> tuple[int, str]:
    """A key that puts metrics in the order of their categories."""
    return (CATEGORIES.index(category) if category in CATEGORIES else len(CATEGORIES), metric)
