"""`charrnn sample`: write text with a trained model."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from itertools import chain
from typing import Any

import click
import numpy as np

from charrnn import checkpoint as checkpoints
from charrnn.cli.console import notice, refuse_terminal
from charrnn.cli.help import GroupedCommand
from charrnn.cli.options import (
    Real,
    checkpoint_option,
    decoding,
    encoding_options,
    weights_option,
)
from charrnn.inspection.wording import characters
from charrnn.render.escape import printable, printable_bytes
from charrnn.sampling import Character, Choice, sample
from charrnn.text import corpus as corpora
from charrnn.text.normal_forms import compose, normalized

#: The line between two samples.
RULE = "\n" + 40 * "-" + "\n"
#: The help.
GROUPS = {
    "The model": ["checkpoint", "weights"],
    "The text": [
        *("length", "prime", "prime_file", "unknown", "stops", "num_samples"),
        *("encoding", "encoding_errors"),
    ],
    "The choice of characters": ["temperature", "top_k", "top_p", "min_p", "seed"],
    "Output": ["as_json", "raw"],
}


@click.command(
    "sample", short_help="Write text with a trained model.", cls=GroupedCommand, groups=GROUPS
)
@checkpoint_option
@click.option(
    "--length",
    type=click.IntRange(0),
    default=1000,
    show_default=True,
    help="Characters to write, not counting the prime.",
)
@click.option(
    "--temp",
    "--temperature",
    "temperature",
    type=Real(0),
    default=1.0,
    show_default=True,
    help="Below 1 safer, above 1 wilder; 0 takes the most likely character.",
)
@click.option("--top-k", type=click.IntRange(1), help="Only the K most likely characters.")
@click.option(
    "--top-p",
    type=Real(0, 1, min_open=True),
    help="Only the most likely characters that together reach this probability.",
)
@click.option(
    "--min-p",
    type=Real(0, 1, min_open=True),
    help="Only characters at least this many times as likely as the most likely one.",
)
@click.option(
    "--prime",
    default="",
    metavar="TEXT",
    help="The beginning of the text.  [default: none; the model reads a newline first]",
)
@click.option(
    "--prime-file", metavar="FILE", help="File with the beginning of the text; - for stdin."
)
@click.option(
    "--unknown",
    type=click.Choice(["error", "skip", "replace"]),
    help="Refuse characters of the prime that the model has not seen, skip them, or read U+FFFD.  "
    "[default: replace for a model of train --min-count, else error]",
)
@click.option(
    "--stop",
    "stops",
    multiple=True,
    metavar="STRING",
    help=r"End before this string; \n is a newline. Can be repeated.",
)
@click.option(
    "--num-samples",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Number of samples.",
)
@click.option(
    "--seed", type=click.IntRange(0), help="Seed of the random choices.  [default: random]"
)
@weights_option
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Write a JSON object for each sample, with the log-probabilities of its characters before "
    "(log_probs) and after (sampled_log_probs) temperature and filters.",
)
@click.option("--raw", is_flag=True, help="Do not escape control characters on a terminal.")
@encoding_options("--prime-file")
@np.errstate(over="ignore", invalid="ignore")  # checked by `sample`
def command(**options: Any) -> None:
    """Write text with a trained model.

    \b
        charrnn sample --temp 0.8
        charrnn sample --prime "ROMEO:" --length 500 --stop "\\n\\n"
        charrnn sample --num-samples 5 --seed 1 --json > samples.jsonl

    The text goes to stdout character by character, beginning with the prime. Sample number i
    depends only on the seed and on i, not on the number of samples. A model of bytes (train
    --binary) writes bytes only; a terminal shows bytes outside of ASCII as escapes such as \\xe9.

    Without a prime the model first reads a newline, which is not written, so that the text begins
    like a line. A model without newlines reads nothing first: before temperature and filters, each
    of its characters is equally likely to be the first one.

    --json writes the prime, the text and two natural logarithms for each character of the text:
    log_probs of the probability by the model, before temperature and filters, and sampled_log_probs
    of the probability that the character was drawn with, after both. Prime and text have the
    Unicode normal form of the training (train --normalize), if any; without --json, text in NFD is
    written in NFC.
    """
    choice = Choice(*(options[name] for name in ("temperature", "top_k", "top_p", "min_p")))
    stops = [stop.replace("\\n", "\n") for stop in options["stops"]]
    if "" in stops:
        raise click.UsageError(
            "--stop: an empty string stops before the first character: give a string"
        )
    checkpoint = checkpoints.read(options["checkpoint"])
    model = checkpoint.build(options["weights"])
    form, binary = checkpoint.normalize, checkpoint.binary
    prime = normalized(read_prime(options, binary, checkpoint.newlines), form)
    stops = [bytewise(stop) if binary else normalized(stop, form) for stop in stops]
    indices = model.vocabulary.encode(prime, unknown=options["unknown"])
    if unknown := model.vocabulary.count_unknown(prime):
        seen = f"{characters(unknown)} of the prime that the model has not seen"
        skipped = options["unknown"] == "skip"
        notice(f"skipped {seen}" if skipped else f"read U+FFFD for {seen}")
    samples = sample(
        model,
        indices,
        options["length"],
        choice,
        num_samples=options["num_samples"],
        stops=stops,
        seed=options["seed"],
        log_probs=options["as_json"],
    )
    prime = model.vocabulary.decode(indices)
    if options["as_json"]:
        for text in samples:
            click.echo(json.dumps(record(prime, list(text)), allow_nan=False))
        return
    for number, text in enumerate(samples):
        if number:
            click.echo(RULE)
        pieces = chain(prime, (character.char for character in text))
        # A model trained in NFD writes letters and accents apart: write them together.
        write(compose(pieces) if form == "nfd" else pieces, binary, raw=options["raw"])


def write(pieces: Iterable[str], binary: bool, raw: bool) -> None:
    """Write a sample to stdout piece by piece, with control characters escaped on a terminal.

    Args:
        pieces: of the sample.
        binary: its characters stand for bytes.
        raw: escape nothing.
    """
    terminal = sys.stdout.isatty()
    for piece in pieces:
        if binary and (raw or not terminal):
            sys.stdout.buffer.write(piece.encode("latin-1"))
        elif raw or not terminal:
            sys.stdout.write(piece)
        else:
            sys.stdout.write(printable_bytes(piece) if binary else printable(piece))
        # A terminal shows each character at once; a program gets whole lines, since flushing costs.
        if terminal or "\n" in piece:
            sys.stdout.flush()
    if terminal or not binary:
        click.echo()


def read_prime(options: dict[str, Any], binary: bool, newlines: str) -> str:
    """Return the beginning of the samples.

    Args:
        options: of the command.
        binary: each byte is a character to the model.
        newlines: the treatment of the line ends of a file.

    Raises:
        click.UsageError: for both --prime and --prime-file.
        TextError: if the file cannot be read.
    """
    how = decoding(options, binary, newlines)
    path: str | None = options["prime_file"]
    if path is None:
        prime: str = options["prime"]
        return bytewise(prime) if binary else prime
    if options["prime"]:
        raise click.UsageError("--prime and --prime-file: give only one of them")
    refuse_terminal((path,))
    corpus = corpora.read([path], how)
    for line in corpus.notices:
        notice(line)
    return corpus.text


def bytewise(text: str) -> str:
    """Return the bytes of an argument, each as a character."""
    return os.fsencode(text).decode("latin-1")


def record(prime: str, text: list[Character]) -> dict[str, Any]:
    """Return a sample for JSON.

    Args:
        prime: the beginning that the model read.
        text: the characters after it, with their log-probabilities.
    """
    chars, *log_probs = zip(*text) if text else ((), (), ())
    names = ("log_probs", "sampled_log_probs")
    rounded = ([round(log_prob, 6) for log_prob in row] for row in log_probs)
    return {"prime": prime, "text": "".join(chars), **dict(zip(names, rounded))}
