"""The table of analyses, in the order of `charrnn inspect --help` and of the page.

An analysis is one module. To add one, write the module and add it to `ANALYSES` (or `ON_REQUEST`),
and to `CHECKED` for the type checker. Its name is the option of `charrnn inspect` and the key in
its JSON.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from charrnn.inspection.answer import Answer

if TYPE_CHECKING:
    from charrnn.inspection import (
        copying,
        effect,
        errors,
        gates,
        gradient,
        memory,
        ngram,
        spectrum,
        surprisal,
        why,
    )
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
            SettingError: for a value of the option that does not fit the text.
        """

    def answer(self, result: Any, /) -> Answer:
        """Put the result into words and figures."""


#: The module of each analysis, within `charrnn.inspection`. All of them together take 70 ms to
#: import, so each is imported when first used.
ANALYSES = {
    "find": "find.search",
    "gradient": "gradient",
    "memory": "memory",
    "gates": "gates",
    "spectrum": "spectrum",
    "surprisal": "surprisal",
    "errors": "errors",
    "ngram": "ngram",
    "copying": "copying",
}
#: Analyses of one position or one cell; a page has them only on request.
ON_REQUEST = {"why": "why", "effect": "effect"}

if TYPE_CHECKING:
    #: The same modules, which the type checker compares with the protocol.
    CHECKED: list[Analysis] = [
        search,
        gradient,
        memory,
        gates,
        spectrum,
        surprisal,
        errors,
        ngram,
        copying,
        effect,
        why,
    ]


def analysis(name: str) -> Analysis:
    """Import an analysis by its name in one of the tables."""
    module: Any = import_module(f"charrnn.inspection.{(ANALYSES | ON_REQUEST)[name]}")
    found: Analysis = module
    return found
