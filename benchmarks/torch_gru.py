"""PyTorch's side of `learning.py`: nn.GRU, trained by the recipe of a run of charrnn.

    python benchmarks/torch_gru.py RECIPE LOG

The network, the gradient, clipping and AdamW are PyTorch's. The starting weights, the windows, the
learning rates and the scorer are functions of charrnn, so that both runs differ in nothing but
rounding and time. There is no dropout: nn.GRU cannot mask the h that Wh reads. LOG gets a
JSON object per step; stderr gets a line at each validation, which `learning.py` takes the time of.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from recipe import Recipe
from torch import nn

from charrnn.arrays import Array
from charrnn.checkpoint.pytorch import tensors_of
from charrnn.network.model import CharRNN
from charrnn.text.streams import Streams, Window
from charrnn.text.vocabulary import Vocabulary
from charrnn.training.evaluation import evaluate
from charrnn.training.schedules import learning_rate
from charrnn.training.trainer import due


class TorchTraining:
    """A training run in PyTorch.

    Args:
        recipe: the recipe, of a GRU with one layer, with Adam and without dropout.

    Attributes:
        taken: the steps taken.
    """

    def __init__(self, recipe: Recipe) -> None:
        assert (recipe.model.layer_type, recipe.model.num_layers) == ("gru", 1)
        assert (recipe.config.optimizer, recipe.model.dropout) == ("adam", 0)
        self.model_config, self.config, self.taken = recipe.model, recipe.config, 0
        text = Path(recipe.text).read_text(encoding="utf-8")
        vocabulary = Vocabulary.of(text)
        V, H, B = len(vocabulary), recipe.model.hidden_size, recipe.config.batch_size
        indices = vocabulary.encode(text)
        cut = len(indices) - recipe.held_out
        self.validation = indices[cut:]
        self.streams = Streams(indices[:cut], B, recipe.config.seq_length)

        self.rnn, self.output = nn.GRU(V, H), nn.Linear(H, V)
        names = dict(self.rnn.named_parameters("rnn")) | dict(
            self.output.named_parameters("output")
        )
        self.weights = list(names.values())
        start = CharRNN(vocabulary, **asdict(recipe.model))
        start.initialize(np.random.default_rng(recipe.config.seed))
        for name, array in tensors_of(start).items():
            names[name].data.copy_(torch.from_numpy(array))
        # PyTorch adds two biases to r and z, charrnn one: here, the second one stays 0.
        of_n = torch.cat([torch.zeros(2 * H), torch.ones(H)])
        names["rnn.bias_hh_l0"].register_hook(lambda gradient: gradient * of_n)

        matrices = [weight for weight in self.weights if weight.ndim > 1]
        biases = [weight for weight in self.weights if weight.ndim == 1]
        decay = recipe.config.weight_decay
        groups = [
            {"params": matrices, "weight_decay": decay},
            {"params": biases, "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.99), eps=1e-8, fused=True)
        self.one_hot, self.carried = torch.eye(V), torch.zeros(1, B, H)

    def step(self) -> float:
        """Take a step, and return the loss of its batch."""
        config, number = self.config, self.taken
        window = self.streams.window(number)
        self.carried[:, torch.from_numpy(self.streams.resets(number))] = 0
        h, carried = self.rnn(self.one_hot[torch.from_numpy(window.inputs)], self.carried)
        logits = self.output(h).reshape(-1, len(self.one_hot))
        targets = torch.from_numpy(window.targets).reshape(-1)
        loss = nn.functional.cross_entropy(logits, targets)
        self.optimizer.zero_grad()
        loss.backward()
        if config.grad_clip:
            nn.utils.clip_grad_norm_(self.weights, config.grad_clip)
        rate = learning_rate(
            config.schedule, config.learning_rate, number, config.steps, config.warmup_steps
        )
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()
        self.carried, self.taken = carried.detach(), number + 1
        return float(loss.item())

    def validate(self) -> float:
        """The loss on the held-out text, with the state carried, by charrnn's own scorer."""
        with torch.inference_mode():
            return evaluate(
                self,  # type: ignore[arg-type]  # it has the two methods that are called
                self.validation,
                batch_size=self.config.batch_size,
                seq_length=self.config.seq_length,
            )

    def state(self, batch_size: int) -> Array:
        """The state before the first character, zeros (1, 1, H, B)."""
        return np.zeros((1, 1, self.model_config.hidden_size, batch_size), np.float32)

    def losses(self, window: Window, state: Array) -> Array:
        """−ln p of each target, (T, B); `state` is overwritten by the last one."""
        before = torch.from_numpy(np.ascontiguousarray(state[0, 0].T))[None]
        h, after = self.rnn(self.one_hot[torch.from_numpy(window.inputs)], before)
        logits = self.output(h).flatten(0, 1)
        targets = torch.from_numpy(window.targets).reshape(-1)
        each = nn.functional.cross_entropy(logits, targets, reduction="none")
        state[0, 0] = after[0].numpy().T
        losses: Array = each.reshape(window.targets.shape).numpy()
        return losses


def main() -> None:
    """Train by the recipe on the command line."""
    training = TorchTraining(Recipe.read(Path(sys.argv[1])))
    config = training.config
    with Path(sys.argv[2]).open("w", encoding="utf-8") as log:
        while training.taken < config.steps:
            record = {"loss": training.step(), "step": training.taken, "val_loss": None}
            if due(training.taken, config):
                record["val_loss"] = training.validate()
                print(f"step {training.taken}", file=sys.stderr, flush=True)
            log.write(json.dumps(record) + "\n")


if __name__ == "__main__":
    main()
