"""Downloads: files from their public home, fetched once, checked, and never kept by halves."""

import contextlib
import errno
import hashlib
import http.client
import os
import shutil
import sys
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import IO

from zoo.errors import InputError

VARIABLE = "WORKBENCH_CACHE"
"""Names the folder in which downloads are kept."""
PATIENCE = 15.0
"""Seconds without a byte after which a server counts as silent."""
CHUNK = 1 << 16
BAR = 30
"""Characters of the progress bar."""

Watch = Callable[[int, int | None], None]
"""Is told how many bytes have come and how many there will be, where the server says so."""
Check = Callable[[Path], str | None]
"""Says what is wrong with a file, or None where nothing is."""


def folder() -> Path:
    """Where downloads are kept: the folder named by WORKBENCH_CACHE, or one in the user's cache."""
    return Path(os.environ.get(VARIABLE) or Path.home() / ".cache" / "interpretability-workbench")


def has_sha256(digest: str) -> Check:
    """The check that a file has this sha256."""

    def check(path: Path) -> str | None:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        return None if found == digest else f"its sha256 is {found}, not {digest}"

    return check


def fetch(address: str, name: str, check: Check, watch: Watch | None = None) -> Path:
    """The file at an address, from the cache under `name` if it is there, else downloaded, checked and put there.

    The file appears under its name in one step and only after the check: whatever interrupts this leaves nothing
    behind. A file that was already there is checked too. Without `watch` a bar is drawn where the error stream is a
    terminal. Raises `InputError`.
    """
    path = folder() / name
    if path.exists():
        if (fault := check(path)) is not None:
            raise InputError(f"{path} is not the file that is expected: {fault}. Remove it; it is then fetched anew.")
        return path
    with _explained(address, path), _beside(path) as (file, temporary):
        _receive(address, file, watch or _bar(name))
        if (fault := check(temporary)) is not None:
            raise InputError(
                f"What {address} sent is not the file that is expected: {fault}. Nothing was kept. Try again later; "
                f"if it stays so, the file there has changed. {_by_hand(path)}"
            )
        os.replace(temporary, path)
    return path


def unavailable(address: str, name: str) -> str | None:
    """None where the file is in the cache or its server answers; else a sentence that says what to do."""
    path = folder() / name
    if path.exists() or _answers(address):
        return None
    return f"{name} is not at hand: {address} does not answer. Connect to the internet. {_by_hand(path)}"


def _receive(address: str, file: IO[bytes], watch: Watch) -> None:
    """Copy a response to a file, forced to the disk; a response that ends early is an error."""
    with urllib.request.urlopen(address, timeout=PATIENCE) as response:
        length = response.headers.get("Content-Length")
        total, done = None if length is None else int(length), 0
        while chunk := response.read(CHUNK):
            file.write(chunk)
            done += len(chunk)
            watch(done, total)
    if total is not None and done < total:
        raise http.client.IncompleteRead(b"", total - done)
    file.flush()
    os.fsync(file.fileno())


@contextlib.contextmanager
def _beside(path: Path) -> Iterator[tuple[IO[bytes], Path]]:
    """A temporary file in the same folder, gone at the end unless it was renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file, Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


@contextlib.contextmanager
def _explained(address: str, path: Path) -> Iterator[None]:
    """Whatever goes wrong with network or disk as one sentence with a remedy."""
    try:
        yield
    except urllib.error.HTTPError as error:
        raise InputError(
            f"{address} answers {error.code} ({error.reason}). Try again later. {_by_hand(path)}"
        ) from None
    except http.client.IncompleteRead as error:
        missing = "" if error.expected is None else f" with {error.expected:,} bytes missing"
        raise InputError(
            f"The download of {address} broke off{missing}. Nothing was kept. Try again. {_by_hand(path)}"
        ) from None
    except (urllib.error.URLError, TimeoutError, ConnectionError, http.client.HTTPException, ValueError) as error:
        if isinstance(error, InputError):
            raise
        reason = " ".join(str(getattr(error, "reason", error)).split())[:80]
        raise InputError(
            f"{address} cannot be reached ({reason}). Connect to the internet and try again. {_by_hand(path)}"
        ) from None
    except OSError as error:
        raise InputError(_of_disk(error, path.parent)) from None


def _of_disk(error: OSError, place: Path) -> str:
    """The sentence about a disk that is full, or that may not be written to."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        free = shutil.disk_usage(place).free / 1e6
        return (
            f"The disk is full: the download does not fit in {place}, where {free:,.0f} MB are free. Nothing was kept. "
            f"Make room there, or set {VARIABLE} to a folder on another disk."
        )
    return (
        f"Downloads cannot be kept in {place} ({error.strerror or error}). Make it a folder that may be written to, or "
        f"set {VARIABLE} to another."
    )


def _by_hand(path: Path) -> str:
    return f"Or fetch it by other means and put it at {path}."


def _bar(name: str) -> Watch:
    """A bar on the error stream, redrawn in place at each hundredth; silent where that is no terminal."""
    shown = -1

    def draw(done: int, total: int | None) -> None:
        nonlocal shown
        share = int(100 * done / total) if total else done // 1_000_000
        if share == shown or not sys.stderr.isatty():
            return
        shown = share
        filled = "█" * (BAR * share // 100) if total else ""
        size = f"{share:3d} %" if total else f"{share} MB"
        end = "\n" if done == total else ""
        print(f"\r{name} {filled:░<{BAR}} {size}", end=end, file=sys.stderr, flush=True)

    return draw


@cache
def _answers(address: str) -> bool:
    """Asked once per process. In a thread, because looking up a name may take longer than any limit set here."""
    answered = threading.Event()

    def ask() -> None:
        request = urllib.request.Request(address, method="HEAD")
        with contextlib.suppress(OSError, ValueError), urllib.request.urlopen(request, timeout=4):
            answered.set()

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(4)
    return answered.is_set()
