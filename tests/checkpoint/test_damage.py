"""A checkpoint with any damage to its bytes is refused or read as the same."""

import io
from contextlib import suppress

import numpy as np
import pytest
from helpers.checkpoints import (
    CORPUS,
    READING_BYTES,
    made,
    mutated,
    npz,
    refused,
    rewritten,
    small,
    with_header,
)
from helpers.memory import peak_bytes

from charrnn.checkpoint import MAX_EXCERPT, archive, read, save, unpack
from charrnn.errors import CheckpointError
from charrnn.sampling import sample_text
from charrnn.text.corpus_info import MAX_FILES
from charrnn.text.vocabulary import CODE_POINTS


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.npz"


def test_a_checkpoint_that_is_cut_short_anywhere_is_refused(path):
    whole = small(path)
    assert all(refused(whole[:size], whole) for size in range(len(whole)))


def test_a_checkpoint_of_which_a_bit_is_wrong_is_refused_or_the_same(path):
    whole = small(path)
    outcomes = [
        refused(whole[:n] + bytes([whole[n] ^ 1 << n % 8]) + whole[n + 1 :], whole)
        for n in range(len(whole))
    ]
    assert sum(outcomes) > 0.7 * len(whole)


def test_ten_thousand_mutations_are_at_worst_refused(path):
    whole, rng = small(path), np.random.default_rng(0)
    assert sum(refused(mutated(whole, rng), whole) for _ in range(10_000)) > 9_000


def test_changed_headers_are_refused_or_can_be_used(path):
    """Mutations that checksums do not find, because the checksums are changed, too."""
    small(path)
    rng = np.random.default_rng(0)
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    header = arrays["header"].tobytes()
    outcomes = []
    for _ in range(800):
        arrays["header"] = np.frombuffer(mutated(header, rng), np.uint8)
        data = io.BytesIO(npz(**arrays))
        try:
            model = unpack(archive.read(data)).build()
            outcomes.append(len("".join(sample_text(model, 2, seed=0))))
        except CheckpointError:
            outcomes.append(0)
    assert 0 < sum(outcome == 2 for outcome in outcomes) < len(outcomes)


def array(name, values):
    """Makes a checkpoint with another array."""
    return lambda path: rewritten(path, lambda arrays: arrays.update({name: values}))


def corpus(name, value):
    """Makes a checkpoint with another description of its text."""
    return lambda path: with_header(path, lambda said: said["corpus"].update({name: value}))


def section(name, value):
    """Makes a checkpoint with another section of the header."""
    return lambda path: with_header(path, lambda said: said.update({name: value}))


EVERY_CHARACTER = "".join(map(chr, range(CODE_POINTS)))
LARGE = {
    "characters without weights": array("vocabulary", np.arange(CODE_POINTS, dtype=np.uint32)),
    "characters with weights": lambda path: save(
        path, made(EVERY_CHARACTER, "vanilla", 1, excerpt=EVERY_CHARACTER[-MAX_EXCERPT:])
    ),
    "an excerpt": array("excerpt", np.full(5_000_000, 97, np.uint32)),
    "an excerpt that may be": lambda path: save(
        path, made("a\U0010ffff", excerpt="a" * MAX_EXCERPT)
    ),
    "an excerpt of unknown characters": array("excerpt", np.arange(MAX_EXCERPT, dtype=np.uint32)),
    "a history": array("history", np.ones((400_000, 3))),
    "weights": array("resume.m", np.ones(3_000_000, np.float32)),
    "files": corpus("files", [f"/{n:045}" for n in range(MAX_FILES)]),
    "files of wide characters": corpus("files", ["a" * 30 + "\U0010ffff"] * MAX_FILES),
    "too many files": corpus("files", ["ab"] * 90_000),
    "objects": corpus("files", [{"a": 1}] * 29_000),
    "lists": corpus("files", [[[]]] * 29_000),
    "numbers": corpus("files", [1e300 + n * 1e285 for n in range(59_000)]),
    "names": section("corpus", {f"x{n:012}": 1 for n in range(59_000)}),
    "names of versions": section("versions", {f"x{n:012}": "1" for n in range(59_000)}),
    "names of arrays": lambda path: with_header(
        path, lambda said: said.update(arrays=[f"{n:017}" for n in range(59_000)])
    ),
    "a name": corpus("name", "a" * 2_090_000),
    "a name of wide characters": corpus("name", "a" * 2_000_000 + "\U0010ffff"),
    "a header": corpus("name", "a" * 20_000_000),
    "arrays": lambda path: save(
        path, made(corpus=CORPUS, resume={f"{n}": np.zeros(1, np.float32) for n in range(2_000)})
    ),
}


@pytest.mark.parametrize("make", LARGE.values(), ids=LARGE)
def test_memory_is_bounded_by_the_size_of_the_file(make, path):
    make(path)

    def refused_or_read():
        with suppress(CheckpointError):
            read(path)

    assert peak_bytes(refused_or_read) < 2 * path.stat().st_size + READING_BYTES
