"""Storage: records as files. Arrays and text only, so that opening a file never runs anything that is in it."""

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from workbench import coding
from workbench.record import Record
from zoo.errors import InputError

FORMAT = "interpretability-workbench record 1"
LARGEST_FILE = 256 * 2**20
"""Bytes. The records of a whole test set of images are a few MB; what is larger is not one of ours."""


def save_record(record: Record, path: str | os.PathLike) -> Path:
    """Write a record as `.safetensors` (arrays, with everything else in its header) or `.json` (all of it as text).

    The file appears complete or not at all. `load_record` gives back the same record, to the bit.
    """
    target = Path(path)
    write_atomic(target, to_bytes(record, target))
    return target


def to_bytes(record: Record, path: str | os.PathLike) -> bytes:
    """What the file of a record holds: the format is that of the path's ending."""
    return _for_suffix(Path(path), _WRITERS)(record)


def load_record(path: str | os.PathLike) -> Record:
    """The record in a file that `save_record` wrote.

    Raises `InputError` where the file is missing, larger than `LARGEST_FILE`, cut short, altered after it was saved, or
    not one of ours; nothing in the file is ever executed.
    """
    source = Path(path)
    reader = _for_suffix(source, _READERS)
    try:
        size = source.stat().st_size
        if size > LARGEST_FILE:
            raise InputError(
                f"{source.name} has {size:,} bytes; records have at most {LARGEST_FILE:,}. Save fewer samples at once."
            )
        header, arrays = reader(source)
        record = _rebuilt(header, arrays)
    except InputError:
        raise
    except OSError as error:
        raise InputError(f"{source} cannot be read ({error.strerror or error}). Check the path.") from None
    except (SafetensorError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise InputError(
            f"{source.name} is not a record that this workbench saved, or it was cut short ({_first_line(error)}). "
            "Save it again with save_record."
        ) from None
    if header.get("sha256") != fingerprint(record):
        raise InputError(f"{source.name} was altered after it was saved: its hash does not fit. Save the record again.")
    return record


def to_json(record: Record) -> dict[str, Any]:
    """A record as plain dictionaries, lists, numbers and text, ready for `json.dumps`; what a `.json` file holds."""
    arrays: dict[str, np.ndarray] = {}
    header = _header(record, arrays)
    return {**header, "arrays": {name: coding.array_to_json(array) for name, array in arrays.items()}}


def digest(record: Record) -> str:
    """sha256 of everything a record says but how long it took: the same computation gives the same digest."""
    return fingerprint(record, without=("seconds",))


def fingerprint(record: Record, without: tuple[str, ...] = ()) -> str:
    """sha256 of everything a record says, but for the fields named in `without`."""
    arrays: dict[str, np.ndarray] = {}
    fields = {name: v for name, v in coding.encode_fields(record, arrays).items() if name not in without}
    content = {"format": FORMAT, "record": record.name, "fields": fields}
    found = hashlib.sha256(json.dumps(content, sort_keys=True, allow_nan=False).encode())
    for name, array in arrays.items():
        found.update(f"{name} {array.dtype.name} {array.shape}".encode())
        found.update(coding.canonical(array).tobytes())
    return found.hexdigest()


def write_atomic(path: Path, content: bytes) -> None:
    """Write a file so that it is there complete or, if anything fails, as it was before."""
    if not path.parent.is_dir():
        raise InputError(
            f"The folder {path.parent} does not exist. Make it first, or choose another place for {path.name}."
        )
    temporary = path.with_name(f".{os.getpid()}.{os.urandom(8).hex()}.partial")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error.strerror}). Choose another place.") from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _header(record: Record, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "record": record.name,
        "sha256": fingerprint(record),
        "fields": coding.encode_fields(record, arrays),
    }


def _rebuilt(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Record:
    if header.get("format") != FORMAT:
        raise ValueError(f"its format is {header.get('format')!r}, not {FORMAT!r}")
    kinds = coding.kinds()
    if header["record"] not in kinds:
        raise ValueError(f"there is no record called {header['record']!r}")
    return coding.decode_fields(kinds[header["record"]], header["fields"], arrays)


def _to_safetensors(record: Record) -> bytes:
    arrays: dict[str, np.ndarray] = {}
    header = _header(record, arrays)
    native = {name: np.ascontiguousarray(array).reshape(array.shape) for name, array in arrays.items()}
    return save(native, {"record": json.dumps(header, sort_keys=True, allow_nan=False)})


def _from_safetensors(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    with safe_open(path, framework="numpy") as file:
        header = json.loads((file.metadata() or {})["record"])
        return header, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def _to_json_file(record: Record) -> bytes:
    return (json.dumps(to_json(record), ensure_ascii=False, allow_nan=False) + "\n").encode()


def _from_json_file(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    header = json.loads(path.read_bytes().decode())
    return header, {name: coding.array_from_json(value) for name, value in header["arrays"].items()}


_WRITERS: Mapping[str, Callable] = {".safetensors": _to_safetensors, ".json": _to_json_file}
_READERS: Mapping[str, Callable] = {".safetensors": _from_safetensors, ".json": _from_json_file}


def _for_suffix(path: Path, table: Mapping[str, Callable]) -> Callable:
    if path.suffix not in table:
        raise InputError(f"{path.name} does not end in {' or '.join(table)}. Give the file one of these endings.")
    return table[path.suffix]


def _first_line(error: Exception) -> str:
    text = f"{type(error).__name__}: {error}".splitlines()[0]
    return text if len(text) <= 120 else f"{text[:117]}…"
