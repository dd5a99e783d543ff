"""PyTorch's side of `learning.py`: nn.GRU, trained by the recipe of a run of charrnn.

    python benchmarks/torch_gru.py RECIPE LOG

The network, the gradient, clipping and AdamW are PyTorch's, and the steps of Muon are computed by
PyTorch: its own Muon computes a factor in every step. The starting weights, the windows, the
dropout masks, the learning rates and the scorer are functions of charrnn, so that both runs differ
in nothing but rounding and time. LOG gets a JSON object per step; stderr gets a line at each
validation, which `learning.py` takes the time of.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import torch
from recipe import Recipe
from torch import nn

from charrnn.arrays import Array
from charrnn.checkpoint.pytorch import tensors_of
from charrnn.network.dropout import draw_masks
from charrnn.network.model import CharRNN
from charrnn.text.streams import Streams, Window
from charrnn.text.vocabulary import Vocabulary
from charrnn.training.evaluation import evaluate
from charrnn.training.optimizers import ITERATIONS, Muon
from charrnn.training.schedules import learning_rate
from charrnn.training.trainer import due


class TorchTraining:
    """A training run in PyTorch.

    Args:
        recipe: the recipe, of a GRU with one layer.

    Attributes:
        taken: the steps taken.
    """

    def __init__(self, recipe: Recipe) -> None:
        assert (recipe.model.layer_type, recipe.model.num_layers) == ("gru", 1)
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

        assert recipe.config.optimizer in ("adam", "muon")
        self.Wh = names["rnn.weight_hh_l0"] if recipe.config.optimizer == "muon" else None
        if self.Wh is not None:
            R, H = self.Wh.shape
            self.m, self.Q = torch.zeros(R, H), torch.zeros(H, H)
        matrices = [weight for weight in self.weights if weight.ndim > 1 and weight is not self.Wh]
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
        if self.model_config.dropout:
            h = h * self._mask(number)
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
        if self.Wh is not None:
            self._move(self.Wh, rate * Muon.scale)
        self.carried, self.taken = carried.detach(), number + 1
        return float(loss.item())

    @torch.no_grad()
    def _move(self, W: Any, rate: float) -> None:
        """Take a step of Muon with a matrix, (R, H)."""
        R, H = W.shape
        M = self.m.lerp_(W.grad, 1 - Muon.beta)
        M = M / M.norm()
        if self.taken < Muon.period or self.taken % Muon.period == 0:
            G, self.Q = M.T @ M, torch.eye(H)
            bound = G.norm()
            G /= bound
            for _ in range(ITERATIONS):
                P = 3.4445 * torch.eye(H) - 4.7750 * G + 2.0315 * (G @ G)
                self.Q, G = self.Q @ P, P @ G @ P
            self.Q /= bound.sqrt()
        W.mul_(1 - rate * self.config.weight_decay)
        W.sub_(M @ self.Q, alpha=rate * sqrt(R / H))

    def _mask(self, number: int) -> Any:
        """The dropout mask of a step, (B, H), as charrnn draws it."""
        shape = 1, self.model_config.hidden_size, self.config.batch_size
        rng = np.random.default_rng([self.config.seed, 1, number])
        return torch.from_numpy(draw_masks(shape, self.model_config.dropout, rng)[0, :, 0].T)

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
