import os
import signal

# Read when NumPy is imported. The products of tests are too small to share.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import hypothesis
import numpy as np
import pytest

from charrnn.network.model import CharRNN
from charrnn.text.streams import Window
from charrnn.text.vocabulary import Vocabulary

# The time of an example depends on the machine; fifty examples find what a hundred do, in time.
hypothesis.settings.register_profile("charrnn", deadline=None, max_examples=50)
hypothesis.settings.load_profile("charrnn")

# Signals that are ignored, as under nohup or in the background of a script, would be ignored in the
# commands of the tests, too. They do not inherit a handler, so a terminal may still close.
for name, handler in {
    "SIGINT": signal.default_int_handler,
    "SIGTERM": signal.SIG_DFL,
    "SIGHUP": lambda number, frame: None,
}.items():
    number = getattr(signal, name, None)
    if number and signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, handler)

VOCABULARY, OF_LINES = Vocabulary("abcdefg"), Vocabulary("abcdef\n")


@pytest.fixture(scope="session", autouse=True)
def terminal():
    """Hide the features of the terminal from which the tests are started."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("CI", "NO_COLOR", "FORCE_COLOR", "COLORTERM", "COLUMNS", "LINES"):
            patch.delenv(name, raising=False)
        patch.setenv("TERM", "xterm")
        yield


@pytest.fixture
def rng():
    return np.random.default_rng(12345)


@pytest.fixture
def write(tmp_path):
    """Writes bytes to a file and gives its path."""

    def make(name, data):
        path = tmp_path / name
        path.write_bytes(data)
        return str(path)

    return make


@pytest.fixture
def tiny_model(rng):
    """Makes a model of seven characters with random weights and biases."""

    def make(
        layer_type="lstm", num_layers=1, hidden_size=5, dtype=np.float64, dropout=0.0, lines=False
    ):
        model = CharRNN(
            OF_LINES if lines else VOCABULARY,
            layer_type=layer_type,
            hidden_size=hidden_size,
            num_layers=num_layers,
            dropout=dropout,
            lines=lines,
            dtype=dtype,
        )
        model.initialize(rng)
        model.parameters.flat[...] += 0.3 * rng.standard_normal(model.parameters.flat.size)
        return model

    return make


@pytest.fixture
def window(rng):
    """Six steps of three streams."""
    text = rng.integers(0, len(VOCABULARY), (7, 3))
    return Window(text[:-1], text[1:])
