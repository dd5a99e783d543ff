import numpy as np
import pytest

from charrnn.errors import SettingError
from charrnn.network.holding import Held, beyond_reach, of_mapping, parse_all
from charrnn.sampling import Reader


def test_an_address_names_a_cell_a_layer_and_the_memory(tiny_model):
    model = tiny_model("lstm", 2)
    texts = ["4=0.9", "1.4=-1", "1.4.c=+0.5", "0.c=+-2e-1"]
    held = parse_all(model, texts)
    assert held == [
        Held(2, 4, "h", 0.9),
        Held(1, 4, "h", -1.0),
        Held(1, 4, "c", 0.5, added=True),
        Held(2, 0, "c", -0.2, added=True),
    ]
    assert list(map(str, held)) == ["2.4=0.9", "1.4=-1", "1.4.c=+0.5", "2.0.c=+-0.2"]
    assert parse_all(model, map(str, held)) == held


def test_a_mapping_from_python_is_the_same(tiny_model):
    model = tiny_model("lstm", 2)
    hold = {(2, np.int64(4)): 0.9, (1, 4): -1, (1, 4, "c"): "+0.5"}
    assert of_mapping(model, hold) == parse_all(model, ["4=0.9", "1.4=-1", "1.4.c=+0.5"])
    assert of_mapping(model, None) == []


@pytest.mark.parametrize(
    ("layer_type", "texts", "said"),
    [
        ("gru", ["5=1"], "hold 5=1: layer 2 has 5 cells, counted from 0: choose one from 0 to 4"),
        ("gru", ["3.1=1"], "hold 3.1=1: there is no layer 3: choose from 1 to 2"),
        ("gru", ["0.1=1"], "there is no layer 0"),
        ("gru", ["1.1.c=1"], "signal c of layer type gru cannot be held: hold h"),
        ("lstm", ["1.1.f=1"], "signal f of layer type lstm cannot be held: hold h or c"),
        ("gru", ["2=1", "2.2=+1"], r"cell 2.2 is held twice: give one value"),
        *(("gru", [text], "write 42=0.9") for text in ("2", "2=", "x=1", "2=nan", "2=1e9", "-2=1")),
        *(("gru", [text], "write 42=0.9") for text in ("2=1.2.3", "2=++1", "2 = 1", "1.2.3=1")),
    ],
)
def test_what_cannot_be_held_is_refused(layer_type, texts, said, tiny_model):
    with pytest.raises(SettingError) as error:
        parse_all(tiny_model(layer_type, 2), texts)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_values_beyond_the_reach_of_a_cell_are_said(tiny_model):
    texts = ["0=1.5", "1=-0.1", "2=+3", "3=1"]
    of_tanh, of_relu = tiny_model("gru"), tiny_model("vanilla-relu")
    assert [said[:7] for said in beyond_reach(of_tanh, parse_all(of_tanh, texts))] == ["1.0=1.5"]
    assert [said[:8] for said in beyond_reach(of_relu, parse_all(of_relu, texts))] == ["1.1=-0.1"]
    memory = tiny_model("lstm")
    assert beyond_reach(memory, parse_all(memory, ["0.c=30"])) == []


def step(model, state, index):
    """h, c and the output gate after a step of an LSTM of one layer, by its equations."""
    weights = model.layers[0].weights
    a = weights["Wx"][:, index] + weights["Wh"] @ state[0] + weights["b"]
    i, f, o = (1 / (1 + np.exp(-part)) for part in a.reshape(4, -1)[:3])
    c = f * state[1] + i * np.tanh(a.reshape(4, -1)[3])
    return o * np.tanh(c), c, o


def test_a_held_memory_changes_the_output_of_the_same_step_and_a_held_output_comes_last(tiny_model):
    model = tiny_model("lstm")
    reader, (h, c) = Reader(model), np.zeros((2, 5))
    reader.hold(parse_all(model, ["1.c=2", "2.c=+0.5", "3.c=1", "3=-0.25", "4=+0.125"]))
    for index in (3, 0, 6, 3):
        h, c, o = step(model, (h, c), index)
        c[1], c[3] = 2, 1
        c[2] += 0.5
        h[:] = o * np.tanh(c)
        h[3] = -0.25
        h[4] += 0.125
        logits = reader.read(np.array([index]))
        np.testing.assert_allclose(reader.state[0, :, :, 0], [h, c], atol=1e-12)
        expected = model.parameters["Wy"] @ h + model.parameters["by"]
        np.testing.assert_allclose(logits[:, 0], expected, atol=1e-12)


def test_a_model_of_lines_holds_its_cells_beyond_a_newline(tiny_model):
    model = tiny_model("gru", lines=True)
    reader = Reader(model)
    reader.hold(parse_all(model, ["2=0.5"]))
    for index in model.vocabulary.encode("ab\nc"):
        reader.read(np.array([index]))
        assert reader.state[0, 0, 2, 0] == 0.5


@pytest.mark.parametrize("hold", ["1=0.9", [(1, 1)], 0.9])
def test_only_a_mapping_holds_cells_from_python(hold, tiny_model):
    with pytest.raises(SettingError, match=r"not a mapping: write \{\(1, 42\): 0\.9\} for cell"):
        of_mapping(tiny_model("lstm"), hold)


def test_the_advice_for_a_wrong_value_from_python_is_python(tiny_model):
    with pytest.raises(SettingError, match=r"hold 1\.1=True: .*: write \{\(1, 42\): 0\.9\}"):
        of_mapping(tiny_model("lstm"), {(1, 1): True})
