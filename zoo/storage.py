"""Storage: where weights and cards lie, and how a file is written so that it is never half there."""

import hashlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

WEIGHTS = Path(__file__).parent / "weights"
"""NAME.safetensors beside NAME.json, and the tokenizers. Generated; never edited by hand."""


def sha256(content: bytes) -> str:
    """The digest under which a card knows a file."""
    return hashlib.sha256(content).hexdigest()


def write_atomically(files: Mapping[Path, bytes]) -> None:
    """Replace the content of files in one step each: whoever reads one finds the old or the new, never a part.

    Every content first goes to a temporary file in the same folder and is forced to the disk; then all are renamed over
    the old ones. Whatever interrupts this, Ctrl-C included, the old contents stay or come back.
    """
    before = {path: path.read_bytes() if path.exists() else None for path in files}
    temporary: dict[Path, Path] = {}
    try:
        for path, content in files.items():
            temporary[path] = _write_beside(path, content)
        for path in files:
            os.replace(temporary[path], path)
    except BaseException:
        for path, old in before.items():
            _put_back(path, old)
        raise
    finally:
        for leftover in temporary.values():
            leftover.unlink(missing_ok=True)


def _write_beside(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name)


def _put_back(path: Path, content: bytes | None) -> None:
    """Undo a replacement where there was one."""
    if content is None:
        path.unlink(missing_ok=True)
    elif not path.exists() or path.read_bytes() != content:
        os.replace(_write_beside(path, content), path)
