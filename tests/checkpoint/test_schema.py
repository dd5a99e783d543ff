"""Headers of checkpoints with a wrong form, wrong fields or wrong values."""

import json
from dataclasses import replace
from math import inf, nan, nextafter

import numpy as np
import pytest
from helpers.checkpoints import CORPUS, RUN, SETTINGS, made, with_header

from charrnn.checkpoint import pack, read, save, schema, unpack
from charrnn.checkpoint.schema import SCHEMA
from charrnn.config import ModelConfig, TrainingConfig
from charrnn.errors import CheckpointError
from charrnn.text.corpus import Corpus
from charrnn.text.corpus_info import MAX_FILES, ReadingSettings
from charrnn.training import run as runs


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.npz"


def setting(section, name, value):
    """Changes a field of a section of a schema."""
    return lambda said: said[section].update({name: value})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda said: b"not json", "its header is not JSON"),
        (lambda said: b"{}", "not a charrnn checkpoint: name a file"),
        (lambda said: [1], "its header is not a JSON object"),
        (lambda said: b"\xff\xfe", "its header is not JSON"),
        (lambda said: json.dumps({**said, "é": 1}, ensure_ascii=False).encode(), "is not JSON"),
        (lambda said: b"[" * 5_000, "its header is not JSON"),
        (lambda said: b"[" * 200_000, "too large"),
        (lambda said: b" " * 5_000_000, "too large"),
        (lambda said: b'{"format": 1, "format": 1}', "a name is repeated"),
        (lambda said: b'{"format": NaN}', "NaN is not a number"),
        (lambda said: b'{"format": ' + b"9" * 5_000 + b"}", "its header is not JSON"),
        (lambda said: said.update(format=True), "not a charrnn checkpoint"),
        (lambda said: said.update(format=0), "not a charrnn checkpoint"),
        (lambda said: said.update(format="2"), "not a charrnn checkpoint"),
        (lambda said: said.pop("run") and None, "its header lacks 'run'"),
        (lambda said: said.update(run=None), "the run of its header is not an object"),
        (lambda said: said.update(corpus=[]), "the corpus of its header is not an object"),
        (lambda said: said["corpus"].pop("files") and None, "corpus of its header lacks 'files'"),
        (lambda said: said["corpus"].update(files=["a", "b\0"]), "corpus.files of its header is"),
        (lambda said: said["versions"].update(numpy=2), "versions of its header is not at most"),
        (lambda said: said["versions"].update({"x" * 2_001: "1"}), "versions of its header is not"),
        (lambda said: said["versions"].update({f"{n}": "1" for n in range(50)}), "versions of its"),
        (setting("model", "hidden_size", 10**12), r"model needs \(3000000000000, 4\)"),
        (setting("model", "num_layers", 10**12), "num_layers .* is 1,000,000,000,000, and there"),
        (
            setting("model", "layer_type", "x" * 9_000),
            "layer_type .* is 'x{5,40}[.]{3}x{5,40}', not",
        ),
        (
            setting("model", "colour", "blue"),
            "has an unexpected field 'colour'",
        ),
        (setting("model", "dtype", "V2000000000"), "an unexpected field 'dtype'"),
        (setting("corpus", "x", 1), "corpus of its header has an unexpected field 'x'"),
        (setting("run", "x", 1), "run of its header has an unexpected field 'x'"),
        (lambda said: said.update(x=1), "its header has an unexpected field 'x'"),
        (lambda said: said.update(model={}), "lacks 'dropout', 'ensemble', 'hidden_size'"),
        (lambda said: said.update(settings={"steps": 3}), "settings of its header lacks 'batch"),
        (setting("settings", "steps", 0), "settings.steps .* is 0, not a whole number from 1 to"),
        (setting("settings", "workers", 3), "settings of its header: workers is from 1 to batch_"),
        (setting("settings", "x", 1), "settings of its header has an unexpected field 'x'"),
        (lambda said: said["arrays"].extend(["last.by"] * 100_000), "too large"),
        (lambda said: said["arrays"].remove("last.by"), r"unexpected array 'last\.by'"),
        (lambda said: said.update(arrays=7), "arrays of its header is not a list"),
        (lambda said: said["arrays"].append("more"), "missing array 'more'"),
    ],
)
def test_a_wrong_header_is_refused(change, said, path):
    with_header(path, change)
    with pytest.raises(CheckpointError, match=rf"model\.npz: .*{said}"):
        read(path)


@pytest.fixture(scope="module")
def valid():
    """The arrays of a checkpoint with every field, and its schema."""
    arrays = pack(made(corpus=CORPUS, reading=ReadingSettings(), settings=SETTINGS, run=RUN))
    return arrays, json.loads(arrays.pop("header").tobytes())


FIELDS = [(section, name) for section, known in SCHEMA.items() for name in known]
#: No field is any of these.
NEVER = [{}, {"a": 1}, [[]], nan, inf, -inf, -1, -0.5, 10**400, "1e999", "-1e999", "a\0", "\0"]


def wrong(field):
    """Values that a field may not have: of other types, and out of its range on both sides."""
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
        found += [[right(field.item), bad] for bad in wrong(field.item)]
        found += [[right(field.item)] * (field.high + 1)]
    return [value for value in found if not (field.kind is str and value in field.choices)]


def right(field):
    """The highest value that a field may have."""
    if field.kind is list:
        return [right(field.item)]
    if field.kind is str:
        return field.choices[-1] if field.choices else "x" * int(min(field.high, 10_000))
    return True if field.kind is bool else field.high


def lowest(field):
    """The lowest value that a field may have, or None."""
    if field.nullable:
        return None
    if field.kind is list:
        return []
    if field.kind is str:
        return field.choices[0] if field.choices else "x" * int(field.low)
    return False if field.kind is bool else field.low


def with_value(said, section, name, value):
    """A header with another value of a field, as bytes; 1e999 stands for infinity."""
    changed = {**said, section: {**said[section], name: value}}
    return json.dumps(changed).replace('"1e999"', "1e999").replace('"-1e999"', "-1e999").encode()


@pytest.mark.parametrize(("section", "name"), FIELDS)
def test_every_field_is_held_to_its_type_and_its_range(section, name, valid):
    arrays, said = valid
    field = SCHEMA[section][name]
    for value in wrong(field):
        data = np.frombuffer(with_value(said, section, name, value), np.uint8)
        with pytest.raises(CheckpointError) as caught:
            unpack({**arrays, "header": data})
        refusal = str(caught.value)
        assert len(refusal) < 400
        assert "\n" not in refusal
        # NaN and Infinity are refused before any field is checked.
        assert any(
            words in refusal
            for words in (f"{section}.{name} of its header is ", "is not a number", "is too large")
        ), (value, refusal)


@pytest.mark.parametrize(("section", "name"), FIELDS)
def test_every_field_may_have_the_ends_of_its_range(section, name, valid):
    field = SCHEMA[section][name]
    for value in (lowest(field), right(field)):
        schema.check(json.loads(with_value(valid[1], section, name, value)))


def test_the_schema_has_the_fields_that_a_run_writes_and_no_others(path):
    model = ModelConfig(hidden_size=3)
    training = TrainingConfig(batch_size=2, seq_length=4, workers=1)
    with runs.new(Corpus.of("abc" * 99), path, model, training) as run:
        run.save()
    with np.load(path) as file:
        said = json.loads(file["header"].tobytes())
    assert said.pop("reading") is None  # the corpus says it
    written = {(section, name) for section in SCHEMA.keys() & said for name in said[section]}
    assert written == {field for field in FIELDS if field[0] != "reading"}
    assert said.keys() | {"reading"} == {"format", "arrays", "versions", *SCHEMA}


@pytest.mark.parametrize("value", [None, True, 0, -1, 1.5, "2", [], 10**400])
def test_an_invalid_format_is_refused(value, valid):
    arrays, said = valid
    data = np.frombuffer(json.dumps({**said, "format": value}).encode(), np.uint8)
    with pytest.raises(CheckpointError, match="not a charrnn checkpoint"):
        unpack({**arrays, "header": data})


@pytest.mark.parametrize("name", ["[{,", '"[{,', "\\[{,", '\\"[{,"\\\\', '",["'])
def test_text_in_a_string_counts_as_no_value(name, path):
    save(path, made(corpus=replace(CORPUS, name=name * 40_000)))
    assert read(path).corpus.name == name * 40_000


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (["x"] * (MAX_FILES + 1), "corpus.files of its header is"),
        (["x" * (schema.MAX_PATH + 1)], "corpus.files of its header is"),
        (["x" * schema.MAX_PATH] * 70, "its header, of .*, is too large to save"),
    ],
)
def test_a_header_too_large_to_be_read_is_not_written(files, said, path):
    with pytest.raises(CheckpointError, match=rf"model\.npz: .*{said}"):
        save(path, made(corpus=replace(CORPUS, files=tuple(files))))
    assert not path.exists()
