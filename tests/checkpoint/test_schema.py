"""A header of a checkpoint that does not say what it should, in its form and in its words."""

import json
from dataclasses import asdict
from math import inf, nan, nextafter

import numpy as np
import pytest
from configs import complete
from making import CORPUS, RUN, made, with_header

from charrnn.checkpoint import packed, read, save, unpacked
from charrnn.checkpoint import schema as header
from charrnn.checkpoint.schema import SECTIONS
from charrnn.config import ModelConfig, TrainingConfig
from charrnn.errors import CheckpointError
from charrnn.text.corpus import Corpus
from charrnn.training import run


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
        (lambda said: said["corpus"].update(files=["a", "b\0"]), "files of its corpus"),
        (lambda said: said["versions"].update(numpy=2), "versions are too many, or no names"),
        (lambda said: said["versions"].update({"x" * 2_001: "1"}), "versions are too many"),
        (lambda said: said["versions"].update({f"{n}": "1" for n in range(50)}), "are too many"),
        (setting("model", "hidden_size", 10**12), r"is \(4, 4\).*asks for \(4, 1000000000000\)"),
        (setting("model", "num_layers", 10**12), "too few for its layers"),
        (setting("model", "cell", "x" * 9_000), "cell of its model is 'x{5,40}[.]{3}x{5,40}', not"),
        (setting("model", "colour", "blue"), "nothing is known of 'colour' in its model"),
        (setting("model", "dtype", "V2000000000"), "nothing is known of 'dtype' in its model"),
        (setting("corpus", "x", 1), "nothing is known of 'x' in its corpus"),
        (setting("run", "x", 1), "nothing is known of 'x' in its run"),
        (lambda said: said.update(x=1), "nothing is known of 'x' in its header"),
        (lambda said: said.update(model={}), "model lacks cell, dropout, hidden_size"),
        (
            lambda said: said.update(settings={"steps": 3}),
            "settings lacks learning_rate, val_every",
        ),
        (
            lambda said: said.update(settings=asdict(complete(steps=3)) | {"steps": 0}),
            "steps of its settings is 0, not a whole number from 1 to",
        ),
        (
            lambda said: said.update(settings=asdict(complete(steps=1)) | {"x": 1}),
            "nothing is known of 'x' in its settings",
        ),
        (lambda said: said["arrays"].extend(["last.by"] * 100_000), "too large"),
        (lambda said: said["arrays"].remove("last.by"), r"it lists no 'last\.by'"),
        (lambda said: said.update(arrays=7), "lists no arrays"),
        (lambda said: said["arrays"].append("more"), "it lacks 'more'"),
    ],
)
def test_a_header_that_is_not_what_it_should_be_is_refused(change, said, path):
    with_header(path, change)
    with pytest.raises(CheckpointError, match=rf"model\.npz: .*{said}"):
        read(path)


@pytest.fixture(scope="module")
def valid():
    """The arrays of a checkpoint with every field, and its header."""
    every = asdict(complete(steps=3, batch_size=2, seq_length=2))
    corpus = {**CORPUS, "errors": "strict", "binary": False}
    arrays = packed(made(corpus=corpus, settings=every, run=RUN))
    return arrays, json.loads(arrays.pop("header").tobytes())


FIELDS = [(section, name) for section, known in SECTIONS.items() for name in known]
#: No field is any of these.
NEVER = [{}, {"a": 1}, [[]], nan, inf, -inf, -1, -0.5, 10**400, "1e999", "-1e999", "a\0", "\0"]


def wrong(field):
    """Values that a field may not have: of other types, and beyond its range on both sides."""
    found = list(NEVER)
    if not field.nullable:
        found.append(None)
    found += [1, 0] if field.kind is bool else [True, False]
    if field.kind in (int, float):
        found += ["", "1", [], [1], field.high + 1 if field.kind is int else field.high * 2]
        found += [field.low - 1, nextafter(field.high, inf)]
    if field.kind is int:
        found += [0.5, 1.0]
    if field.kind is str:
        found += [1, 0.5, ["a"], "x" * (field.high + 1) if field.high < 10**6 else 2]
        found += ["x" * (field.low - 1)] if field.low else []
        found += [choice + "x" for choice in field.choices]
    if field.kind is list:
        found += ["", "ab", 1]
        good = [right(item) for item in field.items]
        for number, item in enumerate(field.items):
            found += [[*good[:number], bad, *good[number + 1 :]] for bad in wrong(item)]
        # One too few, and one too many.
        found += [good * n for n in (field.high + 1,)] + [good[1:]] * (field.low > 0)
    return [value for value in found if not (field.kind is str and value in field.choices)]


def right(field):
    """A value that a field may have: the highest."""
    if field.kind is list:
        return [right(item) for item in field.items]
    if field.kind is str:
        return field.choices[-1] if field.choices else "x" * int(min(field.high, 10_000))
    return True if field.kind is bool else field.high


def lowest(field):
    """Likewise the lowest, or None."""
    if field.nullable:
        return None
    if field.kind is list:
        return [lowest(item) for item in field.items] if len(field.items) == field.low else []
    if field.kind is str:
        return field.choices[0] if field.choices else "x" * int(field.low)
    return False if field.kind is bool else field.low


def with_value(said, section, name, value):
    """A header of which a field has another value, as bytes; 1e999 is a number in them."""
    changed = {**said, section: {**said[section], name: value}}
    return json.dumps(changed).replace('"1e999"', "1e999").replace('"-1e999"', "-1e999").encode()


@pytest.mark.parametrize(("section", "name"), FIELDS)
def test_every_field_is_held_to_its_type_and_its_range(section, name, valid):
    arrays, said = valid
    field = SECTIONS[section][name]
    for value in wrong(field):
        data = np.frombuffer(with_value(said, section, name, value), np.uint8)
        with pytest.raises(CheckpointError) as caught:
            unpacked({**arrays, "header": data})
        refusal = str(caught.value)
        assert len(refusal) < 400
        assert "\n" not in refusal
        # What JSON does not have is refused before there are fields.
        assert any(
            words in refusal
            for words in (f"{name} of its {section} is ", "is no number", "is too large")
        ), (value, refusal)


@pytest.mark.parametrize(("section", "name"), FIELDS)
def test_every_field_may_have_the_ends_of_its_range(section, name, valid):
    field = SECTIONS[section][name]
    for value in (lowest(field), right(field)):
        header.check(json.loads(with_value(valid[1], section, name, value)))


def test_the_schema_has_the_fields_that_a_run_writes_and_no_others(path):
    config = TrainingConfig(batch_size=2, seq_length=4, workers=1)
    with run.new(Corpus.of("abc" * 99), path, ModelConfig(hidden_size=3), config) as current:
        current.save()
    with np.load(path) as file:
        said = json.loads(file["header"].tobytes())
    written = {(section, name) for section in SECTIONS for name in said[section]}
    assert {pair for pair in written if pair[0] != "versions"} == set(FIELDS)
    assert said.keys() == {"format", "arrays", *SECTIONS}


@pytest.mark.parametrize("value", [None, True, 0, -1, 1.5, "2", [], 10**400])
def test_a_format_that_is_none_is_refused(value, valid):
    arrays, said = valid
    data = np.frombuffer(json.dumps({**said, "format": value}).encode(), np.uint8)
    with pytest.raises(CheckpointError, match="not a charrnn checkpoint"):
        unpacked({**arrays, "header": data})


@pytest.mark.parametrize("name", ["[{,", '"[{,', "\\[{,", '\\"[{,"\\\\', '",["'])
def test_what_stands_in_a_string_is_no_value(name, path):
    save(path, made(corpus={**CORPUS, "name": name * 40_000}))
    assert read(path).corpus["name"] == name * 40_000


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (["x"] * (header.MAX_FILES + 1), "files of its corpus is"),
        (["x" * (header.MAX_PATH + 1)], "files of its corpus is"),
        (["x" * header.MAX_PATH] * 70, "cannot be saved: its header.*too large"),
    ],
)
def test_a_header_too_large_to_be_read_is_not_written(files, said, path):
    with pytest.raises(CheckpointError, match=rf"model\.npz: .*{said}"):
        save(path, made(corpus={**CORPUS, "files": files}))
    assert not path.exists()
