"""Settings: the fields of a method, metric, analysis or lesson are its form, its flags and its cache key."""

import dataclasses
from abc import ABC
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from zoo.errors import InputError, unknown

Config = TypeVar("Config")


def setting(
    default: Any,
    *,
    help: str,
    low: float | None = None,
    high: float | None = None,
    choices: Sequence[str] | None = None,
) -> Any:
    """A field with its bounds and one line of help; a form, a flag and a check are made from them."""
    metadata = {"help": help, "low": low, "high": high, "choices": tuple(choices) if choices else None}
    return dataclasses.field(default=default, metadata=metadata)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Extension(ABC):
    """Base of everything that is added by adding a file: a frozen configuration, checked when it is made.

    `name` is the file's stem and the word in links, flags and records; `title` is what a person reads.
    """

    name: ClassVar[str]
    title: ClassVar[str]

    def __post_init__(self) -> None:
        check(self)


def fields(config: Any) -> tuple[dataclasses.Field, ...]:
    """The settings of a configuration (class or instance), in the order they are written."""
    return tuple(field for field in dataclasses.fields(config) if "help" in field.metadata)


def values(config: Any) -> dict[str, Any]:
    """The settings of a configuration as a plain dictionary, ready for JSON."""
    return {field.name: getattr(config, field.name) for field in fields(config)}


def check(config: Any) -> None:
    """Raise `InputError` where a setting is not of its type, out of bounds or not among its choices."""
    for field in fields(config):
        _check_one(type(config).__name__, field, getattr(config, field.name))


def build(kind: type[Config], given: Mapping[str, Any]) -> Config:
    """A configuration from names and values, which may be text (of a link or a flag), checked."""
    known = {field.name: field for field in fields(kind)}
    for name in given:
        if name not in known:
            if not known:
                raise InputError(f"{kind.__name__} has no settings, but {name!r} was given. Leave it out.")
            raise unknown(f"setting of {kind.__name__}", name, known)
    return kind(**{name: _parse(kind.__name__, known[name], value) for name, value in given.items()})


def _parse(owner: str, field: dataclasses.Field, value: Any) -> Any:
    if not isinstance(value, str) or field.type is str:
        return value
    if field.type is bool:
        if value.lower() not in ("true", "false"):
            raise InputError(f"{owner}.{field.name} must be true or false, not {value!r}.")
        return value.lower() == "true"
    try:
        return field.type(value)  # type: ignore[operator]
    except ValueError:
        wanted = "a whole number" if field.type is int else "a number"
        raise InputError(f"{owner}.{field.name} must be {wanted}, not {value!r}.") from None


def _check_one(owner: str, field: dataclasses.Field, value: Any) -> None:
    low, high, choices = (field.metadata[key] for key in ("low", "high", "choices"))
    if choices is not None and value not in choices:
        raise unknown(f"{field.name} for {owner}", value, choices)
    if field.type in (int, float) and (isinstance(value, bool) or not isinstance(value, (int, float))):
        raise InputError(f"{owner}.{field.name} must be a number, not {value!r}.")
    if field.type is int and not isinstance(value, int):
        raise InputError(f"{owner}.{field.name} must be a whole number, not {value!r}.")
    too_low = low is not None and not value >= low
    too_high = high is not None and not value <= high
    if too_low or too_high:
        raise InputError(f"{owner}.{field.name} must lie between {low} and {high}; {value!r} does not.")
