"""Looking inside: arrays in, arrays out. Nothing here prints or draws.

    from charrnn import inspection, load

    model = load("charrnn.npz")
    recording = inspection.record(model, text, inspection.signals_of(model))
    findings = inspection.find_cells(model, text)

The other analyses are functions of the modules of the same name, as in
`from charrnn.inspection.memory import memory`. What is called `indices` in them, in `follow`,
`gate_saturation` and `gradient_by_lag` too, is a text as numbers, which is
`model.vocabulary.encode(text)`; `record` and `find_cells` take the text itself.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from charrnn.inspection.exporting import export
    from charrnn.inspection.finding import find_cells
    from charrnn.inspection.following import follow
    from charrnn.inspection.gates import gate_saturation
    from charrnn.inspection.gradients import gradient_by_lag
    from charrnn.inspection.ngram import NGram
    from charrnn.inspection.reading import Signal, signals_of
    from charrnn.inspection.recording import record

__all__ = [
    "NGram",
    "Signal",
    "export",
    "find_cells",
    "follow",
    "gate_saturation",
    "gradient_by_lag",
    "record",
    "signals_of",
]
_HOMES = {
    "NGram": "ngram",
    "Signal": "reading",
    "export": "exporting",
    "find_cells": "finding",
    "follow": "following",
    "gate_saturation": "gates",
    "gradient_by_lag": "gradients",
    "record": "recording",
    "signals_of": "reading",
}


def __getattr__(name: str) -> Any:
    # Imported when first used, as in charrnn itself: a command needs few of them.
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
