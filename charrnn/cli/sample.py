"""`charrnn sample`: write text with a trained model."""

from __future__ import annotations

import json
import os
import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from itertools import chain
from typing import Any

import click
import numpy as np

from charrnn.arrays import Array
from charrnn.checkpoint import Checkpoint
from charrnn.cli.console import notice, refuse_terminal
from charrnn.cli.help import GroupedCommand
from charrnn.cli.interrupts import unwinding
from charrnn.cli.options import (
    Escaped,
    Integer,
    Real,
    check_encoding,
    checkpoint_option,
    decoding,
    encoding_options,
    read_checkpoint,
    typed,
    weights_option,
)
from charrnn.inspection.positions import read_on
from charrnn.inspection.wording import unseen
from charrnn.network.holding import Held, beyond_reach, parse_all
from charrnn.network.model import CharRNN
from charrnn.render.escape import one_line, printable, readable_bytes
from charrnn.sampling import (
    MAX_TRIES,
    Character,
    Choice,
    Start,
    beginning,
    check_stops,
    items,
    likeliest,
    sample,
)
from charrnn.shell import command_line, words_for
from charrnn.text import corpus as corpora
from charrnn.text.decoding import bytewise
from charrnn.text.normal_forms import compose

#: Characters of a prime from which on a bar is shown.
LONG_PRIME = 50_000
#: Between two samples: on a terminal, elsewhere, and where each sample is a line.
RULE, EMPTY_LINE, NEWLINE = "\n\n" + 40 * "-" + "\n\n", "\n\n", "\n"
#: The help.
GROUPS = {
    "The model": ["checkpoint", "weights", "hold"],
    "The text": [
        *("length", "prime", "prime_file", "unknown", "stops", "num_samples", "lines", "new"),
        "unique",
        *("encoding", "encoding_errors"),
    ],
    "The choice of characters": ["temperature", "top_k", "top_p", "min_p", "seed"],
    "Output": ["no_prime", "separator", "as_json", "raw", "next"],
}
#: Options for writing a text, which `--next` does not do.
OF_WRITING = [
    *("length", "stops", "num_samples", "temperature", "top_k", "top_p", "min_p", "seed"),
    *("lines", "new", "unique", "no_prime", "separator", "raw"),
]


@click.command(
    "sample", short_help="Write text with a trained model.", cls=GroupedCommand, groups=GROUPS
)
@checkpoint_option
@click.option(
    "--length",
    type=Integer(0),
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
    help="Below 1 safer, above 1 wilder; 0 takes the most likely character, and repeats itself.",
)
@click.option("--top-k", type=Integer(1), help="Only the K most likely characters.")
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
    type=Escaped(),
    default="",
    metavar="TEXT",
    help=r"The beginning of the text; \n is a newline, \t a tab, \\ a backslash.",
)
@click.option(
    "--prime-file",
    metavar="FILE",
    help="File with the beginning of the text, without escape sequences; - for stdin.",
)
@click.option(
    "--unknown",
    type=click.Choice(["error", "skip", "replace"]),
    help="Refuse unknown characters of the prime, skip them, or read U+FFFD.  "
    "[default: replace for a model of train --min-count, else error]",
)
@click.option(
    "--stop",
    "stops",
    type=Escaped(),
    multiple=True,
    metavar="STRING",
    help=r"End before this string; \n is a newline. Can be repeated.",
)
@click.option(
    "--num-samples",
    type=Integer(1),
    default=1,
    show_default=True,
    help="Number of samples.",
)
@click.option(
    "--lines",
    type=Integer(1),
    metavar="N",
    help="Write N items, one a line; for a model of train --lines.",
)
@click.option("--new", is_flag=True, help="Leave out items of --lines that the training text has.")
@click.option("--unique", is_flag=True, help="Write each item of --lines once.")
@click.option(
    "--seed",
    type=Integer(0),
    help="Seed of the random choices.  [default: a random one, which is shown]",
)
@weights_option
@click.option(
    "--hold",
    multiple=True,
    metavar="CELL=VALUE",
    help="Hold a cell (hidden unit) at a value while the model reads the prime and writes: 42=0.9, "
    "1.42=0.9 in layer 1, 1.42.c=0.9 for the memory of an LSTM. 42=+0.5 adds 0.5 in each step, "
    "42=+-0.5 subtracts it. Can be repeated.",
)
@click.option("--no-prime", is_flag=True, help="Leave the prime out of the output.")
@click.option(
    "--separator",
    type=Escaped(),
    metavar="STRING",
    help=r"Between two samples; \n is a newline.  [default: an empty line, with a rule on a "
    r"terminal; only a newline if every sample is a line, as with --stop '\n']",
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Write a JSON object for each sample, with the log-probabilities of its characters before "
    "(log_probs) and after (sampled_log_probs) temperature and filters.",
)
@click.option("--raw", is_flag=True, help="Do not escape control characters on a terminal.")
@click.option(
    "--next",
    "next",
    type=Integer(1),
    metavar="K",
    help="Write no text: list the K likeliest next characters after the prime with their "
    "probabilities, before temperature and filters.",
)
@encoding_options("--prime-file")
@np.errstate(over="ignore", invalid="ignore")  # checked by `sample`
def command(**options: Any) -> None:
    """Write text with a trained model.

    \b
        charrnn sample --temp 0.8
        charrnn sample --prime "ROMEO:" --length 500 --stop "\\n\\n"
        charrnn sample --num-samples 20 --stop "\\n" | sort -u
        charrnn sample --lines 50 --new --unique
        charrnn sample --num-samples 5 --seed 1 --json > samples.jsonl
        charrnn sample --next 10 --prime "the c"
        charrnn sample --hold 42=0.9

    The text goes to stdout character by character, beginning with the prime; in UTF-8, except on a
    terminal with another encoding. Sample number i depends only on the seed and on i, not on the
    number of samples. A model of bytes (train --binary) writes bytes only; a terminal shows those
    that are UTF-8 as text, and any other as an escape such as \\xe9.

    The text begins as a paragraph or a line does: the model first reads a newline, which is not
    written, in the state that it has on average at the ends of paragraphs or lines. A model without
    newlines begins in an empty state; without a prime its first character is then as likely, before
    temperature and filters, as it is frequent in the excerpt that the checkpoint carries.

    --json writes the prime, the text, the settings with the seed, and two natural logarithms for
    each character of the text: log_probs of the probability by the model, before temperature and
    filters, and sampled_log_probs of the probability that the character was drawn with, after both.
    Prime and text have the Unicode normal form of the training (train --normalize), if any; without
    --json, text in NFD is written in NFC.
    """
    with unwinding():
        write_samples(options)


def write_samples(options: dict[str, Any]) -> None:
    """Draw the samples and write them, or list the next characters."""
    if options["next"]:
        check_next()
    check_encoding(options, "--prime-file", options["prime_file"])
    choice = Choice(*(options[name] for name in ("temperature", "top_k", "top_p", "min_p")))
    checkpoint = read_checkpoint(options["checkpoint"])
    model = checkpoint.build(options["weights"])
    prime, stops = prime_and_stops(checkpoint, options)
    if options["lines"]:
        check_items(model, checkpoint, prime, options)
    elif options["new"] or options["unique"]:
        flag = "--new" if options["new"] else "--unique"
        raise click.UsageError(f"{flag} needs --lines: add --lines N")
    check_stops(stops, model.vocabulary)
    held = held_cells(model, options["hold"])
    indices = indices_of(prime, model, options)
    start = after_prime(model, beginning(model, checkpoint.excerpt), indices, held)
    if options["next"]:
        if held and not len(indices):
            raise click.UsageError(
                "--next --hold without a prime: no cell has been held yet: add --prime TEXT"
            )
        write_next(model, start, indices, held, options, checkpoint)
        return
    written = model.vocabulary.decode(indices)
    if options["lines"]:
        write_items(model, start, choice, written, held, checkpoint, options)
    else:
        write_texts(model, start, choice, written, stops, held, checkpoint, options)


def prime_and_stops(checkpoint: Checkpoint, options: dict[str, Any]) -> tuple[str, list[str]]:
    """Return the prime and the stops as the text of the training was read.

    Raises:
        click.UsageError: for both --prime and --prime-file.
        TextError: if the file of the prime cannot be read.
    """
    binary = checkpoint.binary
    prime, fitted = checkpoint.converted(read_prime(options, binary, checkpoint.newlines))
    later = [checkpoint.converted(bytewise(s) if binary else s) for s in options["stops"]]
    if fitting := fitted or next((each.fitted for each in later if each.fitted), None):
        notice(f"prime and stops are read in the normal form {fitting.upper()} of the model")
    return prime, [each.text for each in later]


def indices_of(prime: str, model: CharRNN, options: dict[str, Any]) -> Array:
    """Return the indices of the prime, (N,); a notice counts its unknown characters.

    Raises:
        UnknownCharacterError: for an unknown character, unless the options accept it.
    """
    indices = model.vocabulary.encode(prime, unknown=options["unknown"])
    if unknown := model.vocabulary.count_unknown(prime):
        seen = unseen(unknown, " of the prime")
        skipped = options["unknown"] == "skip"
        notice(f"skipped {seen}" if skipped else f"read U+FFFD for {seen}")
    return indices


def write_texts(
    model: CharRNN,
    start: Start,
    choice: Choice,
    prime: str,
    stops: list[str],
    held: Sequence[Held],
    checkpoint: Checkpoint,
    options: dict[str, Any],
) -> None:
    """Write samples of a running text; arguments as for `write_items`, and the stops."""
    form, binary = checkpoint.normalize, checkpoint.binary
    samples = sample(
        model,
        start,
        options["length"],
        choice,
        num_samples=options["num_samples"],
        stops=stops,
        seed=seed_of(options),
        log_probs=options["as_json"],
        hold=held,
    )
    if options["as_json"]:
        settings = settings_of(options, choice, held, checkpoint)
        for number, text in enumerate(samples, start=1):
            write_record({"prime": prime}, {"sample": number, **settings}, text)
        return
    shown = "" if options["no_prime"] else prime
    between = separator(options, stops, shown)
    for number, text in enumerate(samples):
        if number:
            write([bytewise(between) if binary else between], binary=binary, raw=True)
        pieces = chain([shown], (character.char for character in text))
        write(pieces, form=form, binary=binary, raw=options["raw"])
    if sys.stdout.isatty() or not binary:
        click.echo()


def check_next() -> None:
    """Check that `--next` has no option beside it that is for writing a text.

    Raises:
        click.UsageError: for the first such option.
    """
    for parameter in click.get_current_context().command.params:
        if parameter.name in OF_WRITING and typed(parameter.name):
            raise click.UsageError(f"--next writes no text: leave out {parameter.opts[0]}")


def write_next(
    model: CharRNN,
    start: Start,
    prime: Array,
    held: Sequence[Held],
    options: dict[str, Any],
    checkpoint: Checkpoint,
) -> None:
    """Write the likeliest next characters: aligned on a terminal, else with tabs, or as JSON.

    Args:
        model: the model.
        start: the state after the prime.
        prime: its indices, (N,).
        held: the cells that are held.
        options: of the command.
        checkpoint: of the model.
    """
    best, probabilities = likeliest(start.logits, options["next"])
    chars = model.vocabulary.decode(best)
    if options["as_json"]:
        listed = [
            {"character": char, "probability": round(p, 6)}
            for char, p in zip(chars, probabilities.tolist())
        ]
        record = {"prime": model.vocabulary.decode(prime), "next": listed}
        record["hold"] = list(map(str, held))
        click.echo(json.dumps(record | weights_of(options, checkpoint), allow_nan=False))
        return
    terminal = sys.stdout.isatty()
    if terminal:
        click.echo("probability  character")
    for char, p in zip(chars, probabilities.tolist()):
        shown = one_line("".join(readable_bytes([char])) if checkpoint.binary else char)
        click.echo(f"{p:11.4f}  '{shown}'" if terminal else f"{shown}\t{p:.6f}")


def check_items(
    model: CharRNN, checkpoint: Checkpoint, prime: str, options: dict[str, Any]
) -> None:
    """Check that a model can write the items that the options ask for.

    Raises:
        click.UsageError: if the model is not one of lines, or for options that do not belong
            together.
    """
    if not model.lines:
        remedy = "train one with `charrnn train --lines TEXT`"
        if not model.vocabulary.unknown("\n"):
            words = [*words_for("sample", options["checkpoint"]), "--num-samples"]
            single = command_line([*words, str(options["lines"]), "--stop", r"\n"])
            remedy += f", or write single lines of a running text with `{single}`"
        raise click.UsageError(f"{options['checkpoint']}: no model of a list: {remedy}")
    for name, flag in (("stops", "--stop"), ("separator", "--separator")):
        if options[name]:
            raise click.UsageError(f"--lines writes one item a line: leave out {flag}")
    if options["new"] and checkpoint.items is None:
        raise click.UsageError(
            f"{options['checkpoint']}: has no hashes of the items of its text: leave out --new"
        )
    if options["num_samples"] > 1:
        raise click.UsageError("--lines and --num-samples: give only one of them")
    if "\n" in prime:
        raise click.UsageError("the prime has a newline, and an item of a list has none: remove it")


def write_items(
    model: CharRNN,
    start: Start,
    choice: Choice,
    prime: str,
    held: Sequence[Held],
    checkpoint: Checkpoint,
    options: dict[str, Any],
) -> None:
    """Write items of a list, one a line.

    Args:
        model: one of lines.
        start: the state after the prime.
        choice: the settings for drawing.
        prime: the beginning of each item.
        held: the cells that are held.
        checkpoint: of the model.
        options: of the command.
    """
    number, length = options["lines"], options["length"]
    seed = seed_of(options)
    drawn = items(
        model,
        start,
        number,
        length,
        choice,
        prime=prime,
        known=checkpoint.items if options["new"] else None,
        unique=options["unique"],
        seed=seed,
        log_probs=options["as_json"],
        hold=held,
    )
    shown = "" if options["no_prime"] else prime
    written = cut = 0
    for item in drawn:
        written += 1
        cut += len(item) == length
        if options["as_json"]:
            settings = settings_of(options, choice, held, checkpoint)
            settings |= {name: options[name] for name in ("new", "unique")}
            write_record({"prime": prime}, {"sample": written, **settings}, iter(item))
            continue
        pieces = chain([shown], (character.char for character in item), ["\n"])
        write(pieces, form=checkpoint.normalize, binary=checkpoint.binary, raw=options["raw"])
    if cut:
        notice(f"{cut:,} of {written:,} items end after {length:,} characters, by --length")
    if written < number:
        notice(
            f"{written:,} of {number:,} items: the next {MAX_TRIES:,} were empty, known or repeated"
        )


def held_cells(model: CharRNN, texts: Sequence[str]) -> list[Held]:
    """Return the cells to hold; a notice says which values no cell reaches by itself.

    Raises:
        SettingError: for a cell that the model does not have.
    """
    held = parse_all(model, texts, "--hold")
    for message in beyond_reach(model, held):
        notice(f"--hold {message}")
    return held


def after_prime(model: CharRNN, start: Start, indices: Array, held: Sequence[Held]) -> Start:
    """Return the state after the prime; a bar shows the reading of a long one."""
    if len(indices) < LONG_PRIME:
        return read_on(model, start, indices, hold=held)
    from charrnn.cli.progress import bar_of_share  # of use for a long prime alone, slow to import

    with bar_of_share("reading the prime") as progress:
        return read_on(model, start, indices, progress, held)


def write(
    pieces: Iterable[str], *, form: str | None = None, binary: bool = False, raw: bool = False
) -> None:
    """Write a text to stdout piece by piece.

    Args:
        pieces: the text in pieces.
        form: the Unicode normal form of the text; NFD is written in NFC.
        binary: the characters stand for bytes.
        raw: escape nothing on a terminal.
    """
    terminal = sys.stdout.isatty()
    if form == "nfd":
        pieces = compose(chain.from_iterable(pieces))
    if terminal and not raw:
        pieces = readable_bytes(pieces) if binary else map(printable, pieces)
        binary = False
    for piece in pieces:
        if binary:
            sys.stdout.buffer.write(piece.encode("latin-1"))
        else:
            sys.stdout.write(piece)
        # A terminal shows each character at once; a program gets whole lines, since flushing costs.
        if terminal or "\n" in piece:
            sys.stdout.flush()


def separator(options: dict[str, Any], stops: list[str], prime: str) -> str:
    """Return the text between two samples.

    Args:
        options: the options of the command.
        stops: the strings that end a sample.
        prime: the beginning of each sample, as it is written.
    """
    given: str | None = options["separator"]
    if given is not None:
        return given
    if "\n" in stops and "\n" not in prime:
        return NEWLINE
    return RULE if sys.stdout.isatty() else EMPTY_LINE


def seed_of(options: dict[str, Any]) -> int:
    """Return the seed; a random one is said, and set in the options."""
    if options["seed"] is None:
        options["seed"] = int.from_bytes(os.urandom(4), "little")
        if options["temperature"]:  # at 0 nothing is drawn
            notice(f"seed {options['seed']}: the same again with --seed {options['seed']}")
    seed: int = options["seed"]
    return seed


def read_prime(options: dict[str, Any], binary: bool, newlines: str) -> str:
    """Return the beginning of the samples.

    Args:
        options: the options of the command.
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


def settings_of(
    options: dict[str, Any], choice: Choice, held: Sequence[Held], checkpoint: Checkpoint
) -> dict[str, Any]:
    """Return the settings that give the same samples again, for JSON."""
    return {
        "seed": options["seed"],
        **asdict(choice),
        "length": options["length"],
        "stop": options["stops"],
        "hold": list(map(str, held)),
        **weights_of(options, checkpoint),
    }


def weights_of(options: dict[str, Any], checkpoint: Checkpoint) -> dict[str, Any]:
    """Return the weights that are used, for JSON."""
    best = options["weights"] == "best" and checkpoint.run.best_loss is not None
    return {
        "checkpoint": str(options["checkpoint"]),
        "weights": options["weights"],
        "step": checkpoint.run.best_step if best else checkpoint.run.step,
    }


def write_record(before: dict[str, Any], after: dict[str, Any], text: Iterator[Character]) -> None:
    """Write a sample as JSON; one that Ctrl-C ends has the characters that were drawn.

    Args:
        before, after: the entries before and after the text and its log-probabilities.
        text: the characters.
    """
    chars: list[str] = []
    log_probs = {"log_probs": array("d"), "sampled_log_probs": array("d")}
    try:
        for char, *numbers in text:
            for row, number in zip(log_probs.values(), numbers):
                row.append(number or 0.0)
            chars.append(char)
    finally:
        rounded = {
            name: [round(number, 6) for number in row[: len(chars)]]
            for name, row in log_probs.items()
        }
        record = {**before, "text": "".join(chars), **rounded, **after}
        click.echo(json.dumps(record, allow_nan=False))
