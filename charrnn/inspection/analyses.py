"""The table of analyses, in the order of `charrnn inspect --help` and of the page.

An analysis is one module. To add one, write the module and add its line here: the key is the
option of `charrnn inspect` and the key in its JSON.
"""

from __future__ import annotations

from typing import Any, Protocol

from charrnn.inspection import errors, gates, gradient, memory, ngram, spectrum, surprisal
from charrnn.inspection.answer import Answer
from charrnn.inspection.find import search
from charrnn.inspection.subject import Subject


class Analysis(Protocol):
    """The contents of a module that analyses a model."""

    #: The help of the option.
    HELP: str
    #: The heading of its section on the page.
    HEADING: str

    def analyse(self, subject: Subject, /) -> Any:
        """Compute the result, a frozen dataclass.

        Raises:
            TextError: for a text that is too short, or where the training text is missing.
        """

    def answer(self, result: Any, /) -> Answer:
        """Put the result into words and figures."""


ANALYSES: dict[str, Analysis] = {
    "find": search,
    "gradient": gradient,
    "memory": memory,
    "gates": gates,
    "spectrum": spectrum,
    "surprisal": surprisal,
    "errors": errors,
    "ngram": ngram,
}
