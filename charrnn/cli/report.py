"""`charrnn inspect --html`: collect everything that the page shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from math import exp, log, log2
from pathlib import Path
from typing import Any, TypeAlias

from charrnn.arrays import Array
from charrnn.checkpoint import Checkpoint
from charrnn.cli.console import notice
from charrnn.cli.summary import rows, summarize
from charrnn.inspection.analyses import analysis
from charrnn.inspection.answer import Answer, Figure
from charrnn.inspection.effect import MAX_CHARACTERS, cell_ranges
from charrnn.inspection.find.search import HEADINGS, Finding, columns
from charrnn.inspection.learning_curves import learning_curves
from charrnn.inspection.ngram import Comparison
from charrnn.inspection.reading import Signal, signals_of
from charrnn.inspection.recording import Recording, record
from charrnn.inspection.subject import Subject
from charrnn.network.model import CharRNN
from charrnn.render import report
from charrnn.render.escape import MAX_NAME, one_line
from charrnn.render.network import MAX_FULL_BYTES, MAX_PARAMETERS, Network
from charrnn.sampling import beginning
from charrnn.shell import words_for

#: The number of values, of all cells after all characters, with which a page still opens quickly.
MAX_VALUES = 20_500_000
#: The likeliest next characters that the page shows.
GUESSES = 5

#: Layer types in a sentence.
LAYER_NAMES = {
    "gru": "a GRU",
    "lstm": "an LSTM",
    "vanilla": "a simple recurrent",
    "vanilla-relu": "a rectified recurrent",
}

#: The result and the answer of each analysis, by its name.
Answered: TypeAlias = dict[str, tuple[Any, Answer]]


def write_report(
    checkpoint: Checkpoint, subject: Subject, name: str, options: dict[str, Any], answered: Answered
) -> None:
    """Write the page.

    Args:
        checkpoint: the checkpoint of the model.
        subject: the model and the text.
        name: the name of the text.
        options: the options of the command.
        answered: the analyses to show, in order.

    Raises:
        MissingExtraError: where a package for drawing is not installed.
        SettingError: where the page cannot be written.
    """
    path: Path = options["html"]
    if options["text"]:
        name = Path(name).name  # the page may be given away: no folders
    model, text = subject.model, subject.text[: subject.shown]
    findings: tuple[Finding, ...] = answered["find"][0].rows if "find" in answered else ()
    signals = subject.signals if options["signal"] else fitting(subject, len(text), findings)
    summary = summarize(model, checkpoint)
    network = network_of(checkpoint, model, options)
    recording = record(model, subject.indices[: len(text)], signals, guesses=GUESSES)
    page = report.Report(
        title=f"{text_name(summary)}, read by {layer_name(model)} network",
        introduction=tuple(introduction(summary, network, options["weights"])),
        summary=(*facts(summary, options), ("shown", f"{shown(name)}, {len(text):,} characters")),
        text=text,
        characters=model.vocabulary.ix_to_char,
        recording=recording,
        gates=model.layers[0].gates,
        headings=HEADINGS,
        found=tuple(
            report.Find(columns(row), row.signal, row.cell, row.position) for row in findings
        ),
        sections=tuple(sections_of(checkpoint, name, options, answered)),
        network=network,
        text_name=shown(name),
        ranges=ranges_of(model, recording, subject.indices[: len(text)]) if network else {},
    )
    report.save(page, path)
    notice(f"{path}: {path.stat().st_size / 1e6:,.1f} MB; open it in a browser")


def sections_of(
    checkpoint: Checkpoint, name: str, options: dict[str, Any], answered: Answered
) -> Iterator[report.Section]:
    """The learning curves and the answers of the analyses."""
    if not options["no_analyses"]:
        learning = Answer("", (losses(checkpoint, name, answered),))
        yield report.Section("Learning", learning)
    for key, (_, answer) in answered.items():
        yield report.Section(analysis(key).HEADING, answer)


def network_of(checkpoint: Checkpoint, model: CharRNN, options: dict[str, Any]) -> Network | None:
    """The network for a page; None for one that is too large."""
    size = model.parameters.flat.size
    if size > MAX_PARAMETERS:
        notice(
            f"{size:,} parameters are too many to run in a page (limit {MAX_PARAMETERS:,}): it "
            "shows a recording only"
        )
        return None
    weights = ["--weights", options["weights"]] if options["weights"] != "best" else []
    network = Network(
        model,
        beginning(model, checkpoint.excerpt),
        checkpoint.normalize,
        checkpoint.binary,
        (*words_for("sample", options["checkpoint"]), *weights),
    )
    if network.half:
        notice(
            "the page has the weights in half precision; in full precision they need "
            f"{4 * size / 1e6:.1f} MB (limit {MAX_FULL_BYTES / 1e6:.0f} MB)"
        )
    return network


def ranges_of(model: CharRNN, recording: Recording, indices: Array) -> dict[Signal, Array]:
    """The range and the ends of each cell on the text of a page, for each signal of the state."""
    states = signals_of(model)
    missing = [signal for signal in states if signal not in recording.values]
    values = dict(recording.values)
    if missing:
        values |= record(model, indices[:MAX_CHARACTERS], missing).values
    rectified = model.layers[0].rectified
    return {signal: cell_ranges(values[signal], rectified) for signal in states}


def facts(summary: dict[str, Any], options: dict[str, Any]) -> list[tuple[str, str]]:
    """The summary of a page; it says of which weights the loss is where they are not the best."""
    if options["weights"] == "best" or summary["val_loss"] is None:
        return rows(summary)
    weights = (
        f"the last ones, of step {summary['step']:,}; the loss held out is that of the best ones, "
        f"of step {summary['best_step']:,}"
    )
    return [*rows(summary), ("weights", weights)]


def layer_name(model: CharRNN) -> str:
    """The layer type in a sentence, with its article."""
    return LAYER_NAMES.get(model.layer_type, f"a {model.layer_type}")


def text_name(summary: dict[str, Any]) -> str:
    """The name of the text of the training, at the beginning of a title."""
    name = shown(summary["corpus"].get("name", "a text"))
    return name[:1].upper() + name[1:] if " " in name else name


def introduction(
    summary: dict[str, Any], network: Network | None, weights: str = "best"
) -> Iterator[str]:
    """Paragraphs for a reader who has only the page: the text, the network, its loss.

    Args:
        summary: the description of the model.
        network: the network in the page; None for a page that only shows a recording.
        weights: the weights of the page, `best` or `last`.
    """
    corpus = summary["corpus"]
    name = shown(corpus.get("name", "a text"))
    long = f", {corpus['characters']:,} characters," if corpus else ""
    use = (
        "This page holds the network: let it write, read a text with it, and look at its cells."
        if network
        else "This page shows a recording of its cells on a text. The network itself, of "
        f"{summary['num_parameters']:,} parameters, is too large to run in a page (limit "
        f"{MAX_PARAMETERS:,})."
    )
    yield (
        f"A recurrent neural network has read {name}{long} one character at a time, and has "
        f"learned which character comes next. {use}"
    )
    L, H = summary["num_layers"], summary["hidden_size"]
    layers = f"{L} layers of {H} cells each" if L > 1 else f"one layer of {H} cells"
    kind = f"has {layers}"
    if (E := summary["ensemble"]) > 1:
        kind = f"is an ensemble of {E} networks of {H // E} cells, which predict together"
    yield (
        f"The network {kind}. A cell is one hidden unit: a number that the network computes "
        "anew after each character, from the character and from the cells before. The cells are "
        "all that the network knows about what it has read. On this page a cell is blue where its "
        "value is below zero, and red above; gates: blue closed, red open."
    )
    if binary := bool(network and network.binary):
        yield "The network reads bytes; é is two of them."
    yield from on_the_loss(summary, weights, "bytes" if binary else "characters")
    if corpus.get("lines"):
        yield "Each line is an item of its own: at a newline, the network forgets all before it."
    if network and network.half:
        yield (
            "The page has the weights in half precision (11 bits): its probabilities differ from "
            "those of the command line after about three digits."
        )


def on_the_loss(summary: dict[str, Any], weights: str, units: str) -> Iterator[str]:
    """A paragraph on how well the network predicts; none where no loss is known."""
    V, held_out = summary["vocabulary_size"], summary["val_loss"] is not None
    loss = summary["val_loss"] if held_out else summary["train_loss"]
    if loss is None:
        return
    text = "a text that it was not trained on" if held_out else "its training text"
    network, also = "the network", ""
    if held_out and weights == "last":
        network, also = "the network with its best weights", " This page has its last weights."
    like = (
        f"as unsure as if it chose among {exp(loss):.1f}"
        if loss < log(V)
        else f"no better than if it chose among {V}"
    )
    yield (
        f"After each character, each of {V} {units} has a probability to come next. On {text} "
        f"{network} needs {loss:.2f} nats, or {loss / log(2):.2f} bits, a character: it is {like} "
        f"equally likely {units}. Without any knowledge it would need {log2(V):.2f} bits.{also}"
    )


def losses(checkpoint: Checkpoint, name: str, answered: Answered) -> Figure:
    """The learning curves, with the loss of the best n-gram model where it is known."""
    beside = {}
    if "ngram" in answered:
        comparison: Comparison = answered["ngram"][0]
        loss = float(comparison.bits[comparison.best - 1] * log(2))
        beside[f"{comparison.best}-gram, on {shown(name)}"] = loss
    return learning_curves(checkpoint.run.history, beside)


def shown(name: str) -> str:
    """A name as a page shows it."""
    return one_line(name, MAX_NAME)


def fitting(subject: Subject, characters: int, findings: tuple[Finding, ...]) -> list[Signal]:
    """The signals that fit into a page, preferring those in which cells were found."""
    model = subject.model
    layers = sorted({signal.layer for signal in subject.signals})
    names = list(model.layers[0].signals)
    most = max(1, MAX_VALUES // (len(layers) * model.hidden_size * characters))
    found = Counter(row.signal.name for row in findings)
    left_out = sorted(names, key=lambda name: -found[name])[most:]
    if left_out:
        notice(f"to keep the page small, without {', '.join(left_out)}: see --signal, --length")
    if lost := sum(found[name] for name in left_out):
        notice(f"{lost} of {len(findings)} rows of the table are of these, and no links")
    kept = [name for name in names if name not in left_out]
    return [signal for layer in layers for signal in signals_of(model, layer, kept)]
