"""Every command that charrnn prints runs as it is printed."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from helpers.commands import LIGHTHOUSE, QUICK, invoke

import charrnn

#: A command in backticks, or in a line of its own.
PRINTED = re.compile(r"`((?:charrnn|shuf|cat|mv|iconv) [^`]+)`|^ {4}(charrnn [^\n]+)$", re.M)
TEXT = LIGHTHOUSE.read_text(encoding="utf-8")
SORTED = "".join(
    sorted(
        f"{a}{b}{c}{d}\n" for a in "BDGKLMNPRST" for b in "aeiou" for c in "bdk" for d in "aeiou"
    )
)
#: A training that diverges.
EXPLODING = [
    *("--model", "vanilla-relu", "--hidden-size", 16, "--optimizer", "sgd", "--grad-clip", 0),
    *("--learning-rate", 1e4, "--schedule", "constant", "--steps", 40),
]


def train(*words, code=0):
    """The messages of a training; the model is small."""
    return invoke("train", *words, code=code).stderr


def finished():
    return train("text.txt", *QUICK)


def finished_elsewhere():
    return train("text.txt", *QUICK, "-c", "a b.npz")


def ended_by_patience():
    words = ["--steps", 60, "--val-every", 1, "--patience", 1, "--learning-rate", 1]
    return train("text.txt", *QUICK[:-2], *words)


def complete():
    train("text.txt", *QUICK)
    return train("--resume", code=2)


def fewer_steps():
    train("text.txt", *QUICK)
    return train("--resume", "--steps", 5, code=2)


def rising_rate():
    train("text.txt", *QUICK[:-2], "--steps", 60)
    shutil.copy("charrnn.npz", "before.npz")
    said = train("--resume", "--steps", 200).partition("keeps the rate")[0]
    shutil.move("before.npz", "charrnn.npz")  # the command is for somebody who stops this run
    return said


def another_shape():
    train("text.txt", *QUICK)
    return train("--resume", "--hidden-size", 9, "--steps", 20, code=2)


def another_text():
    train("text.txt", *QUICK)
    Path("other.txt").write_text(TEXT + "Another line.\n", encoding="utf-8")
    return train("other.txt", "--resume", "--steps", 20, code=1)


def moved():
    Path("before").mkdir()
    shutil.copy("text.txt", "before/moved.txt")
    train("before/moved.txt", *QUICK)
    shutil.move("before/moved.txt", "moved.txt")
    return train("--resume", "--steps", 20, code=1)


def diverged():
    return train("text.txt", *EXPLODING, code=1)


def diverged_and_resumed():
    train("text.txt", *EXPLODING, code=1)
    return train("--resume", code=2)


def resumed_and_begun():
    train("text.txt", *QUICK)
    return train("--resume", "--init-from", "charrnn.npz", "text.txt", code=2)


def without_a_run():
    model = charrnn.train(text=TEXT, hidden_size=8, steps=12)
    model.save("charrnn.npz")
    said = train("--resume", code=1)
    return said.replace("TEXT", "text.txt")  # the only word for the user to fill in


def sorted_lines():
    Path("names.txt").write_text(SORTED, encoding="utf-8")
    return train("names.txt", *QUICK)


def one_file_of_another_encoding():
    Path("b.txt").write_bytes("Frühling, Bäume, grün und schön\n".encode("cp1252") * 30)
    said = train("text.txt", "b.txt", *QUICK, code=1)
    return said + "\n    charrnn train text.txt b.txt -c both.npz --steps 12"


def converted_twice():
    text = "it\u2019s \u201cfine\u201d\n" * 60
    Path("c.txt").write_text(text.encode("cp1252").decode("latin-1"), encoding="utf-8")
    return train("c.txt", *QUICK)


def description():
    train("text.txt", *QUICK)
    return invoke("inspect").stderr


def a_cell():
    train("text.txt", *QUICK, "-c", "a b.npz")
    return invoke("inspect", "-c", "a b.npz", "--cell", 3, "--signal", "c").stdout


def mistyped():
    train("text.txt", *QUICK)
    said = [invoke("generate", code=2).stderr, invoke("inspec", code=2).stderr]
    return "".join(said)


SITUATIONS = [
    *(finished, finished_elsewhere, ended_by_patience, complete, fewer_steps, rising_rate),
    *(another_shape, another_text, moved, diverged, diverged_and_resumed, resumed_and_begun),
    *(without_a_run, sorted_lines, one_file_of_another_encoding, converted_twice, description),
    mistyped,
    a_cell,
]


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda each: each.__name__)
def test_every_printed_command_runs(situation):
    said = situation()
    commands = [one or other for one, other in PRINTED.findall(said)]
    assert commands, said
    for command in commands:
        assert not re.search(r"\b[A-Z]{4,}\b", command), f"a placeholder: {command}"
        if not command.startswith("charrnn "):
            if shutil.which(command.split()[0]):
                subprocess.run(command, shell=True, check=True)
            continue
        words = shlex.split(command)[1:]
        if words[0] == "train" and "--workers" not in words:
            words += ["--workers", "1"]
        assert invoke(*words).exit_code == 0
