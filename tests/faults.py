"""What can go wrong, tried: real commands, and what they answer.

python tests/faults.py    # writes docs/faults.md

Each case is a line for a shell, in a directory with a text, `count.txt`, and a checkpoint,
`model.npz`. `tests/test_faults.py` holds each to its exit code and to what it says.
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
from helpers.checkpoints import COUNTED, KEPT, mutated, refused, small

DOCUMENT = Path(__file__).parent.parent / "docs" / "faults.md"


class Case(NamedTuple):
    """Something that can go wrong."""

    #: in a few words
    what: str
    #: for a shell
    command: str
    #: exit code
    code: int
    #: what is said, a part of it
    said: str


#: What the lines may use beside a shell: `rewrite CHANGE` is what someone might do who has only
#: NumPy, to the arrays `a` of the checkpoint, and to its header `h`.
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
    """A line that reads a checkpoint of which the arrays were changed."""
    return f'rewrite "{change}" {save}'.strip() + "; charrnn sample -c other.npz"


def header(change: str, command: str) -> str:
    """A line that uses a checkpoint of which the header was changed."""
    name, *more = command.split(" ", 1)
    return f'rewrite "{change}"; charrnn {name} -c other.npz {"".join(more)}'


#: A model that writes é where it wrote u.
ACCENTED = "rewrite \"for name in ('vocabulary', 'excerpt'): a[name][a[name] == ord('u')] = 233\""

CHECKPOINTS = [
    Case("no checkpoint yet", "charrnn sample -c none.npz", 1, "no such checkpoint: make one"),
    Case("a directory", "charrnn sample -c .", 1, "Is a directory"),
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
        "an .npz of someone else",
        rewritten("a = {'weights': np.zeros(3)}"),
        1,
        "not a charrnn checkpoint",
    ),
    Case(
        "objects, which are pickles",
        rewritten("a['best.by'] = np.array([print], object)"),
        1,
        "another kind",
    ),
    Case("cut short", "head -c 4000 model.npz > x.npz; charrnn sample -c x.npz", 1, "cut short"),
    Case("junk behind it", "echo junk >> model.npz; charrnn sample -c model.npz", 1, "behind it"),
    Case(
        "junk before it",
        "(echo junk; cat model.npz) > x.npz; charrnn sample -c x.npz",
        1,
        "not a charrnn checkpoint",
    ),
    Case("packed, as a bomb is", rewritten(save="savez_compressed"), 1, "is compressed"),
    Case("an array is missing", rewritten("del a['last.by']"), 1, "lacks 'last.by'"),
    Case("an array too many", rewritten("a['worst.by'] = a['last.by']"), 1, "no 'worst.by'"),
    Case("a name with a path", rewritten("a['../../x'] = a['last.by']"), 1, "no '../../x'"),
    Case(
        "a shape that is not the configuration's",
        rewritten("a['best.Wy'] = a['best.Wy'][:5]"),
        1,
        "(5, 3), where the configuration asks for (21, 3)",
    ),
    Case("weights that are not finite", rewritten("a['best.by'][0] = np.nan"), 1, "not finite"),
    Case("half numbers", rewritten("a['best.by'] = a['best.by'].astype('f2')"), 1, "another kind"),
    Case(
        "big-endian numbers", rewritten("a['best.by'] = a['best.by'].astype('>f4')"), 1, "another"
    ),
    Case(
        "text in place of numbers", rewritten("a['best.by'] = np.array(['x'])"), 1, "another kind"
    ),
    Case("no header", rewritten("del a['header']"), 1, "not a charrnn checkpoint"),
    Case(
        "a header of nonsense",
        rewritten("a['header'] = np.frombuffer(b'{' * 9999, 'u1')"),
        1,
        "header is not what it should be",
    ),
    Case(
        "a newer format",
        rewritten("a['header'] = np.frombuffer(b'{\\\"format\\\": 3}', 'u1')"),
        1,
        "install a newer charrnn from where you got this one",
    ),
    Case(
        "a directory that says something else",
        "python -c \"d = bytearray(open('model.npz', 'rb').read())\n"
        "d[d.rindex(b'PK\\1\\2') + 24] ^= 1; open('x.npz', 'wb').write(d)\"\n"
        "charrnn sample -c x.npz",
        1,
        "its directory contradicts",
    ),
    Case(
        "a NUL in the name of a file",
        header("h['corpus']['files'] = ['a\\0b']", "train --resume"),
        1,
        "files of its corpus is",
    ),
    Case(
        "a share that is none",
        header("h['corpus']['val_frac'] = 1.7e308", "train --resume"),
        1,
        "val_frac of its corpus is 1.7e+308",
    ),
    Case(
        "a loss that is none",
        header("h['run']['best_loss'] = 1.7e308", "inspect --json"),
        1,
        "best_loss of its run is 1.7e+308",
    ),
    Case(
        "more streams than its text has room for",
        header("h['settings'].update(batch_size=2**20, workers=48)", "train --resume count.txt"),
        1,
        "1,048,576 streams",
    ),
    Case(
        "a text that is a pipe",
        "mkfifo p; " + header("h['corpus']['files'] = ['p']", "train --resume --steps 30"),
        1,
        "no regular file: put the text there",
    ),
    Case(
        "weights whose sums are infinite",
        rewritten("a['best.by'] += 3.4e38; a['best.Wy'] += 3.4e38"),
        1,
        "became non-finite",
    ),
]
WRITING = [
    Case("the checkpoint of another run", "charrnn train count.txt -c model.npz", 1, "--overwrite"),
    Case("a directory in its place", "mkdir d; charrnn train count.txt -c d", 1, "is a directory"),
    Case("no directory for it", "charrnn train count.txt -c no/x.npz", 1, "no directory"),
    Case("a pipe in its place", "mkfifo p; charrnn train count.txt -c p", 1, "is no regular file"),
    Case(
        "a directory that takes no files",
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
        "is training into it: wait for its end",
    ),
    Case(
        "a complete run is resumed",
        "charrnn train -c model.npz --resume count.txt",
        2,
        "go on with a higher --steps",
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
        2,
        "name a file with the same text",
    ),
    Case(
        "a run is resumed as another",
        "charrnn train -c model.npz --resume --hidden-size 9",
        2,
        "with --hidden-size 3: leave out --hidden-size",
    ),
    Case(
        "a log in the place of the checkpoint",
        "charrnn train count.txt -c x.npz --log x.npz",
        2,
        "--log x.npz: that is x.npz: name another file",
    ),
    Case(
        "a checkpoint in the place of the text",
        "charrnn train count.txt -c count.txt --overwrite",
        2,
        "-c count.txt: that is count.txt: name another file",
    ),
]
RUNNING = [
    Case("a number that is none", "charrnn train count.txt --epochs nan", 2, "no number to calc"),
    Case("a text without end", "charrnn train count.txt --epochs 1e308", 2, "can be counted"),
    Case("a time without end", "charrnn train count.txt --time 1000000h", 2, "than a century"),
    Case(
        "a size that is a slip",
        "charrnn train count.txt --hidden-size 9999999",
        2,
        "than any memory holds",
    ),
    Case("a seed that is one", f"charrnn train count.txt --seed {10**30}", 2, "seed is from 0 to"),
    Case(
        "the loss grows beyond all bounds",
        "charrnn train count.txt --model vanilla-relu --learning-rate 1e30 --grad-clip 0",
        1,
        "try a lower --learning-rate",
    ),
    Case(
        "who reads has seen enough",
        "set -o pipefail; charrnn sample -c model.npz --seed 1 --length 1000000 | head -1 >&2",
        0,
        "",
    ),
    Case(
        "a console that cannot show what is written",
        f"{ACCENTED}\nPYTHONIOENCODING=ascii charrnn sample -c other.npz --seed 1 --length 300 >&2",
        0,
        r"\xe9",
    ),
    Case(
        "no locale",
        f"{ACCENTED}\nLC_ALL=C charrnn sample -c other.npz --seed 1 --length 300 >&2",
        0,
        "é",
    ),
]
TEXTS = [
    Case("no such file", "charrnn train none.txt", 1, "none.txt: No such file"),
    Case("a directory", "mkdir d; charrnn train d", 1, "name the files in it"),
    Case("an empty text", ": > e.txt; charrnn train e.txt", 1, "at least 2 characters are needed"),
    Case(
        "one character",
        "printf x > e.txt; charrnn train e.txt",
        1,
        "at least 2 characters are needed",
    ),
    Case(
        "not UTF-8",
        "printf 'caf\\351 caf\\351' > l.txt; charrnn train l.txt",
        1,
        "not utf-8 at byte 3 (e9 20 63 61)",
    ),
    Case(
        "UTF-16 without its mark",
        "python -c \"open('u.txt', 'wb').write('text'.encode('utf-16-le'))\"\ncharrnn train u.txt",
        1,
        "a NUL at byte 1 (00 65 00 78): name its encoding, as in --encoding utf-16",
    ),
    Case(
        "bytes that are no text",
        "head -c 4000 model.npz > some.bin; charrnn train some.bin --encoding latin-1",
        1,
        "train with --binary, where each byte is a character",
    ),
    Case(
        "an encoding of bytes",
        "charrnn train count.txt --binary --encoding latin-1",
        2,
        "leave out --encoding",
    ),
    Case("no end", "charrnn train /dev/zero", 1, "/dev/zero: is a device and no text"),
    Case("no end on stdin", "charrnn train - < /dev/zero", 1, "is a device and no text"),
    Case("no such encoding", "charrnn train count.txt --encoding klingon", 1, "no encoding named"),
    Case(
        "a prime of unknown characters",
        "charrnn sample -c model.npz --prime 'x is 2'",
        2,
        "not in the vocabulary of the model: 'x'",
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
    "A checkpoint that is not what it should be": CHECKPOINTS,
    "Writing one": WRITING,
    "A long run": RUNNING,
    "The text": TEXTS,
    "What reaches a screen": SHOWN,
}
CASES = [case for cases in SECTIONS.values() for case in cases]


@contextmanager
def directory() -> Iterator[Path]:
    """A directory to try a case in."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        (place / "count.txt").write_text(COUNTED)
        (place / "model.npz").write_bytes(KEPT[-1].read_bytes())
        yield place


def carry_out(case: Case, place: Path) -> subprocess.CompletedProcess[str]:
    """What becomes of a case."""
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
    """The line that says what is wrong, or the last one."""
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
    """What is done to a small checkpoint many times over: what, how often, how often refused."""
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


#: A long search, and what became of its checkpoints; it takes half an hour.
SEARCH = "python tests/fuzz.py --first 1000000 --count 140000"
SEARCHED = {"refused": 96_765, "read as the same": 2_290, "read as another model": 5_945}


def document() -> str:
    """The table, as it comes out now."""
    parts = [
        "# What can go wrong, and what charrnn then does\n",
        "Written by `python tests/faults.py`, which tries each line in a directory with a text,",
        "`count.txt`, and a checkpoint, `model.npz`; `rewrite` changes the arrays `a` of that one",
        "by NumPy, or its header `h`, and saves them as `other.npz`. The tests hold each line, and",
        "more: what needs a killed process, a full disk or a terminal is in `tests/`.\n",
    ]
    for section, cases in SECTIONS.items():
        parts += [f"## {section}\n", "| case | command | exit | answer |", "|---|---|--:|---|"]
        for case in cases:
            with directory() as place:
                done = carry_out(case, place)
            row = cell(case.what), code(case.command), str(done.returncode), cell(answer(done))
            parts.append(f"| {' | '.join(row)} |")
        parts.append("")
    parts += [
        "## Many times over\n",
        "Of a checkpoint of a few kilobytes; what is not refused has to be read as the same.\n",
        "| what | tried | refused | read as the same |",
        "|---|--:|--:|--:|",
    ]
    for what, times, stopped in bulk():
        parts.append(f"| {what} | {times:,} | {stopped:,} | {times - stopped:,} |")
    tried = sum(SEARCHED.values())
    outcomes = ", ".join(f"{times:,} were {outcome}" for outcome, times in SEARCHED.items())
    parts += [
        "",
        f"`{SEARCH}` knows the form of a checkpoint: the fields of",
        "the zip file, the headers of the arrays, the values of the JSON header. Checksums fit. A",
        "changed checkpoint may be another model, which has to be described, to sample, and to go",
        f"on with its training. Of {tried:,} changed checkpoints",
        f"{outcomes}. None ended in",
        "a traceback, executed anything, or took more memory to read than twice its size and",
        "16 MB.",
    ]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
