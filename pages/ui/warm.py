"""Warm: what the first page needs is loaded while the browser still loads the frame.

Two threads that import the same packages at the same moment can see each other's half-made modules. So the pages
wait until the thread that warms up has imported everything; without such a thread they do not wait.
"""

import threading

LONGEST_WAIT = 120.0

_begun = threading.Event()
_imported = threading.Event()


def begin() -> None:
    """Import in a thread of its own, then begin what the first page shows."""
    _begun.set()
    threading.Thread(target=_warm, name="warm", daemon=True).start()


def wait_for_imports() -> None:
    """Wait for the imports of the thread that warms up, if there is one."""
    if _begun.is_set():
        _imported.wait(LONGEST_WAIT)


def _warm() -> None:
    try:
        from pages.ui import front
    finally:
        _imported.set()
    front.ahead()
