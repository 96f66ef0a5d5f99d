"""Coding: a record's fields as plain JSON values and named arrays, and back, driven by the fields' types alone."""

import inspect
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np

from workbench import records
from workbench.record import Record

NUMBER = "$number"
"""Key of the one-entry mapping that stands for a number JSON cannot write: {"$number": "nan"}."""
ARRAY = "$array"
"""Key of the one-entry mapping that stands for an array, which is stored beside, under the name it gives."""


@cache
def kinds() -> dict[str, type[Record]]:
    """Every record type there is, by name."""
    found = [kind for kind in vars(records).values() if inspect.isclass(kind) and issubclass(kind, Record)]
    return {kind.name: kind for kind in found if kind is not Record}


def encode_fields(instance: Any, arrays: dict[str, np.ndarray], prefix: str = "") -> dict[str, Any]:
    """The fields of a dataclass as JSON values; arrays are put into `arrays` under their field's name."""
    return {f.name: _encode(getattr(instance, f.name), arrays, prefix + f.name) for f in fields(instance)}


def decode_fields(kind: type, given: Mapping[str, Any], arrays: Mapping[str, np.ndarray], prefix: str = "") -> Any:
    """A dataclass from its encoded fields; `ValueError` or `TypeError` where one is missing, foreign or wrong."""
    hints = get_type_hints(kind)
    names = [f.name for f in fields(kind)]
    if not isinstance(given, dict) or set(given) != set(names):
        raise ValueError(f"{prefix or kind.__name__} has other fields than {', '.join(names)}")
    return kind(**{name: _decode(hints[name], given[name], arrays, prefix + name) for name in names})


def array_to_json(array: np.ndarray) -> dict[str, Any]:
    """An array as its type, shape and nested lists; every float is written so that it reads back to the bit."""
    values = array.tolist()
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        values = _named(values)
    return {"dtype": array.dtype.name, "shape": list(array.shape), "values": values}


def array_from_json(given: Mapping[str, Any]) -> np.ndarray:
    """The array that `array_to_json` wrote."""
    array = np.array(given["values"], dtype=_checked(np.dtype(given["dtype"])))
    shape = tuple(given["shape"])
    if array.shape != shape and array.size:
        raise ValueError(f"an array has shape {array.shape} where {shape} is stated")
    return array.reshape(shape)


def canonical(array: np.ndarray) -> np.ndarray:
    """The same numbers in one layout: contiguous, little-endian, one bit pattern for NaN."""
    array = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=True)
    if array.dtype.kind == "f":
        array[np.isnan(array)] = np.nan
    return array


def _encode(value: Any, arrays: dict[str, np.ndarray], where: str) -> Any:
    if isinstance(value, np.ndarray):
        _checked(value.dtype)
        arrays[where] = value
        return {ARRAY: where}
    if is_dataclass(value):
        return encode_fields(value, arrays, f"{where}.")
    if isinstance(value, tuple):
        return [_encode(item, arrays, f"{where}.{index}") for index, item in enumerate(value)]
    return _plain(value, where)


def _plain(value: Any, where: str) -> Any:
    """A value that needs no declared type to be read back."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {_key(key, where): _plain(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item, where) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {NUMBER: str(value)}
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    raise ValueError(f"{where} holds a {type(value).__name__}, which a record's file cannot.")


def _decode(hint: Any, value: Any, arrays: Mapping[str, np.ndarray], where: str) -> Any:
    if get_origin(hint) in (Union, UnionType):
        hint = _member(hint, value, where)
    origin = get_origin(hint)
    if hint is Any or origin is Mapping:
        return _free(value, where)
    if origin is tuple:
        return _tuple(get_args(hint), value, arrays, where)
    if hint is np.ndarray:
        return arrays[value[ARRAY]]
    if is_dataclass(hint):
        return decode_fields(hint, value, arrays, f"{where}.")  # type: ignore[arg-type]
    if issubclass(hint, Enum):
        return hint(value)
    if not _is(hint, value):
        raise ValueError(f"{where} is not a {hint.__name__}")
    return _free(value, where)


def _tuple(members: tuple, value: Any, arrays: Mapping[str, np.ndarray], where: str) -> tuple:
    if not isinstance(value, list):
        raise ValueError(f"{where} is not a list")
    return tuple(_decode(members[0], item, arrays, f"{where}.{index}") for index, item in enumerate(value))


def _member(hint: Any, value: Any, where: str) -> Any:
    for member in get_args(hint):
        if _is(member, value):
            return member
    raise ValueError(f"{where} is none of {hint}")


def _is(hint: Any, value: Any) -> bool:
    """Whether an encoded value can be of a plain type."""
    if hint is NoneType:
        return value is None
    if hint is float:
        special = isinstance(value, dict) and set(value) == {NUMBER}
        return special or (isinstance(value, (int, float)) and not isinstance(value, bool))
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if hint is np.ndarray:
        return isinstance(value, dict) and set(value) == {ARRAY}
    if get_origin(hint) is tuple:
        return isinstance(value, list)
    return isinstance(value, hint)


def _free(value: Any, where: str) -> Any:
    """A value of no declared type: what JSON says, with lists as tuples."""
    if isinstance(value, dict):
        if set(value) == {NUMBER}:
            return float(value[NUMBER])
        return {_key(key, where): _free(item, where) for key, item in value.items()}
    return tuple(_free(item, where) for item in value) if isinstance(value, list) else value


def _key(key: Any, where: str) -> str:
    if not isinstance(key, str) or key.startswith("$"):
        raise ValueError(f"{where} has the key {key!r}; keys are text that does not begin with '$'.")
    return key


def _named(values: Any) -> Any:
    if isinstance(values, list):
        return [_named(item) for item in values]
    return values if math.isfinite(values) else str(values)


def _checked(dtype: np.dtype) -> np.dtype:
    if dtype.kind not in "biuf" or dtype.itemsize > 8:
        raise ValueError(f"an array of {dtype} cannot be stored; records hold booleans, whole numbers and floats")
    return dtype
