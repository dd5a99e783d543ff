"""`charrnn inspect` alone: the description of a model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from math import log
from typing import Any

from charrnn.checkpoint import Checkpoint
from charrnn.config import TrainingConfig
from charrnn.inspection.learning_curves import learning_curves
from charrnn.network.model import CharRNN
from charrnn.render.colors import Style
from charrnn.render.escape import MAX_NAME, one_line, printable
from charrnn.render.scale import scales
from charrnn.render.terminal import chart_lines
from charrnn.render.wrap import broken, padded, wrapped

#: White space as the vocabulary shows it.
VISIBLE = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}
#: Columns of the labels, and characters of a vocabulary that are shown.
LABEL, SHOWN = 12, 200


def summarize(model: CharRNN, checkpoint: Checkpoint) -> dict[str, Any]:
    """The description of a model as JSON."""
    run = checkpoint.run
    best = run.best_loss
    train_loss = run.train_loss(checkpoint.settings) if checkpoint.settings else None
    return {
        "model": model.layer_type,
        "hidden_size": model.hidden_size,
        "num_layers": model.num_layers,
        "ensemble": model.ensemble,
        "num_parameters": model.parameters.flat.size,
        "vocabulary_size": len(model.vocabulary),
        "step": run.step,
        "best_step": run.best_step,
        "diverged": run.diverged or None,
        "train_loss": train_loss,
        "val_loss": best,
        "val_bpc": None if best is None else best / log(2),
        "corpus": asdict(checkpoint.corpus) if checkpoint.corpus else {},
        "settings": asdict(checkpoint.settings) if checkpoint.settings else {},
        "versions": checkpoint.versions,
    }


def rows(summary: dict[str, Any]) -> list[tuple[str, str]]:
    """The description of a model for people, as pairs of a label and a text.

    A model that was saved from Python may have neither a text nor a run.
    """
    corpus, different = summary["corpus"], f"{summary['vocabulary_size']} different"
    L, H, E = (summary[name] for name in ("num_layers", "hidden_size", "ensemble"))
    cells = f"{L} × {H} cells" if E == 1 else f"an ensemble of {E} networks of {H // E} cells"
    found = [
        (
            "model",
            f"{summary['model']}, {cells}, {summary['num_parameters']:,} parameters",
        )
    ]
    if corpus:
        name = one_line(corpus["name"], MAX_NAME)
        different = f"{name}: {corpus['characters']:,} characters, {different}"
    found.append(("text" if corpus else "characters", different))
    if corpus and corpus["lines"]:
        found.append(("lines", "each line is an item of its own"))
    if corpus and corpus["min_count"] > 1:
        rare = f"those that occur fewer than {corpus['min_count']:,} times are read as U+FFFD"
        found.append(("rare", rare))
    if summary["settings"]:
        settings = TrainingConfig(**summary["settings"])
        diverged = f"; diverged at step {summary['diverged']:,}" if summary["diverged"] else ""
        found.append(
            (
                "steps",
                f"{summary['step']:,} of {settings.steps:,}, {settings.batch_size} × "
                f"{settings.seq_length} characters each, {settings.optimizer}{diverged}",
            )
        )
    for name, loss in (("training", summary["train_loss"]), ("held out", summary["val_loss"])):
        if loss is not None:
            found.append((name, f"{loss:.4f} nats, {loss / log(2):.4f} bits a character"))
    return found


def describe(summary: dict[str, Any], checkpoint: Checkpoint, width: int, style: Style) -> str:
    """The description of a model for a terminal, with the learning curves and the vocabulary.

    Args:
        summary: the description.
        checkpoint: the checkpoint.
        width: the width of the terminal in columns.
        style: the colours and characters of the terminal.
    """
    lines: list[str] = []
    for name, value in rows(summary):
        lines += labelled(name, wrapped(value, width - LABEL))
    curves = learning_curves(checkpoint.run.history)
    if scales(curves):
        lines += ["", *chart_lines(curves, width, style)]
    characters = checkpoint.vocabulary.ix_to_char
    more = f" and {len(characters) - SHOWN} more" if len(characters) > SHOWN else ""
    shown = "".join(VISIBLE.get(c, printable(c)) for c in characters[:SHOWN])
    return "\n".join([*lines, "", *labelled("vocabulary", broken(shown + more, width - LABEL))])


def labelled(label: str, lines: Iterable[str]) -> Iterator[str]:
    """Lines with a label before the first."""
    for number, line in enumerate(lines):
        yield padded("" if number else label, LABEL) + line
