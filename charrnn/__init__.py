"""charrnn: character-level recurrent language models in NumPy.

From Python:

    import charrnn
    model = charrnn.load("charrnn.npz")
    print("".join(model.sample(200, temperature=0.8, prime="ROMEO:")))
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from charrnn.api import CharRNN, load
    from charrnn.text.vocabulary import Vocabulary

__all__ = ["CharRNN", "Vocabulary", "__version__", "load"]
__version__ = "0.1.0"

_MODULES = {
    "CharRNN": "charrnn.api",
    "Vocabulary": "charrnn.text.vocabulary",
    "load": "charrnn.api",
}


def __getattr__(name: str) -> Any:
    # Imported at the first use: with NumPy, `charrnn --help` would take three times as long.
    if name in _MODULES:
        return getattr(import_module(_MODULES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
