"""A header of a checkpoint that does not say what it should, in its form and in its words."""

import json

import pytest
from making import CORPUS, made, with_header

from charrnn.checkpoint import read, save
from charrnn.errors import CheckpointError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.npz"


def setting(section, name, value):
    """Changes a field of a section of a header."""
    return lambda said: said[section].update({name: value})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda said: b"not json", "header is not what it should be"),
        (lambda said: b"{}", "not a charrnn checkpoint"),
        (lambda said: [1], "not a charrnn checkpoint"),
        (lambda said: b"\xff\xfe", "header is not what it should be"),
        (lambda said: json.dumps({**said, "é": 1}, ensure_ascii=False).encode(), "header is not"),
        (lambda said: b"[" * 5_000, "header is not what it should be"),
        (lambda said: b"[" * 200_000, "too large"),
        (lambda said: b" " * 5_000_000, "too large"),
        (lambda said: b'{"format": 2, "format": 2}', "a name is there twice"),
        (lambda said: b'{"format": NaN}', "NaN is no number"),
        (lambda said: b'{"format": ' + b"9" * 5_000 + b"}", "header is not what it should be"),
        (lambda said: said.update(format=True), "not a charrnn checkpoint"),
        (lambda said: said.update(format=0), "not a charrnn checkpoint"),
        (lambda said: said.update(format="2"), "not a charrnn checkpoint"),
        (lambda said: said.pop("run") and None, "has no run"),
        (lambda said: said.update(corpus=[]), "has no corpus"),
        (lambda said: said["corpus"].pop("files") and None, "corpus lacks files"),
        (setting("corpus", "files", [3]), "files of its corpus are no names"),
        (setting("corpus", "characters", -1), "characters of its corpus is -1"),
        (setting("corpus", "held_out", 2**60), "held_out of its corpus"),
        (setting("corpus", "normalize", "zzz"), "normalize of its corpus is none of"),
        (setting("corpus", "errors", "zzz"), "errors of its corpus is none of"),
        (setting("corpus", "errors", None), "errors of its corpus is None"),
        (setting("corpus", "binary", 1), "binary of its corpus is 1"),
        (setting("run", "step", 1.5), "step of its run is 1.5"),
        (setting("run", "step", True), "step of its run is True"),
        (setting("run", "best_loss", "low"), "best_loss of its run is 'low'"),
        (setting("run", "recent", [1]), r"recent of its run is \[1\]"),
        (setting("versions", "numpy", 2), "versions are no names"),
        (setting("model", "hidden_size", 10**12), r"is \(4, 4\).*asks for \(4, 1000000000000\)"),
        (setting("model", "num_layers", 10**12), "too few for its layers"),
        (setting("model", "cell", "transformer"), "no cell named 'transformer'"),
        (setting("model", "dropout", 1), "dropout is in"),
        (setting("model", "hidden_size", 0), "at least 1"),
        (setting("model", "colour", "blue"), "nothing is known of 'colour' in its model"),
        (setting("model", "dtype", "V2000000000"), "nothing is known of 'dtype' in its model"),
        (setting("model", "dtype", "O"), "nothing is known of 'dtype' in its model"),
        (setting("corpus", "x", 1), "nothing is known of 'x' in its corpus"),
        (setting("run", "x", 1), "nothing is known of 'x' in its run"),
        (setting("model", "cell", "x" * 9_000), "no cell named 'x{50,200}$"),
        (lambda said: said.update(settings={"steps": 3}), "settings lacks batch_size, seq_length"),
        (
            lambda said: said.update(settings={"steps": 0, "batch_size": 1, "seq_length": 1}),
            "steps is at least 1",
        ),
        (
            lambda said: said.update(
                settings={"steps": 1, "batch_size": 1, "seq_length": 1, "x": 1}
            ),
            "nothing is known of 'x' in its settings",
        ),
        (lambda said: said["arrays"].extend(["last.by"] * 100_000), "too large"),
        (lambda said: said["arrays"].remove("last.by"), r"it lists no last\.by"),
        (lambda said: said.update(arrays=7), "lists no arrays"),
        (lambda said: said["arrays"].append("more"), "it lacks more"),
    ],
)
def test_a_header_that_is_not_what_it_should_be_is_refused(change, said, path):
    with_header(path, change)
    with pytest.raises(CheckpointError, match=rf"model\.npz: .*{said}"):
        read(path)


def test_a_number_too_large_for_a_float_is_none(path):
    with_header(
        path,
        lambda said: json.dumps(said).replace('"best_loss": 1.5', '"best_loss": 1e999').encode(),
    )
    with pytest.raises(CheckpointError, match="best_loss of its run is inf"):
        read(path)


@pytest.mark.parametrize("name", ["[{,", '"[{,', "\\[{,", '\\"[{,"\\\\', '",["'])
def test_what_stands_in_a_string_is_no_value(name, path):
    save(path, made(corpus={**CORPUS, "files": [name * 40_000]}))
    assert read(path).corpus["files"] == [name * 40_000]


@pytest.mark.parametrize("files", [["x"] * 100_000, ["x" * 3_000_000]])
def test_a_header_too_large_to_be_read_is_not_written(files, path):
    with pytest.raises(
        CheckpointError, match=r"model\.npz: cannot be saved: its header.*too large"
    ):
        save(path, made(corpus={**CORPUS, "files": files}))
    assert not path.exists()
