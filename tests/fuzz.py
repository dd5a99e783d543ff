"""Search for files that charrnn neither refuses nor can use.

python tests/fuzz.py                 # until Ctrl-C
python tests/fuzz.py --minutes 60
python tests/fuzz.py --first 4711 --count 1    # case 4711 again

A case is a number that seeds random changes: of the bytes of a checkpoint, of fields of its zip
file, of the header of an array, of values of its JSON header, of a file of weights, or of a text. A
case must be refused in one sentence, or be usable: a model is described, sampled and trained
further, a text is the same in pieces as at once. Nothing may be executed, and memory is bounded. A
case that breaks these rules is saved as `fuzz-case` and ends the search.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import sys
import time
import traceback
import tracemalloc
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from helpers.checkpoints import READING_BYTES, mutated, trained
from helpers.weights import network, packed

from charrnn import checkpoint as checkpoints
from charrnn.checkpoint import Checkpoint, archive, pack, unpack
from charrnn.checkpoint.schema import SCHEMA, Field
from charrnn.cli.summary import describe, summarize
from charrnn.errors import CharRNNError
from charrnn.render.colors import PLAIN
from charrnn.sampling import sample_text
from charrnn.text import corpus
from charrnn.text.decoding import ERRORS, Decoding
from charrnn.training.run import resume
from charrnn.training.trainer import train

WHOLE = [trained()]
ENCODINGS = [None, "utf-8", "utf-16", "utf-32", "latin-1", "shift-jis", "gb18030", "utf-7"]
#: Names that no section of a header has, and that would have an effect as keyword arguments.
UNKNOWN = ["x", "dtype", "vocabulary", "history"]
#: Bytes of memory that the use of a case may take beside twice its size.
USING_BYTES = 64 << 20
#: Audit events of Python that no case may cause.
FORBIDDEN = (
    "pickle.",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "os.system",
    "subprocess.",
    "socket.",
)
#: Numbers at the limits of integer types, and fields of zip files.
NUMBERS = [
    0,
    1,
    2,
    8,
    22,
    45,
    0x7F,
    0xFF,
    0xFFFF,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**53,
    2**63,
    2**64 - 1,
]


def packed_again(data: bytes, change: Callable[[str, bytes], bytes]) -> bytes:
    """Return an archive with changed members and the right checksums."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(file, "w") as new:
        for info in old.infolist():
            new.writestr(info.filename, change(info.filename, old.read(info)))
    return file.getvalue()


def checkpoint_case(rng: np.random.Generator) -> bytes:
    """Return the bytes of a changed checkpoint."""
    whole = WHOLE[rng.integers(len(WHOLE))]
    kind = rng.integers(6)
    if kind == 0:
        return mutated(whole, rng)
    if kind == 1:
        return zip_case(whole, rng)
    if kind == 2:  # a member, its own header included
        return packed_again(
            whole, lambda name, member: member if rng.random() < 0.8 else mutated(member, rng)
        )
    if kind == 3:
        return packed_again(
            whole, lambda name, member: member if rng.random() < 0.8 else array_case(member, rng)
        )
    return packed_again(
        whole, lambda name, member: header_case(member, rng) if name == "header.npy" else member
    )


def zip_case(whole: bytes, rng: np.random.Generator) -> bytes:
    """Return a zip file with changed fields, or with additional records."""
    data = bytearray(whole)
    forms = {
        archive.MEMBER: archive.Local,
        archive.ENTRY: archive.Entry,
        archive.END: archive.End,
    }
    for _ in range(rng.integers(1, 4)):
        signature = list(forms)[rng.integers(3)]
        places = [match.start() for match in re.finditer(re.escape(signature), data)]
        form, place = forms[signature], int(rng.choice(places or [0]))
        if rng.random() < 0.7 and place + form.size <= len(data) and places:
            fields = list(form.unpack_from(data, place))
            number = int(rng.integers(1, len(fields)))
            size = 4 if form.size > 22 and fields[number] > 0xFFFF else 2
            fields[number] = NUMBERS[rng.integers(12)] & (2 ** (8 * size) - 1)
            form.pack_into(data, place, *fields)
        elif rng.random() < 0.5:  # the records of a large file, with wrong fields
            start, length, end = (NUMBERS[rng.integers(len(NUMBERS))] for _ in range(3))
            start = data.find(archive.ENTRY) if rng.random() < 0.7 else start
            length = len(data) - 22 - start if rng.random() < 0.5 else length
            record = archive.LargeEnd.pack(
                archive.LARGE_END if rng.random() < 0.5 else b"PK\0\0",
                44, 45, 45, 0, 0, 9, 9, length & (2**64 - 1), start & (2**64 - 1),
            )  # fmt: skip
            pointer = archive.Locator.pack(
                archive.LOCATOR, 0, len(data) - 22 if rng.random() < 0.7 else end, 1
            )
            data[-22:-22] = record + pointer
        else:  # an entry, or a member, a second time
            there = int(rng.choice(places or [0]))
            data[there:there] = data[place : place + int(rng.integers(30, 300))]
    return bytes(data)


def array_case(member: bytes, rng: np.random.Generator) -> bytes:
    """Return an array with a changed header or changed numbers."""
    start = len(archive.NPY) + 2
    length = int.from_bytes(member[start - 2 : start], "little")
    said, numbers = member[start : start + length].decode("latin-1"), member[start + length :]
    choices = ["|u1", "<u4", "<f4", "<f8", ">f4", "<f2", "|O", "<U1", "|S0", "|V8", "<c8", "|b1"]
    shapes = ["()", "(0,)", "(-1,)", "(1, 1)", "(True,)", f"({2**62}, 4)", "(" + "1, " * 40 + ")"]
    shapes += [f"({2**33}, {2**33})", "(0, 999999999999999999)", f"({len(numbers)},)", "3", "(9L,)"]
    kind = rng.integers(8)
    if kind == 0:
        said = re.sub(r"'descr': '[^']*'", f"'descr': '{rng.choice(choices)}'", said)
    elif kind == 1:
        said = re.sub(r"\([^)]*\)", str(rng.choice(shapes)), said)
    elif kind == 2:
        said = re.sub(
            r"\d+", lambda match: str([match[0], *NUMBERS][rng.integers(1 + len(NUMBERS))]), said
        )
    elif kind == 3:
        said = said.replace("False", "True")
    elif kind == 4:
        said = mutated(said.encode("latin-1"), rng).decode("latin-1")
    if rng.random() < 0.2:  # other numbers, some of them NaN
        numbers = mutated(numbers, rng)
    else:
        values = [np.nan, np.inf, -np.inf, 3.4e38, -1.0, 1e-45, 2.0**53]
        place = int(rng.integers(0, max(1, len(numbers) - 8)))
        odd = np.array([values[rng.integers(len(values))]], rng.choice(["<f4", "<f8"])).tobytes()
        numbers = numbers[:place] + odd + numbers[place + len(odd) :] if numbers else numbers
    head = said.encode("latin-1")
    return archive.NPY + (len(head) & 0xFFFF).to_bytes(2, "little") + head + numbers


def value_for(field: Field | None, old: object, rng: np.random.Generator) -> object:
    """Return a value for a field of a header: in or out of its range, or of another type."""
    if field is not None and rng.random() < 0.6:
        if field.choices:
            return str(rng.choice(field.choices))
        if field.kind is bool:
            return bool(rng.integers(2))
        if field.kind is int:
            return min(int(field.high), int(field.low) + int(2 ** (53 * rng.random() ** 2)))
        if field.kind is float:
            return float(min(field.high, field.low + 10 ** float(rng.uniform(-9, 3))))
        if field.kind is str and isinstance(old, str):
            return (old[::-1] + "\u202e\n")[: int(field.high)][-int(max(field.low, 40)) :]
    values = [
        None, True, -1, 0, 1, 2**31, 2**52, 2**53, 10**400, 1e308, -0.0, 0.5, 1.7e308, "", "O",
        "V2000000000", "x" * 99, "x\0", "x" * 300_000, "\n\x1b[2J\u202e", "../../x", "/dev/zero",
        [], {}, [[]], ["-"], ["/dev/zero", "a\0"], [1e300, 2], old,
    ]  # fmt: skip
    if field is not None:
        ends = [field.low, field.high] if field.kind in (int, float) else []
        values += 4 * [*ends, *(end + 1 for end in ends), *field.choices]
    return values[rng.integers(len(values))]


def header_case(member: bytes, rng: np.random.Generator) -> bytes:
    """Return a header with changed bytes, changed values, or an additional field."""
    said = json.loads(np.load(io.BytesIO(member)).tobytes())
    if rng.random() < 0.3:
        data = mutated(json.dumps(said).encode(), rng)
    else:
        for _ in range(rng.integers(1, 4)):
            name = str(rng.choice(list(SCHEMA)))
            section = said[name]
            if not isinstance(section, dict) or rng.random() < 0.02:
                said[name] = [None, {}, [], "x"][rng.integers(4)]
                continue
            key = str(rng.choice([*sorted(section), *sorted(SCHEMA[name]), *UNKNOWN]))
            section[key] = value_for(SCHEMA[name].get(key), section.get(key), rng)
        data = json.dumps(said).encode()
    file = io.BytesIO()
    np.save(file, np.frombuffer(data, np.uint8))
    return file.getvalue()


def read(data: bytes) -> Checkpoint:
    """Read a checkpoint within the promised memory."""
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    try:
        return unpack(archive.read(io.BytesIO(data)))
    finally:
        _, peak = tracemalloc.get_traced_memory()
        assert peak - before < 2 * len(data) + READING_BYTES, f"{peak - before:,} bytes of memory"


def contents(checkpoint: Checkpoint) -> dict[str, bytes]:
    """Return the bytes of each array of a checkpoint."""
    return {name: array.tobytes() for name, array in pack(checkpoint).items()}


#: The contents of the checkpoints before their changes.
ORIGINALS = [contents(unpack(archive.read(io.BytesIO(whole)))) for whole in WHOLE]


@np.errstate(over="ignore", invalid="ignore")  # as in the commands
def use_checkpoint(data: bytes, _rng: np.random.Generator) -> str:
    """Read a checkpoint, describe it, sample from it, train it; return whether it is the same."""
    found = read(data)
    outcome = "read as the same" if contents(found) in ORIGINALS else "read as another model"
    model = found.build()
    summary = summarize(model, found)
    json.dumps(summary, allow_nan=False)
    assert len(describe(summary, found, 80, PLAIN)) < 10_000
    assert len("".join(sample_text(model, 3, seed=0))) == 3
    settings = found.settings
    if found.corpus and settings and settings.batch_size * settings.seq_length < 10_000:
        text = corpus.Corpus.of(found.vocabulary.ix_to_char * 200)
        found.corpus = replace(found.corpus, characters=text.length, sha256=text.sha256)
        steps = found.run.step + 1
        with resume(found, Path("none.npz"), text, steps=steps, workers=1, patience=0) as run:
            for _ in train(run.trainer):
                break
    return outcome


def weights_case(rng: np.random.Generator) -> bytes:
    """Return the bytes of a changed file of weights: of its bytes, or of values of its header."""
    rows, E = int(rng.choice([1, 3, 4])), int(rng.integers(3))
    tensors = network(rows, L=int(rng.integers(1, 3)), seed=1, E=E)
    about = {"vocabulary": "ab\n\u20ac", "lines": "false"}
    fields = {**SCHEMA["model"], **SCHEMA["reading"], "vocabulary": None}

    def change(header: dict[str, Any]) -> None:
        for _ in range(rng.integers(1, 3)):
            if rng.random() < 0.7:
                key = str(rng.choice(list(fields)))
                value = value_for(fields[key], about.get(key), rng)
                header["__metadata__"][key] = value if isinstance(value, str) else json.dumps(value)
                continue
            name = str(rng.choice(list(tensors)))
            key = str(rng.choice(["dtype", "shape", "data_offsets", *UNKNOWN]))
            value = [NUMBERS[rng.integers(len(NUMBERS))] for _ in range(2)]
            header[name][key] = value if rng.random() < 0.5 else value_for(None, None, rng)
            if rng.random() < 0.2:
                header[name + str(rng.choice(["0", "_reverse", "\ud800"]))] = header[name]

    if rng.random() < 0.5:
        return mutated(packed(tensors, about), rng)
    return packed(tensors, about, change)


def use_weights(data: bytes, _rng: np.random.Generator) -> str:
    """Read a file of weights, describe the model, sample from it."""
    Path("fuzz-case").write_bytes(data)
    found = checkpoints.read("fuzz-case")
    model = found.build()
    summary = summarize(model, found)
    json.dumps(summary, allow_nan=False)
    assert len(describe(summary, found, 80, PLAIN)) < 10_000
    assert len("".join(sample_text(model, 3, seed=0))) == 3
    return "read as a model"


def text_case(rng: np.random.Generator) -> bytes:
    """Return the bytes of a text, most of them changed."""
    encoding = str(rng.choice(["utf-8", "utf-16", "utf-32", "latin-1"]))
    characters = rng.choice(
        list("aé\n\r\t \u20ac\U0001f600\u3042\ufeff"), int(rng.integers(1, 400))
    )
    data = "".join(characters).encode(encoding, "replace")
    return mutated(data, rng) if rng.random() < 0.8 else data


def use_text(data: bytes, rng: np.random.Generator) -> str:
    """Read a text in a random encoding."""
    encoding = ENCODINGS[rng.integers(len(ENCODINGS))]
    how = Decoding(encoding, str(rng.choice(ERRORS)), binary=rng.random() < 0.1)
    text = corpus.read(["fuzz-case"], how)
    whole = text.text
    assert len(whole) == text.length
    assert "".join(sorted(set(whole))) == text.characters
    return "of use"


CASES = {
    "checkpoint": (checkpoint_case, use_checkpoint),
    "weights": (weights_case, use_weights),
    "text": (text_case, use_text),
}
#: The kinds of eight cases in a row.
ORDER = ("text", *("checkpoint",) * 3, "weights", *("checkpoint",) * 3)


def carry_out(number: int) -> str:
    """Run a case; return its outcome."""
    rng = np.random.default_rng(number)
    name = ORDER[number % len(ORDER)]
    make, use = CASES[name]
    data = make(rng)
    Path("fuzz-case").write_bytes(data)
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    try:
        with watched():
            outcome = use(data, rng)
    except CharRNNError as error:
        if len(str(error)) > 2_000:
            raise AssertionError("a long sentence") from error
        outcome = "refused"
    _, peak = tracemalloc.get_traced_memory()
    assert peak - before < 2 * len(data) + USING_BYTES, f"{peak - before:,} bytes of memory"
    return f"{name} {outcome}"


watching = False


def watch(event: str, arguments: tuple[object, ...]) -> None:
    """Raise on forbidden audit events (a hook of `sys.addaudithook`)."""
    if watching and event.startswith(FORBIDDEN):
        raise AssertionError(f"{event} {arguments!r:.200}")


@contextmanager
def watched() -> Iterator[None]:
    """Watch for forbidden audit events within the context."""
    global watching
    watching = True
    try:
        yield
    finally:
        watching = False


def main() -> None:
    """Search, and print the number of cases by outcome."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=float("inf"))
    parser.add_argument("--first", type=int, default=int(time.time()) << 8)
    parser.add_argument("--count", type=int, default=sys.maxsize)
    asked = parser.parse_args()
    until = time.monotonic() + 60 * asked.minutes
    found: Counter[str] = Counter()
    tracemalloc.start()
    sys.addaudithook(watch)
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
