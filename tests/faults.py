"""Failures, tried: real commands and their answers.

python tests/faults.py    # writes docs/faults.md

Each case is a line for a shell, in a folder with a text, `count.txt`, and a checkpoint,
`model.npz`. `tests/test_faults.py` checks the exit code and the message of each.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from helpers.checkpoints import COUNTED, mutated, refused, small, trained

DOCUMENT = Path(__file__).parent.parent / "docs" / "faults.md"


class Case(NamedTuple):
    """A failure.

    Attributes:
        what: a few words.
        command: for a shell.
        code: the exit code.
        said: a part of the message.
    """

    what: str
    command: str
    code: int
    said: str


#: Shell functions of the commands: `rewrite CHANGE` alters the arrays `a` of the checkpoint and its
#: header `h` with NumPy alone.
FUNCTIONS = f"""
charrnn() {{ "{sys.executable}" -m charrnn "$@"; }}
python() {{ "{sys.executable}" "$@"; }}
rewrite() {{ python -c "
import json
import numpy as np
a = dict(np.load('model.npz'))
h = json.loads(a['header'].tobytes())
before = json.dumps(h)
$1
if json.dumps(h) != before:
    a['header'] = np.frombuffer(json.dumps(h).encode(), 'u1')
np.${{2:-savez}}('other.npz', **a)"; }}
"""


def rewritten(change: str = "", save: str = "") -> str:
    """A command that reads a checkpoint with changed arrays."""
    return f'rewrite "{change}" {save}'.strip() + "; charrnn sample -c other.npz"


def header(change: str, command: str) -> str:
    """A command that uses a checkpoint with a changed header."""
    name, *more = command.split(" ", 1)
    return f'rewrite "{change}"; charrnn {name} -c other.npz {"".join(more)}'


#: A model that writes é in place of u.
ACCENTED = "rewrite \"for name in ('vocabulary', 'excerpt'): a[name][a[name] == ord('u')] = 233\""

CHECKPOINTS = [
    Case(
        "no checkpoint yet",
        "charrnn sample -c none.npz",
        1,
        "`charrnn train -c none.npz TEXT`",
    ),
    Case("a folder", "charrnn sample -c .", 1, "Is a directory"),
    Case("an empty file", ": > empty.npz; charrnn sample -c empty.npz", 1, "not a charrnn"),
    Case("a text", "charrnn sample -c count.txt", 1, "not a charrnn checkpoint"),
    Case(
        "a pickle",
        "python -c \"import pickle; pickle.dump(print, open('p.npz', 'wb'))\"\n"
        "charrnn sample -c p.npz",
        1,
        "not a charrnn checkpoint",
    ),
    Case("endless zeros", "charrnn sample -c /dev/zero", 1, "is a pipe or a device"),
    Case("a pipe", "mkfifo p; charrnn sample -c p", 1, "is a pipe or a device"),
    Case(
        "an .npz of another program",
        rewritten("a = {'weights': np.zeros(3)}"),
        1,
        "not a charrnn checkpoint",
    ),
    Case(
        "an array of objects, which are pickles",
        rewritten("a['best.by'] = np.array([print], object)"),
        1,
        "another type",
    ),
    Case("cut short", "head -c 4500 model.npz > x.npz; charrnn sample -c x.npz", 1, "cut short"),
    Case(
        "junk after the archive",
        "echo junk >> model.npz; charrnn sample -c model.npz",
        1,
        "other bytes between or after its arrays",
    ),
    Case(
        "junk before the archive",
        "(echo junk; cat model.npz) > x.npz; charrnn sample -c x.npz",
        1,
        "not a charrnn checkpoint",
    ),
    Case(
        "a compressed archive, as a zip bomb",
        rewritten(save="savez_compressed"),
        1,
        "is compressed",
    ),
    Case("a missing array", rewritten("del a['last.by']"), 1, "missing array 'last.by'"),
    Case(
        "an unexpected array",
        rewritten("a['worst.by'] = a['last.by']"),
        1,
        "unexpected array 'worst.by'",
    ),
    Case(
        "a name with a path",
        rewritten("a['../../x'] = a['last.by']"),
        1,
        "unexpected array '../../x'",
    ),
    Case(
        "a shape that is not that of the model",
        rewritten("a['best.Wy'] = a['best.Wy'][:5]"),
        1,
        "best.Wy has the shape (5, 3), and the model needs (21, 3)",
    ),
    Case("weights that are not finite", rewritten("a['best.by'][0] = np.nan"), 1, "not finite"),
    Case("half numbers", rewritten("a['best.by'] = a['best.by'].astype('f2')"), 1, "another type"),
    Case(
        "big-endian numbers",
        rewritten("a['best.by'] = a['best.by'].astype('>f4')"),
        1,
        "another type",
    ),
    Case(
        "text in place of numbers", rewritten("a['best.by'] = np.array(['x'])"), 1, "another type"
    ),
    Case("no header", rewritten("del a['header']"), 1, "not a charrnn checkpoint"),
    Case(
        "a header of nonsense",
        rewritten("a['header'] = np.frombuffer(b'{' * 9999, 'u1')"),
        1,
        "its header is not JSON",
    ),
    Case(
        "a newer format",
        rewritten("a['header'] = np.frombuffer(b'{\\\"format\\\": 2}', 'u1')"),
        1,
        "install a newer charrnn from where you got this one",
    ),
    Case(
        "weights for PyTorch that are cut short",
        "charrnn inspect -c model.npz --save-weights m.safetensors\n"
        "head -c 900 m.safetensors > x.safetensors; charrnn sample -c x.safetensors",
        1,
        "x.safetensors: damaged: cut short",
    ),
    Case(
        "weights of another program, without their characters",
        "python -c \"open('x.safetensors', 'wb').write(b'\\2' + bytes(7) + b'{}')\"\n"
        "charrnn inspect -c x.safetensors",
        1,
        "has no vocabulary: write it with",
    ),
    Case(
        "a zip directory that contradicts its members",
        "python -c \"d = bytearray(open('model.npz', 'rb').read())\n"
        "d[d.rindex(b'PK\\1\\2') + 24] ^= 1; open('x.npz', 'wb').write(d)\"\n"
        "charrnn sample -c x.npz",
        1,
        "its zip directory contradicts",
    ),
    Case(
        "a NUL in the name of a file",
        header("h['corpus']['files'] = ['a\\0b']", "train --resume"),
        1,
        "corpus.files of its header is",
    ),
    Case(
        "a share out of its range",
        header("h['corpus']['val_frac'] = 1.7e308", "train --resume"),
        1,
        "corpus.val_frac of its header is 1.7e+308",
    ),
    Case(
        "a loss out of its range",
        header("h['run']['best_loss'] = 1.7e308", "inspect --json"),
        1,
        "run.best_loss of its header is 1.7e+308",
    ),
    Case(
        "more streams than the text has room for",
        header(
            "h['settings'].update(batch_size=2**20, workers=48)",
            "train --resume count.txt --steps 30",
        ),
        1,
        "1,048,576 streams",
    ),
    Case(
        "a text that is a pipe",
        "mkfifo p; " + header("h['corpus']['files'] = ['p']", "train --resume --steps 30"),
        1,
        "not a regular file: name a file with the same text",
    ),
    Case(
        "weights whose sums are infinite",
        rewritten("a['best.by'] += 3.4e38; a['best.Wy'] += 3.4e38"),
        1,
        "become non-finite",
    ),
]
WRITING = [
    Case("the checkpoint of another run", "charrnn train count.txt -c model.npz", 1, "--overwrite"),
    Case("a folder in its place", "mkdir d; charrnn train count.txt -c d", 1, "is a folder"),
    Case("a folder that does not exist", "charrnn train count.txt -c no/x.npz", 1, "no folder"),
    Case(
        "a pipe in its place", "mkfifo p; charrnn train count.txt -c p", 1, "is not a regular file"
    ),
    Case(
        "a folder that takes no files",
        "charrnn train count.txt -c /dev/fd/x.npz",
        1,
        "/dev/fd/x.npz: cannot be written",
    ),
    Case(
        "a limit on the size of files",
        "ulimit -f 100; charrnn train count.txt -c x.npz --workers 1",
        1,
        "raise the limit of ulimit -f",
    ),
    Case(
        "the same limit, and memory that workers share",
        "ulimit -f 100; charrnn train count.txt -c x.npz --workers 2",
        1,
        "train with --workers 1, or raise the limit of ulimit -f",
    ),
    Case(
        "another run saves there",
        "mkfifo p; charrnn train p -c x.npz 2>/dev/null &\n"
        "until [ -s .x.npz.lock ]; do sleep 0.1; done; charrnn train count.txt -c x.npz\n"
        "code=$?; : > p; wait; exit $code",
        1,
        "is already saving to this file: wait for its end",
    ),
    Case(
        "a complete run is resumed",
        "charrnn train -c model.npz --resume count.txt",
        2,
        "its run is complete, after 20 steps: go on with",
    ),
    Case(
        "a run is resumed with another text",
        "echo more >> count.txt; charrnn train -c model.npz --resume count.txt --steps 30",
        1,
        "2,389 characters, not 2,384",
    ),
    Case(
        "a run that read a pipe is resumed",
        "charrnn train -c model.npz --resume --steps 30",
        1,
        "name a file with the same text",
    ),
    Case(
        "a run is resumed as another",
        "charrnn train -c model.npz --resume --hidden-size 9",
        2,
        "a run keeps its --hidden-size 3: for another one start a new run",
    ),
    Case(
        "a run is resumed with fewer steps than it has taken",
        "charrnn train -c model.npz --resume count.txt --steps 10",
        2,
        "its run has taken 20 steps, and 10 steps count from its beginning",
    ),
    Case(
        "the text of a run has moved",
        header("h['corpus']['files'] = ['gone.txt']", "train --resume --steps 30"),
        1,
        "the text of the checkpoint is not there: name a file with the same text",
    ),
    Case(
        "weights to start from have another shape",
        "charrnn train count.txt --init-from model.npz -c x.npz --hidden-size 9",
        2,
        "weights to start from keep their --hidden-size 3",
    ),
    Case(
        "the log of another run",
        "charrnn train count.txt -c x.npz --steps 5 --hidden-size 3 --log x.log 2>/dev/null\n"
        "charrnn train count.txt -c y.npz --log x.log",
        1,
        "x.log: has the log of another run: --overwrite to replace it",
    ),
    Case(
        "a text in the place of the log",
        "echo notes > n.txt; charrnn train count.txt -c x.npz --log n.txt",
        1,
        "n.txt: is no log: name another file",
    ),
    Case(
        "a log in the place of the checkpoint",
        "charrnn train count.txt -c x.npz --log x.npz",
        2,
        "--log x.npz: is x.npz, which would be lost: name another file",
    ),
    Case(
        "a checkpoint in the place of the text",
        "charrnn train count.txt -c count.txt --overwrite",
        2,
        "-c count.txt: is count.txt, which would be lost: name another file",
    ),
]
RUNNING = [
    Case(
        "a number that is not finite",
        "charrnn train count.txt --epochs nan",
        2,
        "nan is not a finite number",
    ),
    Case(
        "more characters than can be counted",
        "charrnn train count.txt --epochs 1e308",
        2,
        "can be counted",
    ),
    Case("a time above a century", "charrnn train count.txt --time 1000000h", 2, "than a century"),
    Case(
        "a size larger than any memory",
        "charrnn train count.txt --hidden-size 9999999",
        2,
        "than any memory holds",
    ),
    Case(
        "more cells than there is memory for",
        "ulimit -v 700000; charrnn train count.txt -c x.npz --hidden-size 3000 --workers 1",
        1,
        "are available: try --hidden-size ",
    ),
    Case(
        "a seed out of its range",
        f"charrnn train count.txt --seed {10**30}",
        2,
        "seed is from 0 to",
    ),
    Case(
        "a training that diverges",
        "charrnn train count.txt --model vanilla-relu --learning-rate 1e30 --grad-clip 0",
        1,
        "the training diverged: go on from its best weights, of step 0, with",
    ),
    Case(
        "a run that diverged is resumed as it was",
        "charrnn train count.txt --optimizer sgd --learning-rate 1e30 --grad-clip 0 2>/dev/null\n"
        "charrnn train --resume",
        2,
        "and would diverge again: go on with",
    ),
    Case(
        "the text of a model is needed, and came from a pipe",
        "charrnn inspect -c model.npz --ngram",
        1,
        "name a file with the same text by --train-text FILE",
    ),
    Case(
        "a reader of stdout that stops early",
        "set -o pipefail; charrnn sample -c model.npz --seed 1 --length 1000000 | head -1 >&2",
        0,
        "",
    ),
    Case(
        "an encoding that lacks a character, and a pipe",
        f"{ACCENTED}\nPYTHONIOENCODING=ascii charrnn sample -c other.npz --seed 1 --length 300 >&2",
        0,
        "é",
    ),
    Case(
        "no locale",
        f"{ACCENTED}\nLC_ALL=C charrnn sample -c other.npz --seed 1 --length 300 >&2",
        0,
        "é",
    ),
    Case(
        "a cell that the model does not have",
        "charrnn inspect -c model.npz --cell 999",
        2,
        "counted from 0: choose one from 0 to",
    ),
    Case(
        "a position beyond the text",
        "charrnn inspect -c model.npz --why 99999",
        2,
        "choose a position from 1 to",
    ),
    Case(
        "a training text that is too short to be copied",
        "printf 'abcd abc' > a.txt; charrnn train a.txt -c other.npz --steps 2 2>/dev/null\n"
        "charrnn inspect -c other.npz --copying",
        1,
        "has 8 characters, and copies are spans of 20 and more: train on a longer text",
    ),
    Case(
        "two models that read texts differently",
        "rewrite \"h['corpus']['newlines'] = 'keep'\"\n"
        "charrnn inspect -c model.npz -c other.npz --score line --text count.txt",
        2,
        "read a text differently, as --newlines of their trainings differs",
    ),
    Case(
        "a text that is too short for a search",
        "charrnn inspect -c model.npz --find",
        1,
        "read a longer one with --text FILE",
    ),
]
TEXTS = [
    Case("no such file", "charrnn train none.txt", 1, "none.txt: No such file"),
    Case("an empty folder", "mkdir d; charrnn train d", 1, "d: no text there"),
    Case(
        "a folder without text",
        "mkdir d; cp model.npz d; touch d/.hidden; charrnn train d",
        1,
        "left out: 1 hidden, 1 not text (d/model.npz): name a file or a folder with text",
    ),
    Case(
        "a folder in the place of a file",
        "mkdir d; charrnn inspect -c model.npz --text d",
        1,
        "d: is a folder: name a file",
    ),
    Case(
        "a score of characters that the model has not seen",
        "echo Ω1 | charrnn inspect -c model.npz --score line --text -",
        0,
        "1 character that the model has not seen cost nothing ('Ω')",
    ),
    Case(
        "vectors of a text without lines",
        "echo | charrnn inspect -c model.npz --text - --export vectors.npz --by line",
        1,
        "no line to export: name another text by --text FILE",
    ),
    Case(
        "vectors of lines without a file",
        "charrnn inspect -c model.npz --by line",
        2,
        "--by needs --export: add --export FILE",
    ),
    Case(
        "several texts for one answer",
        "charrnn inspect -c model.npz --cell 1 --text count.txt --text count.txt",
        2,
        "--text: only --score takes several: name one, or add --score",
    ),
    Case(
        "a pattern that matches nothing", "charrnn train '*.md'", 1, "no file matches this pattern"
    ),
    Case(
        "a name that begins with a dash",
        "cp count.txt -- -c.txt; charrnn train *.txt",
        2,
        "name the file ./-c.txt, and all such files ./*.txt",
    ),
    Case("an empty text", ": > e.txt; charrnn train e.txt", 1, "at least 2 characters are needed"),
    Case(
        "one character",
        "printf x > e.txt; charrnn train e.txt",
        1,
        "at least 2 characters are needed",
    ),
    Case(
        "not UTF-8",
        "printf 'it\\222s \\223fine\\224 \\226 really' > q.txt; charrnn train q.txt",
        1,
        'not utf-8 at byte 2 (92 73 20 93): name its encoding: --encoding cp1252 ("it’s", '
        '"“fine”", "–")',
    ),
    Case(
        "UTF-8 with a mistake",
        "printf 'süß, größer, caf\\351' > u.txt; charrnn train u.txt",
        1,
        "but most letters there are: read past such bytes with --encoding-errors replace",
    ),
    Case(
        "UTF-16 without its mark",
        "python -c \"open('u.txt', 'wb').write('text'.encode('utf-16-le'))\"\ncharrnn train u.txt",
        1,
        'a NUL at byte 1 (00 65 00 78): name its encoding: --encoding utf-16le ("text")',
    ),
    Case(
        "a NUL",
        "printf 'a\\0b' >> count.txt; charrnn train count.txt",
        1,
        "leave out NULs with --encoding-errors ignore",
    ),
    Case(
        "bytes that are not text",
        "tail -c 4000 model.npz > some.bin; charrnn train some.bin",
        1,
        "train with --binary, where each byte is a character",
    ),
    Case(
        "a checkpoint in the place of a text",
        "charrnn train model.npz",
        1,
        "is an .npz archive and no text: name a checkpoint with -c model.npz",
    ),
    Case(
        "a PDF",
        "printf '%%PDF-1.7\\n' > 'my book.pdf'; charrnn train 'my book.pdf'",
        1,
        "is a PDF and no text: write its text to a file with `pdftotext 'my book.pdf' "
        "'my book.txt'`, and name 'my book.txt'",
    ),
    Case(
        "a compressed text that is cut short",
        "gzip count.txt; head -c 300 count.txt.gz > c.gz; charrnn train c.gz",
        1,
        "c.gz: cut short: its gzip data ends at byte 300 without an end mark",
    ),
    Case(
        "an encoding of bytes",
        "charrnn train count.txt --binary --encoding latin-1",
        2,
        "leave out --encoding",
    ),
    Case(
        "rare bytes",
        "charrnn train count.txt --binary --min-count 2",
        2,
        "a text of bytes keeps all bytes: leave out --min-count",
    ),
    Case(
        "no character is frequent enough",
        "charrnn train count.txt --min-count 10000",
        2,
        "no character occurs 10,000 times",
    ),
    Case("an endless device", "charrnn train /dev/zero", 1, "/dev/zero: is a device and no text"),
    Case("an endless device on stdin", "charrnn train - < /dev/zero", 1, "is a device and no text"),
    Case(
        "an encoding without a text",
        "charrnn train -c new.npz --encoding latin-1",
        2,
        "--encoding needs a TEXT or --val: name a file",
    ),
    Case("no such encoding", "charrnn train count.txt --encoding klingon", 1, "no encoding named"),
    Case(
        "a prime of unknown characters",
        "charrnn sample -c model.npz --prime 'x is 2'",
        2,
        "characters not in the vocabulary of the model: 'x': leave them out",
    ),
    Case(
        "a stop that cannot come",
        "charrnn sample -c model.npz --stop '<end>'",
        2,
        "the model never writes '<' '>' 'n'",
    ),
    Case(
        "a cell to hold that is not there",
        "charrnn sample -c model.npz --hold 99=0.9",
        2,
        "cells, counted from 0: choose one from 0 to",
    ),
    Case(
        "items of a running text",
        "charrnn sample -c model.npz --lines 5",
        2,
        "write single lines of a running text with `charrnn sample -c model.npz --num-samples 5",
    ),
    Case(
        "a list of empty lines",
        "yes '' | head -9 > e.txt; charrnn train --lines e.txt",
        1,
        "at least 2 characters are needed, it has 0",
    ),
    Case(
        "new items without the old ones",
        "charrnn train --lines count.txt --no-items --steps 1 --hidden-size 2 -c l.npz\n"
        "charrnn sample -c l.npz --lines 5 --new",
        2,
        "leave out --new",
    ),
    Case(
        "an item of two lines",
        "charrnn train --lines count.txt --steps 1 --hidden-size 2 -c l.npz\n"
        r"charrnn sample -c l.npz --lines 5 --prime '1\n2'",
        2,
        "an item of a list has none",
    ),
    Case(
        "two choices of the text to validate on",
        "charrnn train count.txt --val count.txt --val-frac 0.2",
        2,
        "--val holds out no part of the text",
    ),
    Case(
        "no text to validate on",
        "charrnn train count.txt --val none.txt",
        1,
        "none.txt: the text to validate on is not there",
    ),
    Case(
        "a text to validate on that has changed",
        "cp count.txt v.txt\n"
        "charrnn train count.txt --val v.txt --steps 1 --hidden-size 2 -c v.npz\n"
        "echo more >> v.txt; charrnn train --resume --steps 2 -c v.npz --val v.txt",
        1,
        "v.txt: is not the text that the run validates on, or has changed",
    ),
    Case("nothing is piped", "charrnn train - <&-", 2, "nothing is piped into it"),
]
SHOWN = [
    Case(
        "a name that colours the terminal",
        "charrnn train $'\\e[31mred.txt'",
        1,
        r"\x1b[31mred.txt: No such file",
    ),
    Case(
        "a name that would be a line of its own",
        "charrnn train $'a\\nError: all is well.txt'",
        1,
        r"a\nError: all is well.txt: No such file",
    ),
]
SECTIONS = {
    "A damaged or altered checkpoint": CHECKPOINTS,
    "Writing a checkpoint": WRITING,
    "Running": RUNNING,
    "The text": TEXTS,
    "What reaches a terminal": SHOWN,
}
CASES = [case for cases in SECTIONS.values() for case in cases]


@contextmanager
def folder() -> Iterator[Path]:
    """A folder with a text and a checkpoint."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        (place / "count.txt").write_text(COUNTED)
        (place / "model.npz").write_bytes(trained())
        yield place


def carry_out(case: Case, place: Path) -> subprocess.CompletedProcess[str]:
    """Run the command of a case."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name in ("PATH", "PYTHONPATH", "OPENBLAS_NUM_THREADS", "HOME", "TMPDIR")
    }
    return subprocess.run(
        ["bash", "-c", FUNCTIONS + case.command],
        cwd=place,
        env={"LC_ALL": "C.UTF-8", **environment},
        capture_output=True,
        text=True,
        errors="replace",
        timeout=60,
    )


def answer(done: subprocess.CompletedProcess[str]) -> str:
    """The error line of a command, or its last line."""
    lines = done.stderr.strip().splitlines() or [""]
    errors = [line for line in lines if line.startswith("Error: ")]
    said = (errors or lines)[-1].removeprefix("Error: ")
    return re.sub(r"process \d+ on \S+", "process 4711 on somewhere", said)


def cell(text: str) -> str:
    """Text for a cell of a table."""
    return text.replace("|", "\\|").replace("\n", "<br>")


def code(command: str) -> str:
    """A command for a cell of a table, a line each."""
    lines = command.replace("|", "\\|").splitlines()
    return "<br>".join(f"`{line}`" for line in lines)


def bulk() -> Iterator[tuple[str, int, int]]:
    """Alter a small checkpoint many times: kind of change, number of changes, number refused."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "model.npz"
        whole, rng = small(path), np.random.default_rng(0)
        places = range(len(whole))
        tried = {
            "cut short at every byte": (whole[:size] for size in places),
            "one bit wrong at every byte": (
                whole[:n] + bytes([whole[n] ^ 1 << n % 8]) + whole[n + 1 :] for n in places
            ),
            "bytes changed, left out, repeated, moved": (
                mutated(whole, rng) for _ in range(10_000)
            ),
        }
        for what, variants in tried.items():
            outcomes = [refused(data, whole) for data in variants]
            yield what, len(outcomes), sum(outcomes)


#: A search of a few minutes, and the number of its checkpoints by outcome.
SEARCH = "python tests/fuzz.py --first 1000000 --count 40000"
SEARCHED = {"refused": 28_045, "read as the same": 666, "read as another model": 1_289}


def document() -> str:
    """The document, with the answers of this version."""
    parts = [
        "# Failures and the answers of charrnn\n",
        "Written by `python tests/faults.py`, which runs each command in a folder with a text,",
        "`count.txt`, and a checkpoint, `model.npz`. `rewrite` changes the arrays `a` of the",
        "checkpoint or its header `h` with NumPy and saves `other.npz`. The tests check each line.",
        "Cases with a killed process, a full disk or a terminal are in `tests/`.\n",
    ]
    for section, cases in SECTIONS.items():
        parts += [f"## {section}\n", "| case | command | exit | answer |", "|---|---|--:|---|"]
        for case in cases:
            with folder() as place:
                done = carry_out(case, place)
            said = cell(answer(done).replace(f"{place}{os.sep}", ""))
            row = cell(case.what), code(case.command), str(done.returncode), said
            parts.append(f"| {' | '.join(row)} |")
        parts.append("")
    parts += [
        "## Thousands of changes\n",
        "Changes of a checkpoint of a few kilobytes. A file must be refused or read as the same.\n",
        "| change | tried | refused | read as the same |",
        "|---|--:|--:|--:|",
    ]
    for what, times, stopped in bulk():
        parts.append(f"| {what} | {times:,} | {stopped:,} | {times - stopped:,} |")
    tried = sum(SEARCHED.values())
    outcomes = ", ".join(f"{times:,} were {outcome}" for outcome, times in SEARCHED.items())
    parts += [
        "",
        f"`{SEARCH}` knows the form of a checkpoint: it changes",
        "fields of the zip file, headers of arrays, values of the JSON header, with the right",
        "checksums. A changed checkpoint may be another model: inspect, sample, train must work.",
        f"Every eighth case is a text, and another one weights. Of {tried:,} changed checkpoints",
        f"{outcomes}. None caused",
        "a traceback, executed anything, or took more memory to read than twice its size and",
        "16 MB.",
    ]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
