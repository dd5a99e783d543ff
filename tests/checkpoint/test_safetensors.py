"""Files of the format `.safetensors`: a damaged one is refused or read as the same."""

import io
import json
import re
from contextlib import suppress

import numpy as np
import pytest
from helpers.checkpoints import READING_BYTES, made, mutated
from helpers.memory import peak_bytes
from helpers.weights import network, packed

from charrnn import checkpoint as checkpoints
from charrnn.checkpoint import pytorch, safetensors
from charrnn.errors import CheckpointError, DamagedCheckpointError

ABOUT = {"vocabulary": "abc\n"}
ONE = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.ones(2, np.float32)}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


def numbers(data):
    """The metadata and the arrays in the bytes of a file."""
    file = io.BytesIO(data)
    metadata, tensors = safetensors.read_header(file)
    return metadata, {name: safetensors.read_numbers(file, each) for name, each in tensors.items()}


def test_arrays_and_metadata_come_back_with_the_same_bits():
    rng = np.random.default_rng(0)
    arrays = {f"{n}": rng.standard_normal((n, 3)).astype(np.float32) for n in (0, 1, 5)}
    file = io.BytesIO()
    safetensors.write(file, safetensors.encode(arrays, {"é": "\0\n\U0001f600"}), arrays.values())
    metadata, found = numbers(file.getvalue())
    assert metadata["é"] == "\0\n\U0001f600"
    assert {name: array.tobytes() for name, array in found.items()} == {
        name: array.tobytes() for name, array in arrays.items()
    }
    assert found["5"].shape == (5, 3)


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
def test_numbers_of_other_sizes_become_float32(dtype):
    values = np.array([0.5, -2.0, 65504.0, 6.1e-5], dtype)
    found = numbers(packed({"x": values}))[1]["x"]
    assert found.dtype == np.float32
    assert (found == values.astype(np.float32)).all()


def test_bf16_is_the_upper_half_of_a_float32():
    exact = np.array([1.0, -2.5, 3e38, 1e-38], np.float32).view(np.uint32) >> 16 << 16
    found = numbers(packed({"x": (exact >> 16).astype(np.uint16)}))[1]["x"]
    assert (found == exact.view(np.float32)).all()


def test_tensors_may_be_in_any_order_and_empty():
    def turned(header):
        header["empty"] = {"dtype": "F32", "shape": [0, 7], "data_offsets": [24, 24]}
        return json.dumps({name: header[name] for name in ("empty", "b", "a")}).encode() + b"   "

    _, found = numbers(packed(ONE, change=turned))
    assert {name: array.shape for name, array in found.items()} == {
        "a": (2, 3),
        "b": (2,),
        "empty": (0, 7),
    }


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_numbers_are_finite_also_in_float32(number):
    for value in (np.float32(number), np.float64(number), np.float64(np.sign(number) * 1e300)):
        with pytest.raises(CheckpointError, match=r"tensor 'x' is not finite everywhere: use an"):
            numbers(packed({"x": np.array([1, value])}))


def entry(**fields):
    """Changes fields of the entry of a tensor."""
    return lambda header: header["a"].update(fields)


def text(old, new):
    """Changes the text of the header."""

    def change(header):
        said = json.dumps(header)
        assert old in said
        return said.replace(old, new, 1).encode()

    return change


DAMAGED = {
    "not JSON": (lambda header: b"{nonsense", "its header is not JSON"),
    "not UTF-8": (lambda header: b'{"\xff": 1}', "its header is not JSON"),
    "a name twice": (text('"b"', '"a"'), "a name is repeated"),
    "a field twice": (text('"dtype"', '"dtype": "F32", "dtype"'), "a name is repeated"),
    "NaN": (text("[2, 3]", "NaN"), "NaN is not a number"),
    "a deep one": (lambda header: b"{" + b'"a":{' * 20_000, "header"),
    "a large number": (text("[2, 3]", f"[2, {'9' * 5_000}]"), "its header is not JSON"),
    "many values": (lambda header: b'{"x":[' + b"1," * 70_000 + b"1]}", "is too large"),
    "no object": (entry(a=1), "tensor 'a' has an unexpected field 'a'"),
    "an entry that is none": (lambda header: header.update(a=[]), "tensor 'a' is not an object"),
    "a missing field": (lambda header: header["a"].pop("dtype") and None, "'a' lacks 'dtype'"),
    "integers": (entry(dtype="I64"), "tensor 'a' has the type 'I64', not one of F64, F32, F16"),
    "a type that is none": (entry(dtype=["F32"]), "tensor 'a' has the type ['F32'], not one of"),
    "a shape that is none": (entry(shape=6), "tensor 'a' has no shape, but 6"),
    "a negative shape": (entry(shape=[-2, -3]), "tensor 'a' has no shape, but [-2, -3]"),
    "a boolean shape": (entry(shape=[True, 6]), "tensor 'a' has no shape, but [True, 6]"),
    "a broken shape": (entry(shape=[2.0, 3]), "tensor 'a' has no shape, but [2.0, 3]"),
    "many dimensions": (entry(shape=[1] * 40), "tensor 'a' has no shape, but [1, 1,"),
    "a huge shape": (entry(shape=[2**52] * 32), "'a' has 24 bytes, not as many as its shape (45"),
    "another shape": (entry(shape=[3, 3]), "'a' has 24 bytes, not as many as its shape (3, 3)"),
    "another type": (entry(dtype="F16"), "'a' has 24 bytes, not as many as its shape (2, 3)"),
    "offsets that are none": (entry(data_offsets=[24]), "'a' has no offsets, but [24]"),
    "negative offsets": (entry(data_offsets=[-24, 0]), "'a' has no offsets, but [-24, 0]"),
    "turned offsets": (entry(data_offsets=[24, 0]), "'a' has -24 bytes, not as many"),
    "huge offsets": (entry(data_offsets=[2**62, 2**62 + 24]), "'a' has no offsets, but [46"),
    "offsets behind the end": (entry(data_offsets=[2**40, 2**40 + 24]), "cut short"),
    "an overlap": (entry(data_offsets=[8, 32]), "tensor 'a' overlaps another one, or has"),
    "a gap": (
        lambda header: header.pop("a") and None,
        "tensor 'b' overlaps another one, or has a gap",
    ),
    "numbers of no tensor": (lambda header: header.pop("b") and None, "cut short, or with other"),
    "metadata that are none": (lambda header: header.update(__metadata__=[]), "the metadata of"),
    "metadata of numbers": (lambda header: header.update(__metadata__={"a": 1}), "the metadata of"),
}


@pytest.mark.parametrize(("change", "said"), DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_refused(change, said):
    with pytest.raises(DamagedCheckpointError, match=re.escape(said)) as caught:
        numbers(packed(ONE, change=change))
    assert len(str(caught.value).splitlines()) == 1
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("length", [2**21 + 1, 10**8])
def test_a_large_header_is_refused_before_it_is_read(length, path):
    with path.open("wb") as file:
        file.write(length.to_bytes(8, "little") + b"{")
        file.truncate(length + 100)

    def refuse():
        with pytest.raises(CheckpointError, match=r"its header, of [\d,]+ bytes, is too large"):
            checkpoints.read(path)

    assert peak_bytes(refuse) < 1 << 20


def test_a_file_that_is_cut_short_anywhere_or_too_long_is_refused():
    whole = packed(network(), ABOUT)
    for data in (*(whole[:size] for size in range(len(whole))), whole + b"\0", b"\0" + whole):
        assert outcome(data) == "refused"


def test_hundreds_of_mutations_are_refused_or_read_as_a_model():
    """The format has no checksum: other characters are read as another model."""
    whole, rng = packed(network(), ABOUT), np.random.default_rng(0)
    start = 8 + int.from_bytes(whole[:8], "little")
    outcomes = []
    for _ in range(300):
        place = rng.integers(start)
        outcomes.append(outcome(whole[:place] + rng.bytes(1) + whole[place + 1 :]))
        outcomes.append(outcome(mutated(whole[:start], rng) + whole[start:]))
    assert set(outcomes) == {"refused", outcome(whole)}
    assert 500 < outcomes.count("refused") < 600


def outcome(data):
    """The numbers of each parameter, whatever the order of the characters, or "refused"."""
    try:
        parameters = pytorch.read(io.BytesIO(data)).parameters
    except CheckpointError as error:
        return "refused" if len(str(error).splitlines()) == 1 else str(error)
    return str({name: np.sort(array.ravel()).tolist() for name, array in parameters.items()})


LARGE = {
    "tensors": lambda: packed(network(H=300, V=100), {"vocabulary": characters(100)}),
    "halves": lambda: packed(
        {name: array.astype(np.float16) for name, array in network(H=300, V=700).items()},
        {"vocabulary": characters(700)},
    ),
    "halves of an embedding": lambda: packed(
        {name: array.astype(np.float16) for name, array in network(H=60, V=9_000, E=1).items()},
        {"vocabulary": characters(9_000)},
    ),
    "characters without weights": lambda: packed(network(), {"vocabulary": characters(500_000)}),
    "wide metadata": lambda: packed(network(), {"vocabulary": "a" * 2_000_000 + "\U0001f600"}),
    "many tensors": lambda: packed({f"x{n}": np.zeros(0, np.float32) for n in range(6_000)}),
    "an embedding of no weights": lambda: packed(
        {**network(E=1), "embedding.weight": np.ones((300_000, 1), np.float32)},
        {"vocabulary": characters(300_000)},
    ),
}


def characters(number):
    """As many different characters."""
    return "".join(map(chr, [*range(0xD800), *range(0xE000, 0xE000 + number)][:number]))


@pytest.mark.parametrize("make", LARGE.values(), ids=LARGE)
def test_memory_is_bounded_by_the_size_of_the_file(make, path):
    path.write_bytes(make())

    def refused_or_read():
        with suppress(CheckpointError):
            checkpoints.read(path)

    assert peak_bytes(refused_or_read) < 10 * path.stat().st_size + READING_BYTES


def test_only_a_file_that_charrnn_wrote_is_its_own(path):
    checkpoints.save_weights(path, made())
    assert safetensors.is_own(path.read_bytes()[:100])
    other = packed(network(), ABOUT)
    assert safetensors.is_safetensors(other[:100])
    assert not safetensors.is_own(other[:100])
    for head in (b"", b"12345678{", b"PK\3\4" + bytes(40), b'{"a": 1}{'):
        assert not safetensors.is_safetensors(head)


def test_numbers_begin_at_a_multiple_of_8_bytes(path):
    for vocabulary in ("ab", "abc", "abcd", "abcdefgh"):
        checkpoints.save_weights(path, made(vocabulary))
        assert int.from_bytes(path.read_bytes()[:8], "little") % 8 == 0
