"""The table in docs/training.md agrees with the code."""

from itertools import pairwise, takewhile
from pathlib import Path

import numpy as np
import pytest
from configs import complete

from charrnn.cli.train import command
from charrnn.config import TrainingConfig
from charrnn.network.layers import LAYER_TYPES
from charrnn.network.layers.gru import GRU
from charrnn.network.layers.lstm import LSTM
from charrnn.network.model import CharRNN
from charrnn.network.parameters import Parameters
from charrnn.text.streams import MIN_RESET_WINDOWS, RESET_CHARACTERS, Streams, Window
from charrnn.text.vocabulary import Vocabulary
from charrnn.training.optimizers import OPTIMIZERS, SGD, Adam, Muon, RMSprop
from charrnn.training.planning import dropout_for, rate_for
from charrnn.training.run import plan
from charrnn.training.schedules import learning_rate
from charrnn.training.trainer import Trainer

PAGE = Path(__file__).parents[2] / "docs" / "training.md"
H, V = 256, 128


def table():
    """The last column of the comparison with PyTorch, by the name of the row."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    (head,) = [number for number, line in enumerate(lines) if line.endswith(" | charrnn |")]
    rows = takewhile(lambda line: line.startswith("|"), lines[head + 2 :])
    cells = [row.strip("| ").split(" | ") for row in rows]
    return {name: charrnn for name, *_, charrnn in cells}


def default(name):
    """The value of an option of `charrnn train` that is not given."""
    return command.make_context("train", []).params[name]


def started(layer_type="lstm", **sizes):
    """A model with starting weights."""
    model = CharRNN(
        Vocabulary(map(chr, range(V))), layer_type=layer_type, **{"hidden_size": H, **sizes}
    )
    model.initialize(np.random.default_rng(0))
    return model


def each(values):
    """`1 for a, 2 for b`."""
    return ", ".join(f"{value} for {name}" for name, value in values.items())


def schedule():
    warmup = plan(TrainingConfig(steps=5_000), 1_000_000, 100_000, None, []).warmup_steps
    name = default("schedule")
    last = 100 * learning_rate(name, 1.0, 5_000, 5_000, warmup)
    return f"{name}, down to {last:.0f} % of the learning rate, after {warmup} steps of warm-up"


def decayed():
    """The parameters that optimizers shrink, if the gradient is zero and decay is decoupled."""
    found = []
    for name, rule in sorted(OPTIMIZERS.items()):
        parameters = Parameters({"W": (2, 2), "b": (2,)}, np.float64)
        parameters.flat[...] = 1
        rule(parameters, decay=0.5).step(np.zeros(6), 0.1)
        if parameters.flat.tolist() == [0.95] * 4 + [1] * 2:
            found.append(name)
    parameters = Parameters({"layer1.Wh": (2, 2)}, np.float64)
    parameters.flat[...] = 1
    OPTIMIZERS["muon"](parameters, decay=0.5).step(np.zeros(4), 0.1)
    assert parameters.flat == pytest.approx(1 - 3 * 0.1 * 0.5)
    return (
        f"decoupled in {', '.join(found)}; of matrices, not of biases; in muon three times as much "
        "of those from cells to cells"
    )


def loss():
    model, rng = started(), np.random.default_rng(1)
    window = Window(*rng.integers(0, V, (2, 5, 3)))
    logits = model.forward(window.inputs, model.state(3)).astype(np.float64)
    p = np.exp(logits) / np.exp(logits).sum(axis=0)
    expected = -np.log(np.take_along_axis(p, window.targets[None], 0)).mean()
    assert model.loss_and_gradient(window, model.state(3)) == pytest.approx(expected, rel=1e-5)
    return "mean over all targets, in nats"


def check_normal(weights, deviation):
    assert weights.std() == pytest.approx(deviation, rel=0.02)
    beyond = np.abs(weights) > 2 * weights.std()
    assert beyond.mean() == pytest.approx(0.0455, abs=0.005)


def inputs():
    for layer_type in LAYER_TYPES:
        model = started(layer_type, num_layers=2)
        of_one_hot = 1 / np.sqrt(2) if layer_type.startswith("vanilla") else 1 / np.sqrt(H)
        check_normal(model.parameters["layer1.Wx"], of_one_hot)
        check_normal(model.parameters["layer2.Wx"], 1 / np.sqrt(H))
    return (
        "normal with standard deviation 1/√H; 1/√2 for one-hot inputs of vanilla and vanilla-relu"
    )


def outputs():
    for layer_type in LAYER_TYPES:
        check_normal(started(layer_type).parameters["Wy"], 1 / np.sqrt(H))
    return "normal with standard deviation 1/√H"


def recurrent():
    for layer_type in LAYER_TYPES:
        squared = 1 / 2 if layer_type == "vanilla-relu" else 1
        for Wh in started(layer_type).parameters["layer1.Wh"].reshape(-1, H, H):
            np.testing.assert_allclose(Wh @ Wh.T, squared * np.eye(H), atol=1e-5)
    return "orthogonal for each gate; divided by √2 for vanilla-relu"


def biases():
    for layer_type in LAYER_TYPES:
        for name, values in started(layer_type).parameters.items():
            if values.ndim == 1 and (layer_type, name) != ("lstm", "layer1.b"):
                assert not values.any()
    i_f_o_g = started().parameters["layer1.b"].reshape(4, H)
    assert not i_f_o_g[[0, 2, 3]].any()
    return "0"


def forget_bias():
    (value,) = set(started().parameters["layer1.b"].reshape(4, H)[1].tolist())
    return f"{value:g}"


def bias_vectors():
    count = {
        layer_type: sum(len(s) == 1 for s in LAYER_TYPES[layer_type](2, 3).shapes().values())
        for layer_type in LAYER_TYPES
    }
    assert count.pop("gru") == 2
    assert GRU(2, 3).shapes()["bh"] == (3,)
    (others,) = set(count.values())
    return f"{others}; 2 for gru, the second for its candidate alone"


def order(layer_type, gates):
    """The names of gates in the order of the rows of Wx: bias one, and see which signal moves."""
    model = started(layer_type.__name__.lower(), hidden_size=4)
    found, still = [], np.zeros((1, 1), np.intp)
    model.parameters.flat[...] = 0
    for row in range(len(gates)):
        model.parameters["layer1.b"][...] = 0
        model.parameters["layer1.b"][4 * row : 4 * row + 4] = 3
        model.forward(still, model.state())
        tape, layer = model.workspace(1, 1).tapes[0], model.layers[0]
        values = {name: layer.signal(tape, name).max() for name in gates}
        found += [name for name, value in values.items() if value > 0.9]
    return ", ".join(found)


def reset_gate():
    model = started("gru", hidden_size=4, dtype=np.float64)
    rng = np.random.default_rng(2)
    model.parameters.flat[...] = rng.standard_normal(model.parameters.flat.size)
    state = rng.standard_normal((1, 1, 4, 1))
    h, P = state[0, 0, :, 0].copy(), model.parameters
    x = P["layer1.Wx"][:, 0] + P["layer1.b"]
    q = P["layer1.Wh"] @ h
    r, z = (1 / (1 + np.exp(-(x + q)[rows])) for rows in (slice(4), slice(4, 8)))
    n = np.tanh(x[8:] + r * (q[8:] + P["layer1.bh"]))
    model.forward(np.zeros((1, 1), np.intp), state)
    np.testing.assert_allclose(state[0, 0, :, 0], (1 - z) * n + z * h)
    return "after the product with h"


def dropout():
    sizes = [(10, 10**9, 10), (10**9, 10, 10**9)]
    assert default("dropout") is None
    least, most = (dropout_for(*size) for size in sizes)
    return f"{least:g} to {most:g}, from the sizes of model and text"


def masks():
    model = started(num_layers=2, hidden_size=8, dropout=0.5)
    shape = model.draw_masks(3, np.random.default_rng(0)).shape
    assert shape == (2, 8, 1, 3)  # layers, cells, one for all steps, streams
    return "the same at all steps of a window"


def dropped_layers():
    model = started(num_layers=2, hidden_size=8)
    zero = np.zeros((1, 1), np.intp)
    for layer in range(2):
        factors = np.ones((2, 8, 1, 1), np.float32)
        factors[layer] = 0
        kept = model.hidden(zero, model.state()).copy()
        assert not np.array_equal(model.hidden(zero, model.state(), factors), kept)
    return "all"


def readers():
    model = started(num_layers=2, hidden_size=8)
    zeros, found = np.zeros((2, 1), np.intp), {}
    for layer, reader in ((0, "the next layer"), (1, "the output")):
        factors = np.ones((2, 8, 1, 1), np.float32)
        factors[layer] = 0
        kept = model.forward(zeros[:1], model.state()).copy()
        found[reader] = model.forward(zeros[:1], model.state(), factors) != kept
    states = [model.state(), model.state()]
    model.forward(zeros, states[0])
    model.forward(zeros, states[1], np.zeros((2, 8, 1, 1), np.float32))
    found["and Wh at the next step"] = states[0][0] != states[1][0]
    return ", ".join(reader for reader, changed in found.items() if changed.any())


def carried():
    model, text = started(hidden_size=8), np.arange(400) % V
    config = complete(steps=9, batch_size=2, seq_length=5, warmup_steps=0)
    trainer = Trainer(model, text, text[:0], config)
    entered = []
    right = model.loss_and_gradient

    def look(window, state, *rest, **more):
        entered.append(state.copy())
        loss = right(window, state, *rest, **more)
        entered.append(state.copy())
        return loss

    model.loss_and_gradient = look
    for _ in range(4):
        trainer.step()
    first, *others = entered
    assert not first[..., 0].any()
    for after, before in list(pairwise(others))[::2]:
        np.testing.assert_array_equal(before, after)
    streams = Streams(text, 2, 5)
    assert streams.reset_windows * 5 >= RESET_CHARACTERS > (streams.reset_windows - 1) * 5
    assert streams.begins(0)[0]
    assert streams.resets(0)[0]
    most = Streams(text, 1, 256).reset_windows * 256
    return (
        "the last state of the window before; zeros at the beginning of the text, and after every "
        f"{RESET_CHARACTERS:,} characters of a stream, but at least {MIN_RESET_WINDOWS} windows "
        f"({most:,} characters with `--seq-length 256`)"
    )


ROWS = {
    "learning rate": lambda: (
        f"with one layer of {H}: "
        + each({name: f"{rate_for(name, H, 1):g}" for name in sorted(LAYER_TYPES)})
        + "; less with more layers for vanilla and vanilla-relu"
    ),
    "schedule": schedule,
    "optimizer": lambda: default("optimizer"),
    "β₁ of Adam": lambda: f"{Adam.beta1}",
    "β₂ of Adam": lambda: f"{Adam.beta2}",
    "momentum of Muon": lambda: f"{Muon.beta}",
    "spectral norm of a step of Muon, for an (R, H) matrix": lambda: (
        f"{Muon.scale} · learning rate · √(R/H)"
    ),
    "average of squares in RMSprop": lambda: f"{RMSprop.rho}",
    "momentum of SGD": lambda: f"{default('momentum')}",
    "ε": lambda: each({name: OPTIMIZERS[name].epsilon for name in ("adam", "rmsprop", "adagrad")}),
    "weight decay": lambda: f"{default('weight_decay')}",
    "kind of weight decay": decayed,
    "gradient clipping": lambda: f"norm of at most {default('grad_clip')}",
    "loss": loss,
    "starting Wx": inputs,
    "starting Wh": recurrent,
    "starting Wy (`Linear`)": outputs,
    "starting biases": biases,
    "starting bias of the forget gate": forget_bias,
    "bias vectors of a layer": bias_vectors,
    "gates of the LSTM, in order": lambda: order(LSTM, "fgio"),
    "gates of the GRU, in order": lambda: order(GRU, "nrz"),
    "reset gate of the GRU": reset_gate,
    "dropout": dropout,
    "masks of dropout": masks,
    "layers with dropout": dropped_layers,
    "what reads h with dropout": readers,
    "state before a window": carried,
}


def test_every_row_is_checked():
    assert list(table()) == list(ROWS)


@pytest.mark.parametrize("row", ROWS)
def test_a_row_says_what_the_code_does(row):
    assert table()[row] == ROWS[row]()


def test_the_rules_alone_have_the_momentum_of_the_command_line():
    assert default("grad_clip_value") == 0
    assert SGD(Parameters({"b": (1,)}, np.float64)).momentum == default("momentum")
