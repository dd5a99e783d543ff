"""`charrnn sample`."""

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
from charrnn.cli.options import (
    Real,
    checkpoint_option,
    decoding,
    encoding_options,
    weights_option,
)
from charrnn.render.escape import printable, printable_bytes
from charrnn.render.wording import characters
from charrnn.sampling import Character, Choice, sample
from charrnn.text import corpus as corpora
from charrnn.text.normal_forms import compose, normalized

#: Between samples.
RULE = "\n" + 40 * "-" + "\n"


@click.command("sample", short_help="Write text with a trained model.")
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
    help="Below 1 safer, above 1 wilder; 0 takes the likeliest character.",
)
@click.option("--top-k", type=click.IntRange(1), help="Only the K likeliest characters.")
@click.option(
    "--top-p",
    type=Real(0, 1, min_open=True),
    help="Only the likeliest characters that together reach this probability.",
)
@click.option(
    "--min-p",
    type=Real(0, 1, min_open=True),
    help="Only characters at least this many times as likely as the likeliest.",
)
@click.option(
    "--prime",
    default="",
    metavar="TEXT",
    help="The beginning of the text.  [default: none; the model reads a newline first]",
)
@click.option("--prime-file", metavar="FILE", help="The same from a file; - for stdin.")
@click.option(
    "--unknown",
    type=click.Choice(["error", "skip"]),
    default="error",
    show_default=True,
    help="What to do with characters of the prime that the model has not seen.",
)
@click.option(
    "--stop",
    "stops",
    multiple=True,
    metavar="STRING",
    help=r"End where this comes, and leave it out; \n is a newline. May be given again.",
)
@click.option("--num-samples", type=click.IntRange(1), default=1, show_default=True)
@click.option("--seed", type=click.IntRange(0), help="For the same text again.")
@weights_option
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="A JSON object a sample, with log_probs, by the model before temperature and filters, and "
    "sampled_log_probs, after them.",
)
@click.option("--raw", is_flag=True, help="Do not escape control characters on a terminal.")
@encoding_options
@np.errstate(over="ignore", invalid="ignore")  # what is not finite is found out
def command(**options: Any) -> None:
    """Write text with a trained model.

    \b
        charrnn sample --temp 0.8
        charrnn sample --prime "ROMEO:" --length 500 --stop "\\n\\n"
        charrnn sample --num-samples 5 --seed 1 --json > samples.jsonl

    The text goes to stdout as it is made, beginning with the prime. Sample number i depends on
    the seed and on i alone, however many are made. A model of bytes (train --binary) writes bytes,
    and nothing else; on a terminal those that are no ASCII are spelled out, as in \\xe9.

    Without a prime the model reads a newline first, which is not written, so that the text begins
    as a line does. A model that does not know newlines reads nothing first: before temperature and
    filters, each of its characters is equally likely to be the first one.

    --json gives the prime, the text and, for each character of the text, the natural logarithms
    of two probabilities: in log_probs by the model alone, before temperature and filters, and in
    sampled_log_probs under the distribution that the character was drawn from, after temperature
    and filters. There the prime and the text are in the Unicode normal form that the model was
    trained with (train --normalize), if any; without --json, text in NFD is written in NFC.
    """
    choice = Choice(*(options[name] for name in ("temperature", "top_k", "top_p", "min_p")))
    stops = [stop.replace("\\n", "\n") for stop in options["stops"]]
    if "" in stops:
        raise click.UsageError("--stop: an empty string would stop before the first character")
    checkpoint = checkpoints.read(options["checkpoint"])
    model = checkpoint.build(options["weights"])
    form, binary = checkpoint.normalize, checkpoint.binary
    prime = normalized(read_prime(options, binary), form)
    stops = [bytewise(stop) if binary else normalized(stop, form) for stop in stops]
    indices = model.vocabulary.encode(prime, unknown=options["unknown"])
    if dropped := len(prime) - len(indices):
        notice(f"left out {characters(dropped)} of the prime that the model has not seen")
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
        # What NFD took apart for the model is put together again.
        write(compose(pieces) if form == "nfd" else pieces, binary, raw=options["raw"])


def write(pieces: Iterable[str], binary: bool, raw: bool) -> None:
    """Write a sample to stdout as it is made; bytes as they are, unless a terminal would obey them.

    Args:
        pieces: of the sample.
        binary: whether its characters stand for bytes.
        raw: not to spell out control characters, even on a terminal.
    """
    terminal = sys.stdout.isatty()
    for piece in pieces:
        if binary and (raw or not terminal):
            sys.stdout.buffer.write(piece.encode("latin-1"))
        elif raw or not terminal:
            sys.stdout.write(piece)
        else:
            sys.stdout.write(printable_bytes(piece) if binary else printable(piece))
        # At once for who watches, a line at a time for a program: to flush takes a while.
        if terminal or "\n" in piece:
            sys.stdout.flush()
    if terminal or not binary:
        click.echo()


def read_prime(options: dict[str, Any], binary: bool) -> str:
    """What the samples begin with.

    Args:
        options: of the command.
        binary: whether each byte is a character to the model.

    Raises:
        click.UsageError: where it is given twice.
        TextError: for a file that cannot be read.
    """
    how = decoding(options, binary)
    path: str | None = options["prime_file"]
    if path is None:
        prime: str = options["prime"]
        return bytewise(prime) if binary else prime
    if options["prime"]:
        raise click.UsageError("--prime and --prime-file exclude one another")
    refuse_terminal((path,))
    return corpora.read([path], how).text


def bytewise(text: str) -> str:
    """The bytes of what was typed, each as a character."""
    return os.fsencode(text).decode("latin-1")


def record(prime: str, text: list[Character]) -> dict[str, Any]:
    """A sample as JSON holds it.

    Args:
        prime: the beginning, which the model read.
        text: with its log-probabilities.
    """
    chars, *log_probs = zip(*text) if text else ((), (), ())
    names = ("log_probs", "sampled_log_probs")
    rounded = ([round(log_prob, 6) for log_prob in row] for row in log_probs)
    return {"prime": prime, "text": "".join(chars), **dict(zip(names, rounded))}
