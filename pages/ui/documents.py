"""Documents: finished HTML reports and lessons, kept for a while so that the browser can fetch them by their key."""

import hashlib
import threading
from collections import OrderedDict

KEPT = 32

_documents: OrderedDict[str, str] = OrderedDict()
_lock = threading.Lock()


def keep(html: str) -> str:
    """Keep a document; returns its key, which is the hash of its content and so cannot be guessed without it."""
    key = hashlib.sha256(html.encode()).hexdigest()[:32]
    with _lock:
        _documents[key] = html
        _documents.move_to_end(key)
        while len(_documents) > KEPT:
            _documents.popitem(last=False)
    return key


def find(key: str) -> str | None:
    """The document of a key, or None where it was never made or is no longer kept."""
    with _lock:
        return _documents.get(key)
