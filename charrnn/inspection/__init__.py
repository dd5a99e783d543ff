"""Look inside a network: models and texts in, arrays and frozen results out. Nothing is printed.

    from charrnn import inspection, load

    model = load("charrnn.npz")
    recording = inspection.record(model, text, inspection.signals_of(model))
    findings = inspection.find_cells(model, text)
    train = inspection.training_text(model.checkpoint)

Each analysis is a module with a function of its own, as in
`from charrnn.inspection.memory import memory`. Arguments named `indices` are a text as indices,
`model.vocabulary.encode(text)`; `record` and `find_cells` accept the text itself.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from charrnn.inspection.effect import effect_of_cell
    from charrnn.inspection.find.follow import followed_features
    from charrnn.inspection.find.search import find_cells
    from charrnn.inspection.gates import gate_saturation
    from charrnn.inspection.gradient import gradient_by_lag
    from charrnn.inspection.kneser_ney import NGram
    from charrnn.inspection.reading import Signal, signals_of
    from charrnn.inspection.recording import export, record
    from charrnn.inspection.subject import training_text
    from charrnn.inspection.why import contributions

__all__ = [
    "NGram",
    "Signal",
    "contributions",
    "effect_of_cell",
    "export",
    "find_cells",
    "followed_features",
    "gate_saturation",
    "gradient_by_lag",
    "record",
    "signals_of",
    "training_text",
]
_MODULES = {
    "NGram": "kneser_ney",
    "Signal": "reading",
    "contributions": "why",
    "effect_of_cell": "effect",
    "export": "recording",
    "find_cells": "find.search",
    "followed_features": "find.follow",
    "gate_saturation": "gates",
    "gradient_by_lag": "gradient",
    "record": "recording",
    "signals_of": "reading",
    "training_text": "subject",
}


def __getattr__(name: str) -> Any:
    # Imported when first used, as in charrnn itself: a program needs few of them.
    if name in _MODULES:
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
