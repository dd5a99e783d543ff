"""Training steps for contenders: each library in its fastest form."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from common import VOCABULARY_SIZE
from contenders import Step

#: More steps than any measurement takes.
ENDLESS = 10**9


@contextmanager
def charrnn_step(
    layer_type: str,
    hidden_size: int,
    num_layers: int,
    batch_size: int,
    seq_length: int,
    workers: int,
    vocabulary_size: int = VOCABULARY_SIZE,
) -> Iterator[Step]:
    """A whole training step of charrnn by several processes, as `charrnn train` repeats it."""
    import numpy as np

    from charrnn.config import TrainingConfig
    from charrnn.network.model import CharRNN
    from charrnn.parallel.workers import group_of
    from charrnn.text.vocabulary import Vocabulary
    from charrnn.training.trainer import Trainer

    rng = np.random.default_rng(0)
    vocabulary = Vocabulary(map(chr, range(33, 33 + vocabulary_size)))
    model = CharRNN(
        vocabulary, layer_type=layer_type, hidden_size=hidden_size, num_layers=num_layers
    )
    model.initialize(rng)
    # The characters of a large vocabulary, such as Chinese, have frequencies by Zipf's law.
    weights = 1 / np.arange(1, vocabulary_size + 1) if vocabulary_size > VOCABULARY_SIZE else None
    p = None if weights is None else weights / weights.sum()
    text = rng.choice(vocabulary_size, 1_000_000, p=p).astype(vocabulary.dtype)
    config = TrainingConfig(
        steps=ENDLESS,
        val_every=ENDLESS,
        batch_size=batch_size,
        seq_length=seq_length,
        optimizer="adam",  # as in `torch_step`
        learning_rate=2e-3,
        schedule="constant",
        warmup_steps=0,
        workers=workers,
    )
    with group_of(workers) as group:
        yield Trainer(model, text, None, config, group).step


@contextmanager
def torch_step(
    layer_type: str, hidden_size: int, num_layers: int, batch_size: int, seq_length: int
) -> Iterator[Step]:
    """A whole training step of PyTorch: time first, its fastest layout, and its fused Adam."""
    import torch
    from torch import nn
    from torch.nn import functional

    torch.manual_seed(0)
    kind = {"lstm": nn.LSTM, "gru": nn.GRU, "vanilla": nn.RNN}[layer_type]
    layers = kind(VOCABULARY_SIZE, hidden_size, num_layers)
    output = nn.Linear(hidden_size, VOCABULARY_SIZE)
    weights = [*layers.parameters(), *output.parameters()]
    optimizer = torch.optim.Adam(weights, lr=2e-3, betas=(0.9, 0.99), fused=True)
    text = torch.randint(0, VOCABULARY_SIZE, (seq_length + 1, batch_size))
    carried: list[object] = [None]

    def step() -> None:
        x = functional.one_hot(text[:-1], VOCABULARY_SIZE).float()
        h, state = layers(x, carried[0])
        logits = output(h).reshape(-1, VOCABULARY_SIZE)
        loss = functional.cross_entropy(logits, text[1:].reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        loss.item()
        carried[0] = tuple(s.detach() for s in state) if layer_type == "lstm" else state.detach()

    yield step


@contextmanager
def torch_training_step(recipe: str) -> Iterator[Step]:
    """A step of the training of `learning.py` in PyTorch; `recipe` is a path."""
    from recipe import Recipe
    from torch_gru import TorchTraining

    yield TorchTraining(Recipe.read(Path(recipe))).step
