"""The run-time type checker that jaxtyping's import hook applies to both packages while the tests run."""

from collections.abc import Callable

from beartype import BeartypeConf, beartype

_checked = beartype(conf=BeartypeConf(is_pep484_tower=True))  # an int is welcome where a float is asked for


def check(function: Callable) -> Callable:
    """Check each call, except of the few functions that speak of `Self`, which is resolved only for whole classes."""
    annotations = getattr(function, "__annotations__", {})
    return function if any("typing.Self" in repr(hint) for hint in annotations.values()) else _checked(function)
