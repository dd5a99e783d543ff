"""A stranger's checkpoint and text on a terminal: nothing in them is obeyed (CWE-150)."""

import re
import shutil
import sys
from pathlib import Path
from threading import Thread

import pytest
from helpers.commands import DRAWING, QUICK, command, invoke, terminal

from charrnn import checkpoint

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="terminals of POSIX")

#: Control characters that clear the screen, retitle the window, reverse the line, go back, ring.
EVIL = "\x1b[2J\x1b]0;x\x07\u202e\x9b2J\x9d0;y\x9c\x08\x7f\u2066\u200f\x00<script>"
NAME = "te\x1b]0;owned\x07\u202ext"
#: Escape sequences that charrnn itself writes: colours.
OWN = re.compile(r"\x1b\[[0-9;]*m")
HARMFUL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    """A folder with a checkpoint of a stranger, under two names, and the text."""
    folder = tmp_path_factory.mktemp("stranger")
    text = "".join(f'{EVIL} ({number}) "quoted" Words.\n' for number in range(400))
    (folder / NAME).write_text(text.replace("\x00", "\x01"), encoding="utf-8")
    path = folder / "evil.npz"
    invoke("train", folder / NAME, *QUICK, "-c", path)
    saved = checkpoint.read(path)
    saved.versions["numpy"] = EVIL.replace("\x00", "")
    checkpoint.save(path, saved)
    shutil.copy(path, folder / f"{NAME}.npz")
    return folder


@pytest.fixture
def hostile(stranger, place):
    """The checkpoint and the text of a stranger in the working directory."""
    shutil.copytree(stranger, place, dirs_exist_ok=True)


def shown(*words):
    """The output of a command on a terminal, stdout and stderr."""
    seen = bytearray()

    def read(ours):
        try:
            while some := ours.read(65536):
                seen.extend(some)
        except OSError:  # the other end is closed
            pass

    with (
        terminal() as (ours, theirs),
        command(*words, stdout=theirs, stderr=theirs, env=DRAWING) as process,
    ):
        theirs.close()
        reader = Thread(target=read, args=(ours,))
        reader.start()
        reader.join()
        code = process.wait(60)
    return code, seen.decode("utf-8")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["sample", "--length", "3000", "--temp", "9"], 0),
        (["sample", "--json", "--temp", "9"], 0),
        (["sample", "--prime", "\x9b2J\n", "--length", "9"], 0),
        (["sample", "--prime", "Q\x1b[2JQ\u2067"], 2),
        (["sample", "--prime-file", "no\x1b[2J"], 1),
        (["inspect"], 0),
        (["inspect", "--json"], 0),
        (["inspect", "--cell", "1", "--predictions", "--length", "300"], 0),
        (["inspect", "--cell", "1", "--neighbours", "--no-color"], 0),
        (["inspect", "--find", "--surprisal", "--errors", "--ngram", "--memory"], 0),
        (["inspect", "--find", "--feature", "\x1b|\x9b"], 0),
        (["inspect", "--find", "--feature", "(\x1b[2J"], 2),
        (["inspect", "--text", NAME, "--dynamic"], 0),
        (["inspect", "--plot", "\x1b[2J.gif", "--memory"], 2),
        (["train", "--resume", "--steps", "24", "--sample-every", "6"], 0),
        (["train", "--resume", "--steps", "24", NAME + "x"], 1),
        (["train", NAME, "--\x9b2J"], 2),
        (["train", NAME, "--model", "\x9b2J"], 2),
        (["train", NAME, "--time", "\x9b2J"], 2),
        (["train", NAME, "--workers", "\x9b2J"], 2),
    ],
    ids=lambda value: None if isinstance(value, int) else " ".join(map(ascii, value)),
)
def test_control_characters_of_a_stranger_do_not_reach_the_terminal(words, code, hostile):
    found, seen = shown(words[0], "-c", f"{NAME}.npz", *words[1:])
    assert found == code, seen
    left = OWN.sub("", seen)
    assert HARMFUL.findall(left) == [], ascii(left)
    if "%|" not in left:  # a bar goes back in its line
        assert "\r" not in left.replace("\r\n", "\n")


def test_raw_output_has_the_control_characters(hostile):
    """With --raw the control characters are shown, so the tests above can fail."""
    code, seen = shown("sample", "-c", "evil.npz", "--length", "3000", "--temp", "9", "--raw")
    assert code == 0
    assert {"\x1b", "\x9b", "\u202e", "\x7f"} <= set(HARMFUL.findall(seen))


def test_through_a_pipe_a_sample_is_as_the_model_wrote_it(hostile):
    with command("sample", "-c", "evil.npz", "--length", "3000", "--temp", "9") as process:
        out, _ = process.communicate(timeout=60)
    assert {b"\x1b", b"\x9b"} <= {bytes([byte]) for byte in out}


def test_json_is_ascii_without_control_characters(hostile):
    for words in (["sample", "--json", "--temp", "9"], ["inspect", "--json", "--surprisal"]):
        with command(*words, "-c", "evil.npz") as process:
            out, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        assert set(out.rstrip(b"\n")) <= set(range(0x20, 0x7F))


#: Consoles that cannot show all characters.
NARROW = [
    {"PYTHONIOENCODING": "cp1252"},
    {"PYTHONIOENCODING": "ascii:strict"},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
]


#: Commands that show characters of a text, a name or a checkpoint.
SHOWING = [
    ["sample", "--length", "80"],
    ["sample", "--json"],
    ["inspect"],
    ["inspect", "--cell", "1", "--color", "--predictions", "--length", "99"],
    ["sample", "--prime", "Q"],
    ["inspect", "--json"],
    ["inspect", "--find", "--surprisal", "--errors", "--ngram", "--spectrum", "--gates"],
    ["train", "--resume", "--steps", "24", "--sample-every", "6"],
    ["inspect", "--help"],
    ["train", "--overwrite", "no각.txt"],
]


@pytest.mark.parametrize("environment", NARROW, ids=lambda environment: next(iter(environment)))
def test_a_console_that_cannot_show_a_character_gets_something_else(environment, run):
    line = "각하 안녕하세요 😀 “quoted” — naïve\n"
    Path("text.txt").write_text(line * 400, encoding="utf-8")
    run("train", "text.txt", *QUICK, "-c", "각.npz")
    for words in SHOWING if environment is NARROW[0] else SHOWING[::3]:
        with command(words[0], "-c", "각.npz", *words[1:], env=environment) as process:
            _, said = process.communicate(timeout=60)
        assert b"Traceback" not in said
        assert process.returncode == {"Q": 2, "no각.txt": 1}.get(words[-1], 0), said


def test_a_name_that_the_locale_cannot_write_is_an_error_in_one_line(run):
    Path("text.txt").rename("각.txt")
    run("train", "각.txt", *QUICK)
    with command("train", "--resume", "--steps", "24", env=NARROW[2]) as process:
        _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert said.startswith(b"Error: ")
    assert b"cannot write this name in ascii" in said
    assert len(said.splitlines()) == 1
