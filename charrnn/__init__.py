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
    from charrnn.checkpoint import load
    from charrnn.network.model import CharRNN
    from charrnn.text.vocabulary import Vocabulary

__all__ = ["CharRNN", "Vocabulary", "__version__", "load"]
__version__ = "0.1.0"

_HOMES = {
    "CharRNN": "charrnn.network.model",
    "Vocabulary": "charrnn.text.vocabulary",
    "load": "charrnn.checkpoint",
}


def __getattr__(name: str) -> Any:
    # Imported when first used: NumPy would treble the time that `charrnn --help` takes.
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
