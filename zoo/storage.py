"""Storage: where weights and cards lie, and how a file is written so that it is never half there."""

import hashlib
import os
import tempfile
from pathlib import Path

WEIGHTS = Path(__file__).parent / "weights"
"""NAME.safetensors beside NAME.json, and the tokenizers. Generated; never edited by hand."""


def sha256(content: bytes) -> str:
    """The digest under which a card knows a file."""
    return hashlib.sha256(content).hexdigest()


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file's content in one step: whoever reads it, and whatever is interrupted, finds the old or the new.

    The content goes to a temporary file in the same folder, is forced to the disk and then renamed over the old file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
