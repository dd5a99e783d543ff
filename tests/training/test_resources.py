"""The memory that a training needs, and the memory of the machine."""

import numpy as np
import pytest
from configs import complete
from helpers.memory import peak_bytes

from charrnn.network.layers import LAYER_TYPES
from charrnn.network.model import CharRNN
from charrnn.text.vocabulary import Vocabulary
from charrnn.training import resources
from charrnn.training.trainer import Trainer

CONFIG = complete(steps=2, batch_size=512, seq_length=64, val_every=9)


def model(layer_type="gru", hidden_size=32, num_layers=2):
    made = CharRNN(
        Vocabulary("abcdefg"), layer_type=layer_type, hidden_size=hidden_size, num_layers=num_layers
    )
    made.initialize(np.random.default_rng(0))
    return made


@pytest.mark.parametrize("layer_type", sorted(LAYER_TYPES))
def test_the_estimate_is_a_close_lower_bound(layer_type):
    network, text = model(layer_type), np.arange(200_000) % 7
    taken = peak_bytes(lambda: Trainer(network, text, None, CONFIG).step())
    assert 0.6 * taken < resources.training_bytes(network, CONFIG) < taken


@pytest.mark.parametrize(
    ("meminfo", "there"),
    [("MemTotal: 9 kB\nMemAvailable:    7 kB\n", 7 * 1024), ("MemAvailable:", None), ("", None)],
)
def test_the_available_memory_is_that_of_proc_meminfo(meminfo, there, tmp_path, monkeypatch):
    monkeypatch.setattr(resources, "MEMINFO", tmp_path / "meminfo")
    (tmp_path / "meminfo").write_text(meminfo)
    found = resources.available_bytes()
    assert found == there or (there is None and (found is None or found > 1 << 28))


def test_a_training_that_does_not_fit_is_refused_with_the_sizes(monkeypatch):
    monkeypatch.setattr(resources, "available_bytes", lambda: 10**6)
    said = r"512 streams of 64 characters and 2 × 32 cells need 0\.1 GB, and 0\.0 GB are available"
    with pytest.raises(MemoryError, match=said):
        resources.check_memory(model(), CONFIG)
    monkeypatch.setattr(resources, "available_bytes", lambda: 10**9)
    resources.check_memory(model(), CONFIG)
    monkeypatch.setattr(resources, "available_bytes", lambda: None)
    resources.check_memory(model(), CONFIG)
