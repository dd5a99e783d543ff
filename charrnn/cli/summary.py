"""`charrnn inspect` alone: the description of a model."""

from __future__ import annotations

from dataclasses import asdict
from math import log
from typing import Any

from charrnn.checkpoint import Checkpoint
from charrnn.config import TrainingConfig
from charrnn.inspection.learning_curves import learning_curves
from charrnn.network.model import CharRNN
from charrnn.render.chart import chart
from charrnn.render.escape import MAX_NAME, one_line, printable

#: White space as the vocabulary shows it.
VISIBLE = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}


def summarize(model: CharRNN, checkpoint: Checkpoint) -> dict[str, Any]:
    """The description of a model as JSON."""
    run = checkpoint.run
    best = run.best_loss
    train_loss = run.train_loss(checkpoint.settings) if checkpoint.settings else None
    return {
        "model": model.layer_type,
        "hidden_size": model.hidden_size,
        "num_layers": model.num_layers,
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
    """The same for people, as pairs of a label and a text.

    A model that was saved from Python may have neither a text nor a run.
    """
    corpus, different = summary["corpus"], f"{summary['vocabulary_size']} different"
    found = [
        (
            "model",
            f"{summary['model']}, {summary['num_layers']} × {summary['hidden_size']} cells, "
            f"{summary['num_parameters']:,} parameters",
        )
    ]
    if corpus:
        name = one_line(corpus["name"], MAX_NAME)
        different = f"{name}: {corpus['characters']:,} characters, {different}"
    found.append(("text" if corpus else "characters", different))
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


def describe(summary: dict[str, Any], checkpoint: Checkpoint) -> str:
    """The same for a terminal, with the learning curves and the vocabulary."""
    lines = [f"{name:11} {value}" for name, value in rows(summary)]
    history = checkpoint.run.history
    if len(history) > 1:
        lines += ["", *chart(learning_curves(history), width=68)]
    characters = checkpoint.vocabulary.ix_to_char
    shown = "".join(VISIBLE.get(character, character) for character in characters[:200])
    more = f" and {len(characters) - 200} more" if len(characters) > 200 else ""
    lines += ["", f"vocabulary  {shown}{more}"]
    return printable("\n".join(lines))
