"""Estimators: fitted scikit-learn objects as the bytes of a file, and back without running code from it."""

import io
import json
from typing import Any
from zipfile import ZIP_LZMA, ZipFile, ZipInfo

from skops.io import dumps, loads
from skops.io.exceptions import UnsupportedTypeException

from zoo.errors import InputError

DAWN = (1980, 1, 1, 0, 0, 0)
"""The date of every entry: the earliest that a zip file can say."""
ADDRESS = "_stop_words_id"
"""Where TfidfVectorizer remembers an address in memory, to check its stop words only once."""


def to_bytes(state: object) -> bytes:
    """Fitted estimators, arrays and plain values as a skops file; the same fit gives the same bytes.

    skops names what it writes by addresses in memory and dates it: here it is numbered in order of appearance instead.
    Raises `InputError` for an object of a type that could not be read back without trusting the file.
    """
    try:
        written = dumps(state)
    except (UnsupportedTypeException, TypeError) as error:
        raise InputError(f"This model cannot be stored ({error}). Keep only arrays and estimators in it.") from None
    with ZipFile(io.BytesIO(written)) as source:
        contents = {name: source.read(name) for name in source.namelist()}
    schema = json.loads(contents.pop("schema.json"))
    numbers: dict[Any, int] = {}
    names: dict[str, str] = {}
    _renumber(schema, numbers, names)
    out = io.BytesIO()
    with ZipFile(out, "w", compression=ZIP_LZMA) as target:
        entries = {names[name]: content for name, content in contents.items() if name in names}
        for name, content in [*sorted(entries.items()), ("schema.json", json.dumps(schema).encode())]:
            target.writestr(ZipInfo(name, DAWN), content, compress_type=ZIP_LZMA)
    content = out.getvalue()
    from_bytes(content, "This model")
    return content


def from_bytes(content: bytes, what: str) -> Any:
    """What `to_bytes` was given. Only types that skops trusts by itself are made: scikit-learn's, numpy's and plain
    ones, and no function is called by name. Raises `InputError` for anything else; `what` begins its sentence."""
    try:
        return loads(content, trusted=[])
    except Exception as error:  # whatever a file that nobody wrote with skops makes it raise
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"{what} is not a skops file of trusted types ({reason[:200]}). Keep only scikit-learn's estimators and "
            "arrays in the model."
        ) from None


def _renumber(node: Any, numbers: dict[Any, int], names: dict[str, str]) -> None:
    """Put 1, 2, … in place of addresses, and of the names of files after them, in order of appearance."""
    if isinstance(node, dict):
        if type(node.get("__id__")) is int:
            node["__id__"] = numbers.setdefault(node["__id__"], len(numbers) + 1)
        if isinstance(node.get("file"), str):
            stem, _, ending = node["file"].rpartition(".")
            node["file"] = names.setdefault(f"{stem}.{ending}", f"{len(names) + 1:06d}.{ending}")
        if ADDRESS in node:
            node[ADDRESS]["content"] = "0"
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        _renumber(child, numbers, names)
