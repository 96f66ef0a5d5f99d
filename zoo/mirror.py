"""The mirror: where real data comes from, the public hub or a folder on this machine."""

import contextlib
import os
import threading
import urllib.request
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from zoo.errors import InputError

VARIABLE = "WORKBENCH_DATA"
"""Names a folder with a copy of each set at OWNER/NAME, laid out as on the hub; the hub is then never asked."""
HUB = "https://huggingface.co"
PATIENCE = 4.0
"""Seconds in which the hub must answer before it counts as out of reach."""


def read(source: str, split: str, columns: Sequence[str]) -> list[list[Any]]:
    """The columns of a split, each as a list, images as the files they came in; `InputError` where the data is not at
    hand. Nothing is read twice: the library keeps what it downloads in its own cache."""
    if (reason := unavailable(source)) is not None:
        raise InputError(reason)
    try:
        library = _library(source)
        table = library.load_dataset(_place(source), split=split)
        for column in columns:
            if isinstance(table.features[column], library.Image):
                table = table.cast_column(column, library.Image(decode=False))
        return [list(table[column]) for column in columns]
    except Exception as error:  # parquet, network and library each raise kinds of their own
        reason = " ".join(str(error).split())[:120]
        raise InputError(f"{_place(source)} cannot be read ({reason}). {_remedy(source)}") from error


def unavailable(source: str) -> str | None:
    """None where a set can be read; else a sentence that says why it cannot and what to do."""
    folder = os.environ.get(VARIABLE)
    if folder is not None:
        if (Path(folder) / source).is_dir():
            return None
        return f"{VARIABLE} is {folder!r}, but there is no folder {source} in it. Correct it or unset it."
    if _hub_answers(source) or _is_cached(source):
        return None
    return f"The data set {source} is not at hand: {HUB} does not answer and no mirror is set. {_remedy(source)}"


def _place(source: str) -> str:
    folder = os.environ.get(VARIABLE)
    return source if folder is None else str((Path(folder) / source).resolve())


def _remedy(source: str) -> str:
    return f"Connect to the internet, or set {VARIABLE} to a folder that holds {source}."


@cache
def _hub_answers(source: str) -> bool:
    """Asked once per process. In a thread, because looking up a name may take longer than any limit set here."""
    answered = threading.Event()

    def ask() -> None:
        address = f"{os.environ.get('HF_ENDPOINT', HUB)}/api/datasets/{source}"
        with contextlib.suppress(OSError, ValueError), urllib.request.urlopen(address, timeout=PATIENCE):
            answered.set()

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    return answered.is_set()


@cache
def _is_cached(source: str) -> bool:
    """Whether an earlier download can be read without the hub."""
    try:
        _library(source).load_dataset_builder(source)
    except (OSError, ValueError):
        return False
    return True


def _library(source: str) -> Any:
    """The `datasets` library; told not to try the network where it would only lose half a minute."""
    with _environment("HF_HUB_OFFLINE", "1", os.environ.get(VARIABLE) is not None or not _hub_answers(source)):
        import datasets
    return datasets


@contextlib.contextmanager
def _environment(name: str, value: str, wanted: bool) -> Iterator[None]:
    """A variable set while a library is imported that reads it then, and put back afterwards."""
    before = os.environ.get(name)
    if wanted:
        os.environ[name] = value
    try:
        yield
    finally:
        if wanted and before is None:
            del os.environ[name]
        elif wanted:
            os.environ[name] = str(before)
