"""PyTorch computes the logits of charrnn, and charrnn those of PyTorch.

The code of `docs/checkpoint-format.md` loads and writes the files.
"""

import re
import runpy
from pathlib import Path

import numpy as np
import pytest

from charrnn import Vocabulary, load
from charrnn import checkpoint as checkpoints
from charrnn.checkpoint import Checkpoint
from charrnn.config import ModelConfig
from charrnn.errors import CheckpointError
from charrnn.network.layers import LAYER_TYPES
from charrnn.network.model import CharRNN

PAGE = Path(__file__).parents[2] / "docs" / "checkpoint-format.md"
TEXT = "The lamp was lit at dusk, and the keeper wrote it down.\n" * 3
CHARACTERS = "".join(sorted(set(TEXT)))
#: Weights by layer type and number of layers.
EACH = [(layer_type, layers) for layer_type in LAYER_TYPES for layers in (1, 3)]


@pytest.fixture(scope="module")
def torch():
    """PyTorch, imported only where these tests run, and only once."""
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    return torch


@pytest.fixture(scope="module")
def safetensors(torch):
    """The functions of the format for PyTorch."""
    return pytest.importorskip("safetensors.torch")


@pytest.fixture(autouse=True)
def _here(safetensors, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def recurrent(nn, layer_type, *sizes, **more):
    """The layers of PyTorch of a type."""
    kinds = {"gru": nn.GRU, "lstm": nn.LSTM}
    if layer_type == "vanilla-relu":
        more["nonlinearity"] = "relu"
    return kinds.get(layer_type, nn.RNN)(*sizes, **more)


def example(number):
    """The names that an example of the page for PyTorch defines."""
    codes = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    of_pytorch = [code for code in codes if "from torch" in code]
    script = Path("example.py")
    script.write_text(of_pytorch[number], encoding="utf-8")
    return runpy.run_path(str(script))


def logits(model, text=TEXT):
    """The logits of charrnn after each character, (N, V)."""
    indices = model.vocabulary.encode(text)[:, None]
    return model.forward(indices, model.state())[..., 0].T


@pytest.mark.parametrize(("layer_type", "layers"), EACH)
def test_pytorch_loads_a_model_as_documented(layer_type, layers, torch, safetensors):
    model = CharRNN(Vocabulary.of(TEXT), layer_type=layer_type, hidden_size=24, num_layers=layers)
    model.initialize(np.random.default_rng(1))
    rng = np.random.default_rng(2)
    for name, array in model.parameters.items():
        if name.rpartition(".")[2] in ("b", "bh", "by"):
            array[...] = rng.standard_normal(array.shape)
    weights = dict(model.parameters)
    config = ModelConfig(**model.configuration)
    saved = Checkpoint(config, model.vocabulary, best=weights, last=weights)
    checkpoints.save_weights("model.safetensors", saved)
    found = example(0)["model"]
    indices = torch.tensor([CHARACTERS.index(character) for character in TEXT])
    with torch.no_grad():
        h, _ = found["rnn"](torch.nn.functional.one_hot(indices, len(CHARACTERS)).float())
        assert np.abs(found["output"](h).numpy() - logits(model)).max() < 1e-5
    loaded = safetensors.load_file("model.safetensors")
    assert all(tensor.dtype == torch.float32 for tensor in loaded.values())


@pytest.mark.parametrize(("layer_type", "layers"), EACH)
@pytest.mark.parametrize("embedding", [None, 7])
@pytest.mark.parametrize("bias", [True, False])
def test_charrnn_loads_a_model_of_pytorch(layer_type, layers, embedding, bias, torch, safetensors):
    nn = torch.nn
    torch.manual_seed(3)
    characters = "".join(np.random.default_rng(4).permutation(list(CHARACTERS)))
    V = len(characters)
    model = nn.ModuleDict(
        {
            "net": recurrent(nn, layer_type, embedding or V, 24, layers, bias=bias),
            "fc": nn.Linear(24, V, bias=bias or embedding is not None),
        }
    )
    if embedding:
        model["encoder"] = nn.Embedding(V, embedding)
    about = {"vocabulary": characters, "layer_type": layer_type, "format": "pt"}
    safetensors.save_file(model.state_dict(), "model.safetensors", about)
    indices = torch.tensor([characters.index(character) for character in TEXT])
    read = model["encoder"] if embedding else lambda index: nn.functional.one_hot(index, V).float()
    with torch.no_grad():
        expected = model["fc"](model["net"](read(indices))[0]).numpy()
    order = [characters.index(character) for character in CHARACTERS]
    assert np.abs(logits(load("model.safetensors")) - expected[:, order]).max() < 1e-5


def test_the_example_that_writes_a_file_is_read():
    written = example(1)
    model = load("pytorch.safetensors")
    assert model.vocabulary == Vocabulary(written["characters"])
    assert (model.layer_type, model.hidden_size, model.num_layers) == ("lstm", 32, 2)


@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16"])
def test_other_types_are_those_of_pytorch(dtype, torch, safetensors):
    nn = torch.nn
    model = nn.ModuleDict({"rnn": nn.GRU(3, 5), "output": nn.Linear(5, 3)})
    model.to(getattr(torch, dtype))
    safetensors.save_file(model.state_dict(), "model.safetensors", {"vocabulary": "abc"})
    found = load("model.safetensors").parameters["Wy"]
    assert (found == model["output"].weight.detach().float().numpy()).all()


@pytest.mark.parametrize("more", [{"bidirectional": True}, {"proj_size": 3}])
def test_other_networks_are_refused(more, torch, safetensors):
    nn = torch.nn
    model = nn.ModuleDict({"rnn": nn.LSTM(3, 5, **more), "output": nn.Linear(5, 3)})
    safetensors.save_file(model.state_dict(), "model.safetensors", {"vocabulary": "abc"})
    with pytest.raises(CheckpointError, match=r"with (bidirectional=False|proj_size=0)"):
        load("model.safetensors")


def test_a_file_of_torch_save_is_refused_by_its_name(torch):
    torch.save({"a": torch.zeros(2)}, "model.pt")
    with pytest.raises(CheckpointError, match="is a PyTorch file, with pickles"):
        load("model.pt")
