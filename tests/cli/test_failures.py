"""Error messages, exit codes and tracebacks."""

import errno
from multiprocessing import Pipe

import click
import numpy as np
import pytest
from helpers.commands import QUICK, command

from charrnn import checkpoint
from charrnn.cli import train as training
from charrnn.cli.failures import LESS_MEMORY, failure_of, safe_traceback
from charrnn.network.model import CharRNN
from charrnn.parallel.workers import LeadingWorker, OtherWorker, Seat
from charrnn.training import saving


def test_an_error_has_one_line_and_with_debug_its_traceback():
    for words, lines in ([], 1), (["--debug"], None):
        with command(*words, "train", "nothing.txt") as process:
            _, said = process.communicate(timeout=60)
        assert process.returncode == 1
        assert said.splitlines()[-1] == b"Error: nothing.txt: No such file or directory"
        assert (b"Traceback" in said) == (lines is None)
        assert lines is None or len(said.splitlines()) == lines


def test_debug_shows_where_a_usage_error_comes_from(run):
    result = run("--debug", "train", "--resume", "--overwrite", code=2)
    assert "Traceback" in result.stderr
    assert "exclude one another" in result.stderr.splitlines()[-1]


def test_debug_says_nothing_where_nothing_is_wrong(run):
    assert "Traceback" not in run("--debug", "train", "text.txt", *QUICK).stderr


@pytest.mark.parametrize("size", [100_000, 200_000])
def test_too_large_a_model_is_refused_with_a_remedy(size, run):
    result = run("train", "text.txt", "--hidden-size", size, code=1)
    last = result.stderr.splitlines()[-1]
    assert last.startswith("Error: not enough memory (")
    assert last.endswith(f"try {LESS_MEMORY['train']}")


def test_an_error_names_the_worker_without_memory():
    ours, theirs = Pipe()
    OtherWorker(Seat(1, 2), [], theirs).fail(MemoryError("not for 3 GB"))
    leader = LeadingWorker(2)
    leader._pipes.append(ours)
    with pytest.raises(MemoryError, match="worker 2: not for 3 GB"):
        leader._receive()
    leader.close()
    theirs.close()


def test_an_unforeseen_error_of_the_system_names_the_file(run, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device", "somewhere/te\x1bxt")

    monkeypatch.setattr(training, "introduce", full)
    result = run("train", "text.txt", *QUICK, code=1)
    assert result.stderr.splitlines()[-1] == (
        r"Error: somewhere/te\x1bxt: No space left on device: make room"
    )


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left"), "No space left: make room"),
        (OSError(errno.EFBIG, "Too large", "a"), "a: Too large: raise the limit of ulimit -f"),
        (OSError(errno.EMFILE, "Too many"), "Too many: raise the limit of ulimit -n"),
        (OSError(errno.EIO, "Broken", "a"), "a: Broken"),
        (OSError(errno.ENOMEM, "Cannot"), "not enough memory (Cannot): try a smaller"),
        (MemoryError(), "not enough memory: try a smaller"),
    ],
)
def test_an_error_of_the_system_has_a_remedy(error, said):
    assert failure_of(error, "sample").message.startswith(said)


def test_an_error_without_a_file_says_how_to_learn_more():
    said = failure_of(OSError(5, "Input/output error"), "sample")
    assert "--debug" in said.message
    assert said.exit_code == 1


def test_a_bug_keeps_its_traceback(run, monkeypatch):
    def bug(*arguments):
        raise KeyError("what")

    monkeypatch.setattr(training, "introduce", bug)
    with pytest.raises(KeyError):
        run("train", "text.txt", *QUICK)
    assert failure_of(KeyError("what"), "train") is None


def test_the_traceback_of_a_bug_is_harmless_to_a_terminal():
    with pytest.raises(ValueError, match="2J") as caught:
        raise ValueError("\x1b[2J")
    assert r"ValueError: \x1b[2J" in safe_traceback(caught.value)


def test_the_messages_in_a_traceback_are_one_line_each():
    try:
        raise ValueError("a\nError: forged") from KeyError("b\n" + 300_000 * "c")
    except ValueError as error:
        lines = safe_traceback(error).splitlines()
    assert r"ValueError: a\nError: forged" in lines
    assert max(map(len, lines)) < 1_100
    assert any(line.startswith("  File ") for line in lines)
    assert sum(line.startswith("Error: ") for line in lines) == 0


@pytest.mark.parametrize("words", [["\x1b[2J"], ["--\x1b[2J"], ["train", "--\x1b[2J"]])
def test_typed_words_are_harmless_to_a_terminal(words, run):
    result = run(*words, code=2)
    assert r"\x1b[2J" in result.stderr
    assert "\x1b" not in result.stderr


def test_the_message_of_a_usage_error_is_harmless_to_a_terminal():
    said = failure_of(click.UsageError("\x9b2J"), None)
    assert (said.message, said.exit_code) == (r"\x9b2J", 2)


#: Steps so large that the weights become infinite, without a validation before they are saved.
DIVERGING = ["--optimizer", "sgd", "--warmup", 0, "--schedule", "constant", "--val-frac", 0]


def test_weights_that_are_not_finite_are_never_saved(run):
    run("train", "text.txt", *QUICK)
    result = run("train", "text.txt", *QUICK, *DIVERGING, "--overwrite",
                 "--steps", 2, "--learning-rate", "1e15", "--weight-decay", "1e15",
                 code=1)  # fmt: skip
    assert (
        "some weights are not finite: the training diverged: go on from its best" in result.stderr
    )
    saved = checkpoint.read("charrnn.npz")  # refuses weights that are not finite
    assert saved.run.diverged == 3


def test_a_run_that_diverges_keeps_its_last_checkpoint_which_can_be_used(run, monkeypatch):
    """Every step is saved, except the first one that breaks the weights."""
    words = ["--optimizer", "sgd", "--warmup", 0, "--learning-rate", "1e15", "--grad-clip", 0]
    monkeypatch.setattr(saving, "SAVE_SECONDS", 0)
    monkeypatch.setattr(saving, "SAVE_RATIO", 0)
    result = run("train", "text.txt", *QUICK, *words, "--schedule", "constant", code=1)
    assert "--learning-rate" in result.stderr
    assert 1 <= checkpoint.read("charrnn.npz").run.step < 12
    run("sample", "--length", 5)


def test_an_infinite_gradient_is_not_hidden_by_clipping(run, monkeypatch):
    right = CharRNN.loss_and_gradient

    def wrong(model, *arguments, **more):
        loss = right(model, *arguments, **more)
        model.gradient.flat[0] = np.inf
        return loss

    monkeypatch.setattr(CharRNN, "loss_and_gradient", wrong)
    result = run("train", "text.txt", *QUICK, "--grad-clip-value", 1, code=1)
    assert "norm of the gradient inf" in result.stderr
