"""Looks for bytes that do more than be refused, for as long as it is let.

python tests/fuzz.py                 # until Ctrl-C
python tests/fuzz.py --minutes 60
python tests/fuzz.py --first 4711 --count 1    # case 4711 again

Each number is a case: a checkpoint, its header, one of its arrays or a text, worked on at
random. What is not refused in one sentence has to be of use: a model samples, a text is the same
in pieces as at once. A case that is neither is kept beside, and ends the search.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import time
import traceback
import tracemalloc
import zipfile
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path

import numpy as np
from making import KEPT, mutated

from charrnn.archive import read as read_arrays
from charrnn.checkpoint import unpacked
from charrnn.errors import CharRNNError
from charrnn.session import resume
from charrnn.text import corpus
from charrnn.text.decoding import ERRORS, Decoding
from charrnn.training import train

WHOLE = [path.read_bytes() for path in KEPT]
ENCODINGS = [None, "utf-8", "utf-16", "utf-32", "latin-1", "shift-jis", "gb18030", "utf-7"]
#: What no section of a header says, and what would be obeyed if it were passed on.
UNKNOWN = ["x", "dtype", "vocabulary", "history"]
#: Memory that a case may take, beside twice its size.
ROOM = 64 << 20


def packed_again(data: bytes, change: Callable[[str, bytes], bytes]) -> bytes:
    """An archive, each member of it changed by chance, with checksums that are right."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(file, "w") as new:
        for info in old.infolist():
            new.writestr(info.filename, change(info.filename, old.read(info)))
    return file.getvalue()


def checkpoint_case(rng: np.random.Generator) -> bytes:
    """The bytes of a checkpoint that was worked on."""
    whole = WHOLE[rng.integers(len(WHOLE))]
    kind = rng.integers(4)
    if kind == 0:
        return mutated(whole, rng)
    if kind == 1:  # a member, its own header included
        return packed_again(
            whole, lambda name, member: member if rng.random() < 0.8 else mutated(member, rng)
        )
    return packed_again(
        whole, lambda name, member: header_case(member, rng) if name == "header.npy" else member
    )


def header_case(member: bytes, rng: np.random.Generator) -> bytes:
    """The header of a checkpoint with a value, or some bytes, changed, or a value too many."""
    said = json.loads(np.load(io.BytesIO(member)).tobytes())
    if rng.random() < 0.5:
        data = mutated(json.dumps(said).encode(), rng)
    else:
        values = [
            None,
            True,
            -1,
            0,
            1,
            2**31,
            2**52,
            10**400,
            1e308,
            0.5,
            "",
            "O",
            "V2000000000",
            "x" * 99,
            [],
            {},
            [[]],
        ]
        section = said[rng.choice(["model", "corpus", "settings", "run", "versions"])]
        names = [*sorted(section), *UNKNOWN]
        section[str(rng.choice(names))] = values[rng.integers(len(values))]
        data = json.dumps(said).encode()
    file = io.BytesIO()
    np.save(file, np.frombuffer(data, np.uint8))
    return file.getvalue()


def use_checkpoint(data: bytes, _rng: np.random.Generator) -> None:
    """Read a checkpoint, sample from it, go on with it."""
    found = unpacked(read_arrays(io.BytesIO(data)))
    assert len("".join(found.build().sample(3, seed=0))) == 3
    if found.settings and found.settings["batch_size"] * found.settings["seq_length"] < 10_000:
        text = corpus.Corpus.of(found.vocabulary.ix_to_char * 200)
        found.corpus |= {"characters": text.length, "sha256": text.sha256}
        more = {"steps": found.run["step"] + 1, "workers": 1, "patience": 0}
        with resume(found, Path("none.npz"), text, more) as session:
            for _ in train(session.run):
                break


def text_case(rng: np.random.Generator) -> bytes:
    """The bytes of a text."""
    encoding = str(rng.choice(["utf-8", "utf-16", "utf-32", "latin-1"]))
    characters = rng.choice(
        list("aé\n\r\t \u20ac\U0001f600\u3042\ufeff"), int(rng.integers(1, 400))
    )
    data = "".join(characters).encode(encoding, "replace")
    return mutated(data, rng) if rng.random() < 0.8 else data


def use_text(data: bytes, rng: np.random.Generator) -> None:
    """Read a text in an encoding that may be its own."""
    encoding = ENCODINGS[rng.integers(len(ENCODINGS))]
    how = Decoding(encoding, str(rng.choice(ERRORS)), binary=rng.random() < 0.1)
    text = corpus.read(["fuzz-case"], how)
    whole = text.text
    assert len(whole) == text.length
    assert "".join(sorted(set(whole))) == text.characters


CASES = {"checkpoint": (checkpoint_case, use_checkpoint), "text": (text_case, use_text)}


def carry_out(number: int) -> str:
    """One case; what became of it."""
    rng = np.random.default_rng(number)
    name = "checkpoint" if number % 4 else "text"
    make, use = CASES[name]
    data = make(rng)
    Path("fuzz-case").write_bytes(data)
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    try:
        use(data, rng)
        outcome = "of use"
    except CharRNNError as error:
        if len(str(error)) > 2_000:
            raise AssertionError("a long sentence") from error
        outcome = "refused"
    _, peak = tracemalloc.get_traced_memory()
    assert peak - before < 2 * len(data) + ROOM, f"{peak - before:,} bytes of memory"
    return f"{name} {outcome}"


def main() -> None:
    """Search, and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=float("inf"))
    parser.add_argument("--first", type=int, default=int(time.time()) << 8)
    parser.add_argument("--count", type=int, default=sys.maxsize)
    asked = parser.parse_args()
    until = time.monotonic() + 60 * asked.minutes
    found: Counter[str] = Counter()
    tracemalloc.start()
    number = asked.first
    try:
        with suppress(KeyboardInterrupt):
            for number in count(asked.first):
                if number >= asked.first + asked.count or time.monotonic() > until:
                    break
                found[carry_out(number)] += 1
        Path("fuzz-case").unlink(missing_ok=True)
    except Exception:
        print(traceback.format_exc()[-4000:], file=sys.stderr)
        sys.exit(f"case {number} was neither refused nor of use; it is kept in fuzz-case")
    finally:
        tracemalloc.stop()
        print(", ".join(f"{times:,} {what}" for what, times in sorted(found.items())))


if __name__ == "__main__":
    main()
