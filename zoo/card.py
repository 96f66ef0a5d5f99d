"""Model cards: what is known of a model we ship, written by training, checked by `python -m zoo verify`."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Any, ClassVar, Self, TypeVar, get_args, get_origin

from zoo import storage
from zoo.errors import InputError
from zoo.metrics import ClassMetrics, Metrics, NumberMetrics
from zoo.recipes import recipe

Made = TypeVar("Made", bound="Metrics | Spread | Handle | ModelCard")


@dataclass(frozen=True, kw_only=True)
class Spread:
    """The scores of several seeds on the scored split; the first seed is the one that is shipped."""

    seeds: tuple[int, ...]
    scores: tuple[float, ...]
    mean: float
    low: float | None = None
    """With `high`, the 95 % t interval of the mean over seeds; None of one seed."""
    high: float | None = None
    note: str = ""
    """Why there is one seed only, or why all scores are the same."""


@dataclass(frozen=True, kw_only=True)
class Handle:
    """What a model says about one sample and, where it has a gradient, what its answer hangs on: numbers by which a
    change of the model is noticed. Computed in `zoo.handles`.

    The gradient is that of the explained class's logit with respect to the input, or to the embeddings of its tokens.
    """

    sample: str
    logits: tuple[float, ...]
    explained: int
    """The class of the largest logit."""
    gradient_norm: float | None = None
    gradient_x_input: float | None = None
    """Σ of gradient × input over all features."""
    places: tuple[int, ...] | None = None
    """The three largest entries of |gradient|, as indices of the flattened input, the largest first."""


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """Everything a reader needs to judge a model, and everything `verify` needs to check it. Holds no date: training
    again with the same versions and threads gives the same card, but for measured times and energy.
    """

    name: str
    title: str
    family: str
    task: str
    limits: str
    """What it must not be used for, in a sentence written by hand."""
    recipe: Mapping[str, Any]
    """The whole recipe, seed included."""
    digest: str
    """Identifies the model: sha256 of its file, or of recipe and data for a model that is refitted."""
    key_shape_digest: str | None
    """sha256 of the names, shapes and types of the weights; None for a traditional model."""
    weights_bytes: int | None
    """Size of the file of weights, or of the stored estimators; None for a model that is refitted."""
    parameters: int
    multiply_accumulates: int | None
    """For one sample; None for a traditional model."""
    data_digests: Mapping[str, str]
    """sha256 of what is asked and to be answered, for every split."""
    split_sizes: Mapping[str, int]
    scored: str
    source: str
    """Where the data comes from."""
    preprocessing: str
    """How raw data becomes inputs."""
    reference: str
    """The input that means "nothing is here": zero, mean or blur."""
    metrics: Metrics
    """Of the shipped model on the scored split."""
    spread: Spread
    seconds: float
    """Of training or fitting the shipped seed: on the CPU those that its threads worked, so that other work on
    the machine does not count; of a training that was interrupted, and on CUDA, those that went by."""
    energy_joules: float | None
    """Of the same; None where nobody looked."""
    energy_how: str
    """What of the energy was measured, and what was assumed."""
    predict_milliseconds: float
    """Per sample, in batches of 256, on the CPU."""
    device: str
    threads: int
    """On the CPU the same seed and number of threads give the same weights, bit for bit."""
    versions: Mapping[str, str]
    commit: str | None
    """Of the source code at training, where it lay in a git repository."""
    history: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """Per epoch: "loss" and "accuracy" (or "r_squared") on the training batches as they were seen, and of what was
    held out, if anything."""
    best_traditional: str | None = None
    best_traditional_score: float | None = None
    evidence_used: Mapping[str, float] | None = None
    """Planted tasks only: score without the evidence, and with everything but the evidence exchanged."""
    tokenizer_digest: str | None = None
    handles: tuple[Handle, ...] = ()
    verified: ClassVar[str] = (
        "`python -m zoo verify` checks the weights file against its sha256, the recipe, the data and everything else "
        "that can be counted or compared, and measures every figure of the scored split again; times and energy are "
        "as they were measured once, and the scores of other seeds as they were found by training them."
    )

    @property
    def trained_on(self) -> str:
        """Which machine made it, in words: "cpu, 1 thread"."""
        return f"{self.device}, {self.threads} thread{'s' if self.threads > 1 else ''}"

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str, path: Path) -> Self:
        """A card from its file; anything that is not a whole card is an `InputError`."""
        try:
            values = json.loads(text)
            kind = NumberMetrics if "r_squared" in values["metrics"] else ClassMetrics
            values["metrics"] = _made(kind, values["metrics"])
            values["spread"] = _made(Spread, values["spread"])
            values["handles"] = tuple(_made(Handle, each) for each in values["handles"])
            values["history"] = {name: tuple(series) for name, series in values["history"].items()}
            card = _made(cls, values)
            card._check()
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
            raise InputError(f"{path} is not a model card ({error}). {REMEDY.format(name=path.stem)}") from None
        if card.name != path.stem:
            raise InputError(f"{path} is the card of {card.name!r}. {REMEDY.format(name=path.stem)}")
        return card

    def _check(self) -> None:
        """`ValueError` or `KeyError` where a figure cannot be one, or something is missing that loading relies on."""
        if (problem := self.metrics.problem()) is not None:
            raise ValueError(problem)
        if not _fits(self.recipe["seed"], int):
            raise ValueError("the seed of its recipe is not a whole number")
        for split in ("train", self.scored):
            _ = self.data_digests[split], self.split_sizes[split]
        if not self.spread.seeds or len(self.spread.seeds) != len(self.spread.scores):
            raise ValueError("there is not one score for each seed")
        if min(self.seconds, self.predict_milliseconds, self.energy_joules or 0, self.threads - 1) < 0:
            raise ValueError("a time, an energy or a number of threads is too small")
        if len({len(series) for series in self.history.values()}) > 1:
            raise ValueError("the curves of its history differ in length")


def _made(kind: type[Made], values: Mapping[str, Any]) -> Made:
    """A dataclass from what JSON gave; `ValueError` where a value is not of its field's type."""
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
    for entry in fields(kind):
        if entry.name in values and not _fits(values[entry.name], entry.type):
            raise ValueError(f"{entry.name} cannot be {str(values[entry.name])[:40]}")
    return kind(**values)


def _fits(value: object, kind: Any) -> bool:
    """Whether a value is of a field's type, as far as JSON can give it; numbers must be finite."""
    inner = get_args(kind)
    if isinstance(kind, UnionType):
        return any(_fits(value, each) for each in inner)
    if get_origin(kind) is Mapping:
        return isinstance(value, Mapping) and all(_fits(each, inner[1]) for each in value.values())
    if get_origin(kind) is tuple:
        return isinstance(value, tuple) and all(_fits(each, inner[0]) for each in value)
    if kind is float:
        return type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type]
    return kind is Any or type(value) is kind or (kind is Metrics and isinstance(value, Metrics))


REMEDY = "Restore it with `git checkout zoo/weights`, or make it again with `python -m zoo train {name}`."


def card_path(name: str) -> Path:
    """Where the card of a model lies."""
    return storage.WEIGHTS / f"{name}.json"


def weights_path(name: str) -> Path:
    """Where the weights of a network lie."""
    return storage.WEIGHTS / f"{name}.safetensors"


def estimators_path(name: str) -> Path:
    """Where the fitted form of a traditional model lies, if it is stored."""
    return storage.WEIGHTS / f"{name}.skops"


def card(name: str) -> ModelCard:
    """The card of a model of the zoo; `InputError` where there is no such model, no card, or a broken one."""
    recipe(name)
    path = card_path(name)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"{name} has no card: {path} is missing. {REMEDY.format(name=name)}") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}). {REMEDY.format(name=name)}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not a model card ({error}). {REMEDY.format(name=name)}") from None
    return _parsed(text, path)


@cache
def _parsed(text: str, path: Path) -> ModelCard:
    return ModelCard.from_json(text, path)
