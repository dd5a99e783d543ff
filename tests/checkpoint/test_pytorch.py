"""Weights under the names of PyTorch, without PyTorch: what is taken over, and what is refused."""

import re
from dataclasses import replace

import numpy as np
import pytest
from helpers.checkpoints import CORPUS, made
from helpers.weights import network, packed, read

import charrnn
from charrnn import checkpoint as checkpoints
from charrnn.checkpoint import pytorch
from charrnn.config import ModelConfig
from charrnn.errors import CheckpointError, NonFiniteError, Notice
from charrnn.network.layers import LAYER_TYPES
from charrnn.text.corpus_info import ReadingSettings

ABOUT = {"vocabulary": "abc\n"}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


@pytest.mark.parametrize("layer_type", LAYER_TYPES)
@pytest.mark.parametrize("weights", ["best", "last"])
def test_a_model_comes_back_with_the_same_bits(layer_type, weights, path):
    before = made("b\0a\n\u0e01\U0001f600", layer_type)
    checkpoints.save_weights(path, before, weights)
    after = checkpoints.read(path)
    assert after.model == before.model
    assert after.vocabulary == before.vocabulary
    expected = {name: array.tobytes() for name, array in getattr(before, weights).items()}
    for found in (after.best, after.last, after.build().parameters):
        assert {name: array.tobytes() for name, array in found.items()} == expected


def test_non_finite_weights_do_not_replace_a_good_file(path):
    model = charrnn.CharRNN(charrnn.Vocabulary("abc\n"), hidden_size=4)
    model.save(path)
    before = path.read_bytes()
    model.parameters.flat[0] = np.nan
    for name in (path, path.with_suffix(".npz")):
        with pytest.raises(NonFiniteError, match=r"model\.\w+: best\..* is not finite everywhere"):
            model.save(name)
    assert path.read_bytes() == before


def test_the_suffix_in_any_case_chooses_the_format(path):
    model = charrnn.CharRNN(charrnn.Vocabulary("abc\n"), hidden_size=4)
    model.save(path)
    model.save(path.with_suffix(".SAFETENSORS"))
    assert path.with_suffix(".SAFETENSORS").read_bytes() == path.read_bytes()


def test_the_way_of_reading_comes_back(path):
    corpus = replace(CORPUS, newlines="keep", min_count=3)
    before = made("a\n\ufffd", corpus=corpus)
    before.model = replace(before.model, lines=True)
    before.corpus = replace(corpus, lines=True)
    checkpoints.save_weights(path, before)
    after = checkpoints.read(path)
    assert after.reading == ReadingSettings("nfd", "keep", False, 3)
    assert after.vocabulary.replaces
    assert after.build().lines
    assert (after.corpus, after.settings, after.excerpt) == (None, None, "")


def test_the_way_of_reading_stays_in_a_checkpoint(path, tmp_path):
    checkpoints.save_weights(path, made("a\n\ufffd", corpus=replace(CORPUS, min_count=2)))
    model = charrnn.load(path)
    for again in (tmp_path / "model.npz", path):
        model.save(again)
        assert checkpoints.read(again).reading == ReadingSettings("nfd", min_count=2)
        assert charrnn.load(again).vocabulary.replaces


def test_python_replaces_no_other_file(path):
    model = charrnn.CharRNN(charrnn.Vocabulary("ab"))
    path.write_bytes(packed(network(), ABOUT))
    with pytest.raises(CheckpointError, match=r"is no \.safetensors file of charrnn, and"):
        model.save(path)
    assert path.read_bytes() == packed(network(), ABOUT)


def test_the_characters_of_pytorch_may_be_in_any_order():
    tensors = network(V=4)
    one = read(packed(tensors, {"vocabulary": "\nabc"}))
    order = [2, 0, 3, 1]
    tensors["rnn.weight_ih_l0"] = np.ascontiguousarray(tensors["rnn.weight_ih_l0"][:, order])
    for name in ("output.weight", "output.bias"):
        tensors[name] = tensors[name][order]
    other = read(packed(tensors, {"vocabulary": "b\nca"}))
    assert other.vocabulary.ix_to_char == "\nabc"
    for name, array in one.parameters.items():
        assert (other.parameters[name] == array).all(), name


def test_an_embedding_becomes_a_column_for_each_character():
    tensors = network(E=2, L=2)
    found = read(packed(tensors, ABOUT)).parameters
    plain = {name: array for name, array in tensors.items() if name != "embedding.weight"}
    plain["rnn.weight_ih_l0"] = np.stack(
        [tensors["rnn.weight_ih_l0"] @ row for row in tensors["embedding.weight"]], axis=1
    )
    for name, array in read(packed(plain, ABOUT)).parameters.items():
        assert found[name] == pytest.approx(array), name


def test_both_biases_add_up_except_in_the_candidate_of_a_gru():
    H = 3
    tensors = network(rows=3, H=H)
    first, second = (tensors[f"rnn.bias_{kind}_l0"] for kind in ("ih", "hh"))
    found = read(packed(tensors, ABOUT)).parameters
    assert (found["layer1.b"][: 2 * H] == (first + second)[: 2 * H]).all()
    assert (found["layer1.b"][2 * H :] == first[2 * H :]).all()
    assert (found["layer1.bh"] == second[2 * H :]).all()
    tensors = network(rows=1)
    both = tensors["rnn.bias_ih_l0"] + tensors["rnn.bias_hh_l0"]
    assert (read(packed(tensors, ABOUT)).parameters["layer1.b"] == both).all()


def test_the_gates_of_an_lstm_change_their_order():
    H = 2
    tensors = network(rows=4, H=H)
    tensors["rnn.bias_ih_l0"][:] = np.repeat([1, 2, 3, 4], H)  # i, f, g, o
    tensors["rnn.bias_hh_l0"][:] = 0
    found = read(packed(tensors, ABOUT)).parameters
    assert found["layer1.b"].tolist() == [1, 1, 2, 2, 4, 4, 3, 3]


def test_missing_biases_are_zero():
    tensors = {name: array for name, array in network(rows=3).items() if "bias" not in name}
    found = read(packed(tensors, ABOUT)).parameters
    for name in ("layer1.b", "layer1.bh", "by"):
        assert not found[name].any()
    assert found["layer1.b"].shape == (9,)


@pytest.mark.parametrize(
    ("rows", "about", "layer_type"),
    [
        (1, {}, "vanilla"),
        (1, {"layer_type": "vanilla-relu"}, "vanilla-relu"),
        (3, {}, "gru"),
        (4, {"layer_type": "lstm", "hidden_size": "3", "num_layers": "2", "format": "pt"}, "lstm"),
    ],
)
def test_the_shapes_say_what_the_metadata_do_not(rows, about, layer_type):
    found = read(packed(network(rows, L=2), {**ABOUT, **about}))
    assert found.model == ModelConfig(
        layer_type, hidden_size=3, num_layers=2, ensemble=1, dropout=0
    )


def renamed(tensors, **names):
    """The tensors of a network whose modules have other names."""
    return {
        f"{names[module]}.{rest}": array
        for module, rest, array in ((*name.split(".", 1), array) for name, array in tensors.items())
    }


@pytest.mark.parametrize("E", [2, 3])
def test_modules_may_have_any_names(E):
    tensors = network(E=E)
    other = renamed(tensors, rnn="module.net.lstm", embedding="encoder", output="decoder.0")
    expected = read(packed(tensors, ABOUT)).parameters
    for name, array in read(packed(other, ABOUT)).parameters.items():
        assert (array == expected[name]).all()


def without(*names, **network_of):
    return {name: array for name, array in network(**network_of).items() if name not in names}


def test_without_biases_the_names_say_which_module_is_the_output():
    tensors = without("output.bias", E=3)
    assert read(packed(tensors, ABOUT)).parameters["Wy"].shape == (4, 3)
    other = renamed(tensors, rnn="rnn", embedding="encoder", output="decoder")
    with pytest.raises(CheckpointError, match="call them output and embedding"):
        read(packed(other, ABOUT))


def more(**shapes):
    """A network with further tensors; two underscores stand for a dot."""
    zeros = {name.replace("__", "."): np.zeros(shape, np.float32) for name, shape in shapes.items()}
    return {**network(), **zeros}


REFUSED = {
    "no vocabulary": (network(), {}, "has no vocabulary: write it with `save_file("),
    "no metadata": (network(), None, "has no vocabulary: write it with `save_file("),
    "no characters": (network(), {"vocabulary": ""}, "has no vocabulary"),
    "a repeated character": (
        network(),
        {"vocabulary": "abca"},
        "the vocabulary of its metadata repeats 'a': each index has a character of its own",
    ),
    "fewer characters": (
        network(),
        {"vocabulary": "abc"},
        "tensor 'output.weight' has the shape (4, 3), and the network needs (3, 3): use layers",
    ),
    "a layer type of other tensors": (
        network(3),
        {**ABOUT, "layer_type": "lstm"},
        "layer_type of its metadata is lstm, and its tensors are those of gru: leave it out",
    ),
    "an unknown layer type": (
        network(),
        {**ABOUT, "layer_type": "LSTM"},
        "layer_type of its metadata is 'LSTM': write one of gru, lstm, vanilla, vanilla-relu",
    ),
    "another size": (
        network(),
        {**ABOUT, "hidden_size": "5"},
        "hidden_size of its metadata is 5, and that of its tensors 3: leave it out",
    ),
    "another number of layers": (
        network(L=2),
        {**ABOUT, "num_layers": "1"},
        "num_layers of its metadata is 1, and that of its tensors 2: leave it out",
    ),
    "a size that is no number": (
        network(),
        {**ABOUT, "hidden_size": "[3]"},
        "hidden_size of its metadata is '[3]': write a whole number from 1 to",
    ),
    "NaN": (network(), {**ABOUT, "dropout": "NaN"}, "dropout of its metadata is 'NaN': write"),
    "a normal form that is none": (
        network(),
        {**ABOUT, "normalize": "x\x1b"},
        r"normalize of its metadata is 'x\x1b': write one of nf",
    ),
    "a boolean that is none": (
        network(),
        {**ABOUT, "binary": "1"},
        "binary of its metadata is '1': write true or false, or leave it out",
    ),
    "bytes above 255": (
        network(),
        {"vocabulary": "abc\u0100", "binary": "true"},
        "vocabulary has more than bytes, and binary is set",
    ),
    "lines without newlines": (
        network(),
        {"vocabulary": "abcd", "lines": "true"},
        "vocabulary has no newline, and model.lines is set",
    ),
    "no recurrent layer": (
        {"fc.weight": np.zeros((4, 3), np.float32)},
        ABOUT,
        "has no recurrent layer: write the weights of a network with one nn.RNN, nn.LSTM or",
    ),
    "two recurrent modules": (
        {**network(), **renamed(without("output.weight", "output.bias"), rnn="rnn2")},
        ABOUT,
        "has the recurrent layers 'rnn', 'rnn2': write the weights of a network with one",
    ),
    "both directions": (
        more(rnn__weight_ih_l0_reverse=(12, 4)),
        ABOUT,
        "tensor 'rnn.weight_ih_l0_reverse' reads the text backwards: train with bidirectional",
    ),
    "a projection": (
        more(rnn__weight_hr_l0=(2, 3)),
        ABOUT,
        "tensor 'rnn.weight_hr_l0' is a projection: train with proj_size=0",
    ),
    "layers of two sizes": (
        {
            **network(L=2),
            **{
                name.replace("l0", "l1"): array
                for name, array in network(H=5).items()
                if name.startswith("rnn")
            },
        },
        ABOUT,
        "tensor 'rnn.weight_ih_l1' has the shape (20, 4), and the network needs (12, 3)",
    ),
    "a shape of no layer": (
        {**network(), "rnn.weight_hh_l0": np.zeros((6, 3), np.float32)},
        ABOUT,
        "tensor 'rnn.weight_hh_l0' has the shape (6, 3), which no nn.RNN, nn.LSTM or nn.GRU has",
    ),
    "a vector in place of a matrix": (
        {**network(), "rnn.weight_hh_l0": np.zeros(12, np.float32)},
        ABOUT,
        "tensor 'rnn.weight_hh_l0' has the shape (12,), which no",
    ),
    "no cells": (network(H=0), ABOUT, "tensor 'rnn.weight_hh_l0' has the shape (0, 0), which no"),
    "too many layers": (network(1, H=1, L=1001), ABOUT, "has 1,001 layers: write a network of"),
    "one bias of two": (
        without("rnn.bias_hh_l0"),
        ABOUT,
        "lacks tensor 'rnn.bias_hh_l0': write all weights of the network",
    ),
    "no weights of a layer": (
        without("rnn.weight_hh_l0"),
        ABOUT,
        "lacks tensor 'rnn.weight_hh_l0': write all weights",
    ),
    "a missing layer": (
        without("rnn.weight_ih_l0", L=2),
        ABOUT,
        "lacks tensor 'rnn.weight_ih_l0': write all weights",
    ),
    "no output": (
        without("output.weight", "output.bias"),
        ABOUT,
        "has no module beside the recurrent one: write the weights of a network with an output",
    ),
    "two outputs": (
        more(fc__weight=(4, 3), fc__bias=(4,)),
        ABOUT,
        "has 'fc', 'output' beside the recurrent one: write the weights of a network with an",
    ),
    "a layer norm": (
        more(norm__gamma=(3,)),
        ABOUT,
        "has the tensor 'norm.gamma', and charrnn has nothing like it: write the weights of",
    ),
    "an embedding of another size": (
        more(embedding__weight=(4, 7)),
        ABOUT,
        "tensor 'rnn.weight_ih_l0' has the shape (12, 4), and the network needs (12, 7)",
    ),
    "an embedding that is no matrix": (
        more(embedding__weight=()),
        ABOUT,
        "tensor 'embedding.weight' has the shape (), and the network needs (4, 0)",
    ),
    "sums that are infinite": (
        {
            **network(),
            "rnn.bias_ih_l0": np.full(12, 3e38, np.float32),
            "rnn.bias_hh_l0": np.full(12, 3e38, np.float32),
        },
        ABOUT,
        "layer1.b is not finite everywhere: use an intact copy of the file, or train again",
    ),
}


@pytest.mark.parametrize(("tensors", "about", "said"), REFUSED.values(), ids=REFUSED)
def test_another_network_is_refused(tensors, about, said, path):
    path.write_bytes(packed(tensors, about))
    with pytest.raises(CheckpointError, match=re.escape(said)) as caught:
        checkpoints.read(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert len(message.splitlines()) == 1


def test_surrogates_are_refused_on_both_sides(path):
    with pytest.raises(CheckpointError, match=r"the vocabulary has '\\ud800', which"):
        checkpoints.save_weights(path, made("a\ud800"))
    assert not path.exists()
    path.write_bytes(
        packed(network(), ABOUT, lambda header: repr_of(header).replace(rb"abc", rb"ab\ud800"))
    )
    with pytest.raises(CheckpointError, match=r"metadata has '\\ud800': leave out surrogates"):
        checkpoints.read(path)


def repr_of(header):
    """The bytes of a header."""
    return str(header).replace("'", '"').encode()


def test_a_vocabulary_that_the_header_cannot_hold_is_refused(path):
    many = "".join(map(chr, range(0x10000, 0x10000 + 200_000)))
    with pytest.raises(CheckpointError, match="too large to save: train with --min-count"):
        checkpoints.save_weights(path, made(many, "vanilla", 1))
    assert not path.exists()


def test_a_file_of_pickles_is_named(path):
    path.write_bytes(b"PK\3\4" + bytes(26) + b"model/data.pklFB" + bytes(100))
    with pytest.raises(CheckpointError, match="is a PyTorch file, with pickles, which charrnn"):
        checkpoints.read(path)


def test_one_bias_of_two_names_the_missing_one():
    for kind in ("ih", "hh"):
        tensors = network()
        del tensors[f"rnn.bias_{kind}_l0"]
        with pytest.raises(CheckpointError, match=f"lacks tensor 'rnn.bias_{kind}_l0'"):
            read(packed(tensors, ABOUT))


def test_an_rnn_of_unknown_nonlinearity_is_read_as_tanh_with_a_notice(path):
    path.write_bytes(packed(network(rows=1), ABOUT))
    with pytest.warns(Notice, match=r"model\.safetensors: .*read as one of tanh: for relu, write"):
        assert charrnn.load(path).layer_type == "vanilla"
    assert not read(packed(network(rows=3), ABOUT)).notices
    for layer_type in ("vanilla", "vanilla-relu"):
        assert not read(packed(network(rows=1), {**ABOUT, "layer_type": layer_type})).notices


def test_the_product_with_an_embedding_counts_as_memory(monkeypatch):
    data = packed(network(rows=4, H=64, V=4, E=1), ABOUT)
    monkeypatch.setattr(pytorch, "available_bytes", lambda: len(data))
    with pytest.raises(CheckpointError, match="of memory are available"):
        read(data)
    monkeypatch.setattr(pytorch, "available_bytes", lambda: len(data) + 4 * 4 * 64 * 4)
    assert read(data).model.hidden_size == 64
