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
from zoo.recipes import recipe

Made = TypeVar("Made", bound="Metrics | ModelCard")


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """Quality on the split that is scored, on which no choice was made. Definitions: `zoo.quality`."""

    accuracy: float
    low: float
    """With `high`, Wilson's 95 % interval of the accuracy."""
    high: float
    macro_f1: float
    negative_log_likelihood: float
    """In nats per sample."""
    calibration_error: float
    """Expected calibration error over 15 bins of equal width."""
    samples: int


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """Everything a reader needs to judge a model, and everything `verify` needs to check it. Holds no date: training
    again with the same versions and threads gives the same card, but for the two measured times.
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
    """Identifies the model: sha256 of the weights file, or of recipe and data for a model that is refitted."""
    weights_bytes: int | None
    """Size of the weights file; None for a model that is refitted."""
    parameters: int
    data_digests: Mapping[str, str]
    """sha256 of inputs and labels, for the training split and the scored one."""
    split_sizes: Mapping[str, int]
    scored: str
    metrics: Metrics
    seconds: float
    """Of training or fitting."""
    predict_milliseconds: float
    """Per sample, in batches of 256, on the CPU."""
    device: str
    threads: int
    """On the CPU the same seed and number of threads give the same weights, bit for bit."""
    versions: Mapping[str, str]
    history: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """Per epoch: "loss" and "accuracy" on the training batches as they were seen (augmented, with dropout)."""
    best_traditional: str | None = None
    best_traditional_accuracy: float | None = None
    evidence_used: Mapping[str, float] | None = None
    """Planted tasks only: accuracy without the evidence, and with everything but the evidence exchanged."""
    tokenizer_digest: str | None = None
    verified: ClassVar[str] = (
        "`python -m zoo verify` checks the weights file against its sha256, the recipe, the number of parameters and "
        "the scored data, and measures every figure of the scored split again; times are as they were measured once."
    )

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str, path: Path) -> Self:
        """A card from its file; anything that is not a whole card is an `InputError`."""
        try:
            values = json.loads(text)
            values["metrics"] = _made(Metrics, values["metrics"])
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
        if not 0 <= self.metrics.low <= self.metrics.accuracy <= self.metrics.high <= 1:
            raise ValueError("the accuracy is not within its interval")
        if not _fits(self.recipe["seed"], int):
            raise ValueError("the seed of its recipe is not a whole number")
        for split in ("train", self.scored):
            _ = self.data_digests[split], self.split_sizes[split]


def _made(kind: type[Made], values: Mapping[str, Any]) -> Made:
    """A dataclass from what JSON gave; `ValueError` where a value is not of its field's type."""
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
    return kind is Any or type(value) is kind


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
