"""`charrnn inspect`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from math import log
from typing import Any

import click
import numpy as np

from charrnn import checkpoint as checkpoints
from charrnn.checkpoint import Checkpoint
from charrnn.cli.options import (
    checkpoint_option,
    encoding_option,
    notice,
    refuse_terminal,
    weights_option,
)
from charrnn.errors import SettingError, TextError
from charrnn.evaluation import evaluate, evaluate_dynamically
from charrnn.inspection.following import Following, follow
from charrnn.inspection.reading import signals_of
from charrnn.inspection.recording import Recording, record
from charrnn.model import CharRNN
from charrnn.parameters import Array
from charrnn.render.cells import colored_text
from charrnn.render.chart import chart
from charrnn.render.colors import Depth, color_depth
from charrnn.render.curves import learning_curves
from charrnn.render.escape import printable
from charrnn.text import corpus as corpora

#: How white space is shown in the vocabulary.
VISIBLE = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}
#: Characters to show, and guesses under each, unless asked otherwise.
LENGTH, GUESSES = 2000, 5
#: A cell that follows a feature less than this is said to follow none.
WEAK = 0.4


@click.command("inspect", short_help="Look inside a trained model.")
@checkpoint_option
@click.option("--cell", type=click.IntRange(0), help="Colour a text by this hidden unit.")
@click.option(
    "--layer", type=click.IntRange(1), help="The layer of the cell, from 1.  [default: the last]"
)
@click.option(
    "--signal",
    type=click.Choice(["h", "c", "i", "f", "o", "g", "r", "z", "n"]),
    help="What of the cell: its output h, the memory c of an LSTM, or a gate.  [default: h]",
)
@click.option("--text", metavar="FILE", help="Another text than the excerpt in the checkpoint.")
@click.option(
    "--length",
    type=click.IntRange(1),
    help="Characters of the text to show.  [default: 2000]",
)
@click.option(
    "--dynamic",
    is_flag=True,
    help="Score the text once more by a model that learns from it as it goes.",
)
@click.option("--predictions", is_flag=True, help="Five guesses for the next character under each.")
@weights_option
@click.option("--json", "as_json", is_flag=True, help="Numbers instead of pictures.")
@click.option("--color/--no-color", default=None, help="[default: on a terminal]")
@encoding_option
def command(**options: Any) -> None:
    """Look inside a trained model.

    \b
        charrnn inspect
        charrnn inspect --cell 42
        charrnn inspect --cell 7 --signal z --text letter.txt --color | less -R
        charrnn inspect --text letter.txt --dynamic
        charrnn inspect --json | jq .val_loss

    Alone it describes the model. With --cell it colours a text by the value of one hidden
    unit after each character: blue below zero, red above; gates from blue, closed, to red,
    open. The text is held-out text that the checkpoint carries, or --text, which is also
    scored. With --dynamic it is scored twice: as it is, and by dynamic evaluation, where a step
    of gradient descent follows on every 32 characters once they are scored.
    """
    cell, path = options["cell"], options["text"]
    of_a_cell = [name for name in ("layer", "signal", "length", "predictions") if options[name]]
    if cell is None and of_a_cell:
        raise click.UsageError(f"--{of_a_cell[0]} is about a cell: add --cell")
    checkpoint = checkpoints.read(options["checkpoint"])
    model = checkpoint.build(options["weights"])
    if cell is not None and cell >= model.hidden_size:
        raise SettingError(f"--cell {cell}: the layers have cells 0 to {model.hidden_size - 1}")
    if path is None and cell is None and not options["dynamic"]:
        summary = summarize(model, checkpoint)
        click.echo(json.dumps(summary) if options["as_json"] else describe(summary, checkpoint))
        return
    text, indices = read_text(model, checkpoint, path, options["encoding"])
    result = {"text": path or "the held-out excerpt", "characters": len(text)}
    result |= scores(model, indices, options["dynamic"])
    if cell is not None:
        inspect_cell(model, cell, text, indices, result, options)
    elif options["as_json"]:
        click.echo(json.dumps(result))
    else:
        click.echo(scored(result))


def scores(model: CharRNN, indices: Array, dynamic: bool) -> dict[str, float | None]:
    """How well a text is predicted, in nats and bits a character."""
    if len(indices) < 2:
        return {"loss": None}
    loss = evaluate(model, indices)
    result: dict[str, float | None] = {"loss": loss, "bpc": loss / log(2)}
    if dynamic:
        loss = evaluate_dynamically(model, indices)
        result |= {"dynamic_loss": loss, "dynamic_bpc": loss / log(2)}
    return result


def inspect_cell(
    model: CharRNN,
    cell: int,
    text: str,
    indices: Array,
    result: dict[str, Any],
    options: dict[str, Any],
) -> None:
    """Show a text by the values of one cell, below what `result` says of the text."""
    layer, signal = options["layer"] or model.num_layers, options["signal"] or "h"
    length = options["length"] or LENGTH
    guesses = GUESSES if options["predictions"] else 0
    (shown,) = signals_of(model, layer, [signal])
    recording = record(model, indices, [shown], guesses=guesses)
    values = recording.values[shown][:, cell]
    if signal == "c":
        values = np.tanh(values)  # which is what the output sees of it
    found = follow(values, text)
    result.update(cell=cell, layer=layer, signal=signal)
    result.update(cell_numbers(values[:length], values, found))
    if options["as_json"]:
        click.echo(json.dumps(result))
        return
    for line in above(result, found):
        click.echo(line)
    if signal in model.layers[0].cell.gates:
        values = 2 * values - 1
    show(model, recording, text[:length], values[:length], color_depth(options["color"]))


def summarize(model: CharRNN, checkpoint: Checkpoint) -> dict[str, Any]:
    """What there is to say of a model, as JSON holds it."""
    run = checkpoint.run
    best = run.get("best_loss")
    losses = [point["loss"] for point in run.get("history", []) if point["loss"] is not None]
    return {
        "model": model.cell,
        "hidden_size": model.hidden_size,
        "num_layers": model.num_layers,
        "num_parameters": model.parameters.flat.size,
        "vocabulary_size": len(model.vocabulary),
        "step": run.get("step"),
        "best_step": run.get("best_step"),
        "train_loss": losses[-1] if losses else None,
        "val_loss": best,
        "val_bpc": None if best is None else best / log(2),
        "corpus": checkpoint.corpus,
        "settings": checkpoint.settings,
        "versions": checkpoint.versions,
    }


def describe(summary: dict[str, Any], checkpoint: Checkpoint) -> str:
    """The same for people."""
    corpus, settings = summary["corpus"], summary["settings"]
    lines = [
        f"model       {summary['model']}, {summary['num_layers']} × {summary['hidden_size']} units,"
        f" {summary['num_parameters']:,} parameters",
        f"text        {corpus['name']}: {corpus['characters']:,} characters, "
        f"{summary['vocabulary_size']} different",
        f"steps       {summary['step']:,} of {settings['steps']:,}, {settings['batch_size']} "
        f"× {settings['seq_length']} characters each, {settings['optimizer']}",
    ]
    for name, loss in (("training", summary["train_loss"]), ("held out", summary["val_loss"])):
        if loss is not None:
            lines.append(f"{name:11} {loss:.4f} nats, {loss / log(2):.4f} bits a character")
    history = checkpoint.run["history"]
    if len(history) > 1:
        lines += ["", *chart(learning_curves(history), width=68)]
    characters = checkpoint.vocabulary.ix_to_char
    shown = "".join(VISIBLE.get(character, character) for character in characters[:200])
    more = f" and {len(characters) - 200} more" if len(characters) > 200 else ""
    lines += ["", f"vocabulary  {shown}{more}"]
    return printable("\n".join(lines))


def read_text(
    model: CharRNN, checkpoint: Checkpoint, path: str | None, encoding: str | None
) -> tuple[str, Array]:
    """The text to look at, and its indices; characters the model does not know are left out."""
    text = checkpoint.excerpt
    if path is not None:
        refuse_terminal((path,))
        text = corpora.read([path], encoding, checkpoint.normalize).text
    indices = model.vocabulary.encode(text, unknown="skip")
    if dropped := len(text) - len(indices):
        notice(f"left out {dropped:,} characters that the model has not seen")
        text = model.vocabulary.decode(indices)
    if not text:
        raise TextError(f"{path or 'the excerpt in the checkpoint'}: no text to look at")
    return text, indices


def cell_numbers(shown: Array, values: Array, found: list[Following]) -> dict[str, Any]:
    """What there is to say of one cell, as JSON holds it."""
    return {
        "lowest": float(values.min()),
        "mean": float(values.mean()),
        "highest": float(values.max()),
        "follows": [
            {"feature": f.feature, "measure": f.measure, "score": round(f.score, 4)} for f in found
        ],
        "values": [round(float(value), 4) for value in shown],
    }


def scored(result: dict[str, Any]) -> str:
    """How well a text was predicted, for people."""
    if result["loss"] is None:
        return f"{result['text']}: a single character, nothing to predict"
    lines = [
        f"{result['text']}: {result['characters']:,} characters, {result['loss']:.4f} nats, "
        f"{result['bpc']:.4f} bits a character"
    ]
    if "dynamic_loss" in result:
        lines.append(
            f"by dynamic evaluation, learning from it as it goes: {result['dynamic_loss']:.4f} "
            f"nats, {result['dynamic_bpc']:.4f} bits a character"
        )
    return printable("\n".join(lines))


def above(result: dict[str, Any], found: list[Following]) -> Iterator[str]:
    """The lines above a coloured text: what is known of the cell, and of the text."""
    yield (
        f"layer {result['layer']}, cell {result['cell']}, {result['signal']}: "
        f"{result['lowest']:.2f} to {result['highest']:.2f}, mean {result['mean']:.2f}"
    )
    if found:
        best = found[0]
        said = f"{best.feature} ({best.measure} {best.score:.2f})"
        weak = best.strength < WEAK
        yield f"follows no feature well; best: {said}" if weak else f"follows best: {said}"
    else:
        yield "the text has no feature to follow"
    yield scored(result)
    yield ""


def show(model: CharRNN, recording: Recording, text: str, values: Array, depth: Depth) -> None:
    """Colour a text by the values of a cell, from −1 to 1, with guesses where recorded."""
    guesses = None
    if recording.guesses.shape[1]:
        chars = model.vocabulary.ix_to_char
        guesses = [[chars[index] for index in row] for row in recording.guesses[: len(text)]]
    width = shutil.get_terminal_size().columns
    for line in colored_text(text, values, depth, width, guesses):
        # The escapes in it are our own; those of the text are spelled out already.
        click.echo(line, color=True)
