"""The speed of training on this machine, measured before a network is made for a time."""

from __future__ import annotations

import time

import numpy as np

from charrnn.config import HIDDEN_SIZE, ModelConfig, TrainingConfig
from charrnn.network.model import CharRNN
from charrnn.parallel.group import Group
from charrnn.parallel.workers import default_workers
from charrnn.text.streams import Window
from charrnn.text.vocabulary import Vocabulary

#: Seconds to measure for, and the fewest windows. The fastest window counts: others may have waited
#: for a core.
SECONDS, WINDOWS = 0.1, 3
#: The characters of the vocabulary, as in an English text.
CHARACTERS = 65
#: The share of the speed of gradients alone that training reaches, with updates and validations.
SHARE = 0.8


def measured_speed(model: ModelConfig, config: TrainingConfig, ranks: Group | None) -> float:
    """The characters that a new run reads in a second with one layer of the default size.

    From Python, this process may have several threads and other workers one: they are slower.

    Args:
        model, config: the options of the run.
        ranks: the MPI ranks; None for this process alone.
    """
    members = config.workers or (1 if ranks else default_workers(config.batch_size))
    return characters_a_second(model.layer_type, members * (ranks.size if ranks else 1))


def characters_a_second(layer_type: str, members: int) -> float:
    """The characters of text that training with one layer of 256 cells reads in a second.

    Args:
        layer_type: a name in `charrnn.network.layers.LAYER_TYPES`.
        members: the processes that divide the streams; each is as fast as this one.
    """
    B, T = max(1, TrainingConfig.batch_size // members), TrainingConfig.seq_length
    vocabulary = Vocabulary(map(chr, range(CHARACTERS)))
    model = CharRNN(vocabulary, layer_type=layer_type, hidden_size=HIDDEN_SIZE)
    rng = np.random.default_rng(0)
    model.initialize(rng)
    window = Window(*rng.integers(0, CHARACTERS, (2, T, B)))
    state = model.state(B)
    times: list[float] = []
    begun = time.perf_counter()
    while len(times) < WINDOWS or time.perf_counter() - begun < SECONDS:
        before = time.perf_counter()
        model.loss_and_gradient(window, state)
        times.append(time.perf_counter() - before)
    return SHARE * members * B * T / min(times)
