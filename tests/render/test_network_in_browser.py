"""The network in the page, compared with the network in Python."""

import json
from importlib import resources

import numpy as np
import pytest

from charrnn.network.holding import parse_all
from charrnn.network.layers import LAYER_TYPES
from charrnn.network.model import CharRNN
from charrnn.render.network import Network, network_data, packed_weights
from charrnn.sampling import Choice, Reader, beginning
from charrnn.text.vocabulary import Vocabulary

ASSETS = resources.files("charrnn.render") / "assets"
V, H, LENGTH = 20, 24, 200
#: Reads indices with held cells, and returns the logits after each of them.
LOGITS = """([described, packed, characters, indices, held]) => {
    const reader = new Reader(loadNetwork(described, packed, characters));
    return indices.map((index) => (reader.read(index, held), Array.from(reader.logits)));
}"""


@pytest.fixture(scope="module")
def blank(browser):
    """An empty page with the functions of model.js."""
    context = browser.new_context()
    page = context.new_page()
    page.add_script_tag(content=(ASSETS / "model.js").read_text(encoding="utf-8"))
    yield page
    context.close()


def random_model(layer_type, num_layers, lines=False, ensemble=1):
    model = CharRNN(
        Vocabulary("\n" + "abcdefghijklmnopqrs"),
        layer_type=layer_type,
        hidden_size=H,
        num_layers=num_layers,
        ensemble=ensemble,
        lines=lines,
    )
    rng = np.random.default_rng(5)
    model.initialize(rng)
    model.parameters.flat[...] += 0.1 * rng.standard_normal(model.parameters.flat.size)
    return model


def logits_in(page, model, indices, held=()):
    """The logits after each of some characters, (N, V), by the script."""
    network = Network(model, beginning(model))
    arguments = [
        json.loads(json.dumps(network_data(network), allow_nan=False)),
        packed_weights(network),
        list(model.vocabulary.ix_to_char),
        indices.tolist(),
        list(held),
    ]
    return np.array(page.evaluate(LOGITS, arguments))


def indices_of_text(length=LENGTH):
    return np.random.default_rng(6).integers(0, V, length)


@pytest.mark.parametrize(("layers", "ensemble"), [(1, 1), (2, 1), (1, 2)])
@pytest.mark.parametrize("layer_type", LAYER_TYPES)
def test_the_logits_are_those_of_python(blank, layer_type, layers, ensemble):
    model, indices = random_model(layer_type, layers, ensemble=ensemble), indices_of_text()
    reader = Reader(model)
    expected = np.array([reader.read(indices[n : n + 1])[:, 0].copy() for n in range(LENGTH)])
    found = logits_in(blank, model, indices)
    assert np.ptp(expected, axis=1).min() > 0.1
    assert found == pytest.approx(expected, abs=1e-3, rel=1e-5)


def test_a_model_of_lines_forgets_before_each_newline(blank):
    model, indices = random_model("lstm", 2, lines=True), indices_of_text()
    indices[::7] = 0
    reader = Reader(model)
    expected = np.array([reader.read(indices[n : n + 1])[:, 0].copy() for n in range(LENGTH)])
    found = logits_in(blank, model, indices)
    assert found == pytest.approx(expected, abs=1e-3)
    assert np.allclose(found[0], found[7], atol=1e-6)


def test_cells_are_held_as_in_python(blank):
    model, indices = random_model("lstm", 2), indices_of_text(40)
    held = parse_all(model, ["1.3=0.5", "1.7.c=1.5", "2.3.c=-0.25", "2.3=0.75", "2.4.c=-2"])
    reader = Reader(model)
    reader.hold(held)
    expected = np.array([reader.read(np.array([index]))[:, 0].copy() for index in indices])
    cells = [
        {"layer": one.layer, "name": one.name, "cell": one.cell, "value": one.value} for one in held
    ]
    found = logits_in(blank, model, indices, cells)
    assert found == pytest.approx(expected, abs=1e-3)
    assert np.abs(found - logits_in(blank, model, indices)).max() > 0.1


def test_large_weights_are_in_half_precision(blank, monkeypatch):
    model = random_model("gru", 1)
    model.parameters.flat[:3] = 1e-6, -65_504, 0  # a subnormal number, and the largest
    monkeypatch.setattr("charrnn.render.network.MAX_FULL_BYTES", 100)
    network = Network(model, beginning(model))
    assert network.half
    decoded = blank.evaluate(
        "([described, packed, characters]) => {"
        "  const { Wx } = loadNetwork(described, packed, characters).layers[0];"
        "  return Array.from(Wx); }",
        [network_data(network), packed_weights(network), list(model.vocabulary.ix_to_char)],
    )
    expected = model.parameters["layer1.Wx"].ravel().astype(np.float16).astype(float)
    assert decoded == expected.tolist()
    model.parameters.flat[0] = 70_000  # infinite in half precision
    assert not Network(model, beginning(model)).half


@pytest.mark.parametrize(("temperature", "top_p"), [(1, 1), (0.5, 1), (1, 0.5), (0, 1)])
def test_characters_are_drawn_as_in_python(blank, temperature, top_p):
    logits = np.array([1.0, 3.0, 2.5, -1.0, 3.0])
    uniform = np.linspace(0, 0.999, 40)
    choice = Choice(temperature, top_p=top_p if top_p < 1 else None)
    expected = [int(choice.choose(logits[:, None], np.array([u]))[0]) for u in uniform]
    found = blank.evaluate(
        "([logits, temperature, topP, uniform]) =>"
        " uniform.map((each) => draw(Float32Array.from(logits), temperature, topP, each))",
        [logits.tolist(), temperature, top_p, uniform.tolist()],
    )
    assert found == expected
