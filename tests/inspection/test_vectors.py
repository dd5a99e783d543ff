import numpy as np
import pytest

from charrnn.errors import DivergedError, TextError
from charrnn.inspection import scoring, side_by_side
from charrnn.inspection.vectors import export_vectors, last_states, line_vectors
from charrnn.network.layers import LAYER_TYPES
from charrnn.network.model import CharRNN
from charrnn.sampling import Reader, beginning
from charrnn.text.vocabulary import REPLACEMENT, Vocabulary


def model_of(characters="abc\n", layer_type="lstm", replaces=False, **shape):
    vocabulary = Vocabulary(characters, replaces=replaces)
    model = CharRNN(vocabulary, layer_type=layer_type, hidden_size=5, dtype=np.float64, **shape)
    model.initialize(np.random.default_rng(1))
    return model


def start_of(model):
    return beginning(model, "ab\ncab\n" * 9).state


def vectors_of(model, *pieces):
    return line_vectors(model, lambda: pieces, start_of(model))


def state_after(model, text):
    """The state after a text that is read one character at a time, (L, S, H)."""
    reader = Reader(model)
    reader.state[...] = start_of(model)[..., None]
    for index in model.vocabulary.encode(text, unknown="skip"):
        reader.read(np.array([index], np.intp))
    return reader.state[..., 0]


def check(model, vectors, lines):
    """Compare vectors with lines that are read one after the other."""
    for (layer, name), values in vectors.values.items():
        number = model.layers[0].state_names.index(name)
        expected = [state_after(model, line)[layer - 1, number] for line in lines]
        np.testing.assert_allclose(values, expected, atol=1e-12)


TEXT = "ab\n\ncab\n" + "abc" * 30 + "\nx\nxaby\n" + "c"


@pytest.mark.parametrize("lines", [False, True])
@pytest.mark.parametrize("layer_type", sorted(LAYER_TYPES))
def test_a_vector_is_the_state_after_the_last_character_of_a_line(layer_type, lines):
    model = model_of(layer_type=layer_type, num_layers=2, lines=lines)
    found = vectors_of(model, TEXT)
    assert found.lines.tolist() == [1, 3, 4, 6, 7]
    assert (found.left_out, found.unknown) == (2, 3)
    assert len(found.values) == 2 * len(model.layers[0].state_names)
    check(model, found, ["ab", "cab", "abc" * 30, "ab", "c"])


@pytest.mark.parametrize("long", [8_000, 20])
@pytest.mark.parametrize("block", [16, 1 << 18])
def test_the_vectors_do_not_depend_on_blocks_and_pieces(block, long, monkeypatch):
    model = model_of()
    expected = vectors_of(model, TEXT)
    monkeypatch.setattr(scoring, "BLOCK", block)
    monkeypatch.setattr(side_by_side, "LONG", long)
    for pieces in ([TEXT], TEXT, [f"{TEXT}\n"]):
        found = vectors_of(model, *pieces)
        assert found.lines.tolist() == expected.lines.tolist()
        assert (found.left_out, found.unknown) == (2, 3)
        for signal, values in expected.values.items():
            np.testing.assert_allclose(found.values[signal], values, atol=1e-3)


def test_a_line_has_the_same_vector_wherever_it_stands(rng):
    model = model_of()
    lines = ["".join(rng.choice(list("abc"), rng.integers(1, 60))) for _ in range(150)]
    alone = vectors_of(model, "cab").values[1, "h"][0]
    found = vectors_of(model, "\n".join([*lines, "cab", *lines]))
    np.testing.assert_allclose(found.values[1, "h"][150], alone, atol=1e-12)
    check(model, found, [*lines, "cab", *lines])


def test_a_text_of_no_characters_has_the_state_of_the_beginning():
    model = model_of()
    start = start_of(model)
    texts = [model.vocabulary.encode(text) for text in ("", "ab", "", "")]
    states = last_states(model, texts, start)
    np.testing.assert_array_equal(states[[0, 2, 3]], np.stack([start] * 3))
    np.testing.assert_allclose(states[1], state_after(model, "ab"))
    assert last_states(model, [], start).shape == (0, *start.shape)


@pytest.mark.parametrize("text", ["", "\n\n", "x\n"])
def test_a_text_without_lines_has_no_vectors(text):
    found = vectors_of(model_of(), text)
    assert found.values[1, "c"].shape == (0, 5)
    assert found.left_out == text.count("\n")


def test_a_model_without_newlines_does_not_count_them_as_unknown():
    model = model_of("abc")
    found = vectors_of(model, "ab\ncax\n")
    assert found.unknown == 1
    check(model, found, ["ab", "ca"])


def test_unknown_characters_are_read_as_another_by_a_model_that_replaces_them():
    model = model_of("abc\n" + REPLACEMENT, replaces=True)
    found = vectors_of(model, "axb\nx\n")
    assert (found.lines.tolist(), found.unknown) == ([1, 2], 2)
    check(model, found, [f"a{REPLACEMENT}b", REPLACEMENT])


def test_a_text_that_grows_while_it_is_read_is_refused():
    model, texts = model_of(), iter(["ab\n", "ab\n" * 9])
    with pytest.raises(TextError, match="changed while it was read"):
        line_vectors(model, lambda: [next(texts)], start_of(model))


def test_a_state_that_is_not_finite_is_refused():
    model = model_of()
    model.parameters["layer1.Wx"][...] = np.nan
    with pytest.raises(DivergedError):
        line_vectors(model, lambda: ["ab\n"], np.zeros((1, 2, 5)))


def test_large_vectors_are_kept_in_temporary_files(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("charrnn.text.storage.IN_MEMORY", 1_000)
    found = vectors_of(model_of(), "ab\n" * 100)
    assert isinstance(found.values[1, "h"], np.memmap)
    del found
    assert list(tmp_path.iterdir()) == []


def test_vectors_can_be_read_by_numpy_alone(tmp_path):
    found = vectors_of(model_of(num_layers=2), TEXT)
    export_vectors(tmp_path / "a.npz", found)
    with np.load(tmp_path / "a.npz", allow_pickle=False) as read:
        names = ["layer1.c", "layer1.h", "layer2.c", "layer2.h", "line"]
        assert sorted(read.files) == names
        np.testing.assert_array_equal(read["line"], found.lines)
        np.testing.assert_array_equal(read["layer2.c"], found.values[2, "c"])
