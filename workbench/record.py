"""What every record is: frozen, its arrays read-only, its shapes consistent."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

AXES = frozenset(
    "sample channel height width time token feature class layer head query key hidden step direction".split()  # noqa: SIM905
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Record:
    """Base of all records. `provenance` says where it came from: model, hashes, versions, command.

    `shapes` names the axes of fields that must fit each other: fields that share a word share that length, and a
    trailing "..." stands for any further axes. A record whose fields do not fit raises `ValueError` when it is made.
    """

    name: ClassVar[str]
    shapes: ClassVar[Mapping[str, str]] = MappingProxyType({})
    title: str = ""
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for entry in fields(self):
            object.__setattr__(self, entry.name, frozen(getattr(self, entry.name)))
        self._check_shapes()

    def _check_shapes(self) -> None:
        lengths: dict[str, int] = {}
        for name, words in self.shapes.items():
            value = getattr(self, name)
            if value is None:
                continue
            shape = value.shape if isinstance(value, np.ndarray) else (len(value),)
            axes = words.removesuffix(" ...").split()
            fits = len(shape) >= len(axes) if words.endswith("...") else len(shape) == len(axes)
            if not fits or any(lengths.setdefault(a, n) != n for a, n in zip(axes, shape, strict=False)):
                raise ValueError(
                    f"{type(self).__name__}.{name} has shape {shape}, not ({words}); others say {lengths}."
                )


def frozen(value: Any) -> Any:
    """The same value, read-only to any depth: arrays are copied, lists become tuples, mappings cannot be written."""
    if type(value) in _PLAIN:  # most leaves: to ask first whether they are mappings takes ten times as long
        return value
    if isinstance(value, np.ndarray):
        copied = value.copy()
        copied.setflags(write=False)
        return copied
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return MappingProxyType({key: frozen(item) for key, item in value.items()})
    if isinstance(value, (list, tuple)):
        return tuple(frozen(item) for item in value)
    return value


_PLAIN = frozenset({str, int, float, bool, type(None)})
