"""The interpretability workbench: no explanation without its evidence.

The names below load when they are first used, so that importing the package stays cheap.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.explanation import explain, explain_classes, method, methods_for
    from workbench.plots import plot
    from workbench.records import Output, Target
    from workbench.storage import load_record, save_record
    from workbench.subject import Subject, load

_HOME = {
    "Output": "workbench.records",
    "Subject": "workbench.subject",
    "Target": "workbench.records",
    "explain": "workbench.explanation",
    "explain_classes": "workbench.explanation",
    "load": "workbench.subject",
    "load_record": "workbench.storage",
    "method": "workbench.explanation",
    "methods_for": "workbench.explanation",
    "plot": "workbench.plots",
    "save_record": "workbench.storage",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'workbench' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)
