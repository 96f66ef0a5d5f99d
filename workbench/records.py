"""The records: what every computation returns and every figure, table, report and lesson is made from.

A record is frozen, its arrays are read-only NumPy, its first array axis is the sample where there is one, and it
carries what is needed to make it again. Nothing in this file, and nothing that only reads records, knows a network.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any, Self

import numpy as np

from workbench.league import League  # noqa: F401 - one of the records
from workbench.record import AXES, Record
from workbench.table import Column, Table  # noqa: F401 - one of the records, and its columns
from workbench.target import Output, Target  # noqa: F401 - Output is one of the records' words

PER_SAMPLE = (  # noqa: SIM905
    "values classes class_names sample_ids inputs f_x f_reference predicted predicted_names probability labels "
    "label_names evidence tokens words texts"
).split()
"""Fields of `Attribution` whose first axis is the sample."""
ROUNDING = 1e-5
"""Of the larger of |f(x)| and |f(x')|: outputs in float32 do not differ by less in any way that means something."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Attribution(Record):
    """How much each input moved the explained scalar f.

    `values` (sample, …) over `axes`; `f_x` and `f_reference` the scalar at the input and at the reference input
    (NaN where the method has none); `classes` the class index that was explained for each sample, `class_names` its
    name. `inputs` are kept for drawing. `tokens` and `words` as in `zoo.task.Samples`. `steps` lists what was
    done to the values after the method returned them, in order. `probability` is that of the predicted class, and NaN
    where the model answers with a number.
    """

    name = "attribution"
    shapes = dict.fromkeys(PER_SAMPLE, "sample ...")
    values: np.ndarray
    axes: tuple[str, ...]
    method: str
    parameters: Mapping[str, Any]
    target: Target
    classes: np.ndarray
    class_names: tuple[str, ...]
    subject: str
    sample_ids: tuple[str, ...]
    inputs: np.ndarray
    f_x: np.ndarray
    f_reference: np.ndarray
    predicted: np.ndarray
    predicted_names: tuple[str, ...]
    probability: np.ndarray
    labels: np.ndarray
    label_names: tuple[str, ...]
    evidence: np.ndarray | None = None
    tokens: tuple[tuple[str, ...], ...] | None = None
    words: tuple[tuple[int, ...], ...] | None = None
    texts: tuple[str, ...] | None = None
    feature_names: tuple[str, ...] | None = None
    seed: int | None = None
    seconds: float = 0.0
    forward_passes: int = 0
    backward_passes: int = 0
    steps: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.axes[0] != "sample" or not AXES.issuperset(self.axes) or len(self.axes) != self.values.ndim:
            raise ValueError(f"Axes {self.axes} do not describe values of shape {self.values.shape}.")

    def __len__(self) -> int:
        return len(self.sample_ids)

    @property
    def completeness_gap(self) -> np.ndarray:
        """Σ a − (f(x) − f(x')) per sample; NaN where the method has no reference input x'."""
        return self.values.reshape(len(self), -1).sum(1, dtype=np.float64) - (self.f_x - self.f_reference)

    @property
    def relative_gap(self) -> np.ndarray:
        """|completeness gap| / |f(x) − f(x')| per sample; NaN where these are the same but for rounding."""
        difference = np.abs(self.f_x - self.f_reference)
        shared_out = difference > self.rounding
        return np.where(shared_out, np.abs(self.completeness_gap) / np.where(shared_out, difference, 1), np.nan)

    @property
    def rounding(self) -> np.ndarray:
        """The |f(x) − f(x')| per sample up to which these are the same but for rounding: nothing to share out."""
        return ROUNDING * np.maximum(np.abs(self.f_x), np.abs(self.f_reference))

    def sum(self, axis: str) -> Self:
        """The same attribution summed over an axis: keeps completeness."""
        return self._reduced(axis, np.sum, f"sum over {axis}")

    def norm(self, axis: str) -> Self:
        """The same attribution with an axis replaced by its Euclidean norm: loses the sign and completeness."""
        return self._reduced(axis, np.linalg.norm, f"norm over {axis}")

    def abs(self) -> Self:
        """The magnitudes: loses the sign and completeness."""
        return replace(self, values=np.abs(self.values), steps=(*self.steps, "absolute value"))

    def take(self, index: int) -> Self:
        """The record of one of its samples."""
        rows = slice(index, index + 1)
        picked = {
            entry.name: getattr(self, entry.name)[rows]
            for entry in fields(self)
            if entry.name in PER_SAMPLE and getattr(self, entry.name) is not None
        }
        return replace(self, **picked)

    def _reduced(self, axis: str, reduce: Callable[..., np.ndarray], step: str) -> Self:
        if axis == "sample" or axis not in self.axes:
            raise ValueError(f"{axis!r} is not an axis that can be reduced; this attribution has {self.axes[1:]}.")
        values = reduce(self.values, axis=self.axes.index(axis))
        return replace(self, values=values, axes=tuple(a for a in self.axes if a != axis), steps=(*self.steps, step))


@dataclass(frozen=True, kw_only=True, eq=False)
class Score(Record):
    """A metric's value for each sample, beside the same metric of a random control.

    `values` (sample,); `control` (sample, draw): the metric of several random attributions or orders of the same
    sample; `low` and `high` bound the mean of `values` with 95 % confidence over samples (NaN for one sample).
    `excluded` says how many samples were not scored, and `why`; `remark` what must be known of how the others were.
    """

    name = "score"
    shapes = {"values": "sample", "sample_ids": "sample", "control": "sample draw"}
    metric: str
    subject: str
    method: str
    category: str
    higher_is_better: bool
    unit: str
    values: np.ndarray
    control: np.ndarray
    sample_ids: tuple[str, ...]
    low: float = float("nan")
    high: float = float("nan")
    seed: int = 0
    parameters: Mapping[str, Any] = field(default_factory=dict)
    excluded: int = 0
    why: str = ""
    remark: str = ""

    @property
    def mean(self) -> float:
        return float(self.values.mean()) if self.values.size else float("nan")


class Grade(StrEnum):
    """How far an explanation can be trusted, by the stated rules of `evidence.py`."""

    SUPPORTED = "Supported"
    MIXED = "Mixed"
    NOT_SUPPORTED = "Not supported"


@dataclass(frozen=True, kw_only=True)
class Reason:
    """One check of an attribution: what was checked, whether it holds, and a sentence with its number."""

    check: str
    holds: bool
    sentence: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Evidence(Record):
    """What was measured about one sample's attribution, and the grade that follows from it.

    `remarks` decide nothing: the checks that could not be made, and why; agreement with other methods; the cost.
    """

    name = "evidence"
    subject: str
    method: str
    sample_id: str
    grade: Grade
    reasons: tuple[Reason, ...]
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Curve(Record):
    """Lines over a common abscissa: `y` (line, x), a `label` for each line, an optional `band` (2, x) behind them.

    `logarithmic` asks for a logarithmic scale of y; x is drawn linearly.
    """

    name = "curve"
    shapes = {"x": "x", "labels": "line", "y": "line x", "band": "bound x"}
    x: np.ndarray
    y: np.ndarray
    labels: tuple[str, ...]
    x_title: str
    y_title: str
    band: np.ndarray | None = None
    band_label: str = ""
    logarithmic: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Matrix(Record):
    """Numbers of one unit: `values` (row, column) with names for both."""

    name = "matrix"
    shapes = {"rows": "row", "columns": "column", "values": "row column"}
    values: np.ndarray
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    row_title: str
    column_title: str
    unit: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Surface(Record):
    """Loss over a plane through the weights: `loss` (y, x) at displacements `x` and `y` along two directions; `path`
    (step, 2) is a walk over it (None where there is none), `scale` what one unit of a displacement is.
    """

    name = "surface"
    shapes = {"x": "x", "y": "y", "loss": "y x", "path": "step axis"}
    loss: np.ndarray
    x: np.ndarray
    y: np.ndarray
    directions: str
    scale: str
    unit: str = "cross-entropy, nats"
    path: np.ndarray | None = None
    seed: int = 0


@dataclass(frozen=True, kw_only=True, eq=False)
class Embedding(Record):
    """Points (sample, axis) of a projection, the class of each, and the share of variance each axis explains."""

    name = "embedding"
    shapes = {"points": "sample axis", "labels": "sample", "ids": "sample", "share": "axis"}
    points: np.ndarray
    labels: tuple[str, ...]
    ids: tuple[str, ...]
    share: np.ndarray


@dataclass(frozen=True, kw_only=True, eq=False)
class Gallery(Record):
    """Samples of a task as they are: `inputs` (sample, …) over `axes`, what is said of each, and its evidence."""

    name = "gallery"
    shapes = dict.fromkeys(("inputs", "sample_ids", "captions", "evidence", "tokens"), "sample ...")
    inputs: np.ndarray
    axes: tuple[str, ...]
    sample_ids: tuple[str, ...]
    captions: tuple[str, ...]
    evidence: np.ndarray | None = None
    tokens: tuple[tuple[str, ...], ...] | None = None
    feature_names: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Counterfactual(Record):
    """What was changed in a sample and what the model said before and after; `texts` are both sentences, of text."""

    name = "counterfactual"
    sample_id: str
    before: np.ndarray
    after: np.ndarray
    before_name: str
    after_name: str
    before_probability: float
    after_probability: float
    distance: float
    changed: str
    texts: tuple[str, ...] | None = None
