"""What `charrnn inspect` can find out, by the names of its options."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any, NamedTuple

from charrnn.render.figures import Answer


class Analysis(NamedTuple):
    """A question to a model.

    Both modules are imported when it is asked: with all of them every command would start late.
    """

    help: str
    heading: str
    #: The name of its modules, in `charrnn.inspection` and in `charrnn.render.answers`.
    module: str
    #: Asks it: the first of them about a `charrnn.cli.subject.Subject`.
    ask: Callable[[ModuleType, Any], Any]
    #: Whether it needs the text that the model was trained on.
    needs_training_text: bool = False

    def analyse(self, subject: Any) -> Any:
        """What the analysis returns."""
        return self.ask(import_module(f"charrnn.inspection.{self.module}"), subject)

    def answer(self, result: Any) -> Answer:
        """The same in words and pictures."""
        answer: Answer = import_module(f"charrnn.render.answers.{self.module}").answer(result)
        return answer


ANALYSES: dict[str, Analysis] = {
    "find": Analysis(
        "Find the cells that follow something, and tell them from chance.",
        "Cells that follow something",
        "finding",
        lambda module, s: module.find_cells(
            s.model,
            s.text,
            features=s.features,
            signals=s.signals,
            seed=s.seed,
            shown=s.shown,
            progress=s.progress,
        ),
    ),
    "gradient": Analysis(
        "How far back gradients reach, also with random weights.",
        "Gradients",
        "gradients",
        lambda module, s: module.gradient_by_lag(
            s.model, s.indices, rng=s.rng, untrained=s.untrained
        ),
    ),
    "memory": Analysis(
        "How much context is used, and how long cells remember.",
        "Memory",
        "memory",
        lambda module, s: module.memory(s.model, s.indices, rng=s.rng),
    ),
    "gates": Analysis(
        "How much of the time gates are open or closed.",
        "Gates",
        "gates",
        lambda module, s: module.gate_saturation(s.model, s.indices),
    ),
    "spectrum": Analysis(
        "The eigenvalues of the recurrence, also with random weights.",
        "Spectrum",
        "spectrum",
        lambda module, s: module.spectrum(s.model, s.untrained, s.indices),
    ),
    "surprisal": Analysis(
        "Which characters surprise the model.",
        "Surprise",
        "surprisal",
        lambda module, s: module.surprisal(s.model, s.text),
    ),
    "errors": Analysis(
        "What kinds of errors it makes.",
        "Errors",
        "mistakes",
        lambda module, s: module.mistakes(s.model, s.text, s.train, ngram=s.ngram),
        needs_training_text=True,
    ),
    "ngram": Analysis(
        "How it compares with n-gram models of its training text.",
        "Yardstick",
        "yardstick",
        lambda module, s: module.yardstick(s.model, s.indices, s.train, ngram=s.ngram),
        needs_training_text=True,
    ),
}
