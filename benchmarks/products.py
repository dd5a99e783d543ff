"""The matrix products of a step, and its exp and tanh, for contenders: the least possible time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from common import VOCABULARY_SIZE
from contenders import Step

from charrnn.network.products import AVX512, product, transposed_product
from charrnn.parallel.group import Group
from charrnn.parallel.workers import group_of

#: Rows of a layer's weights for each of its cells.
ROWS = {"lstm": 4, "gru": 3, "vanilla": 1}
#: The sigmoids and the tanhs that a step computes for each cell of a layer.
SIGMOIDS = {"lstm": 3, "gru": 2, "vanilla": 0}
TANHS = {"lstm": 2, "gru": 1, "vanilla": 1}
#: Steps whose products are computed between two meetings of the processes.
REPEATS = 8


class Products:
    """The products of one step of one layer, in charrnn's shapes and layout of memory.

    Vectors are columns; h is kept cells-first for the products of a whole window.

    Args:
        layer_type: the layer type.
        hidden_size, seq_length: the cells of the layer, and the characters of a window.
        batch_size: the streams of this process.
    """

    def __init__(self, layer_type: str, hidden_size: int, batch_size: int, seq_length: int) -> None:
        H, B, T, V = hidden_size, batch_size, seq_length, VOCABULARY_SIZE
        G, N = ROWS[layer_type] * H, T * B
        rng = np.random.default_rng(0)

        def filled(*shape: int) -> np.ndarray:
            return rng.standard_normal(shape, np.float32) / np.float32(H)

        self.Wh, self.Wy = filled(G, H), filled(V, H)
        self.h, self.a = filled(T, H, B), filled(G, B)
        self.d_a, self.dh = filled(G, N), filled(H, B)
        self.multiply = product(self.Wh, self.a)
        self.multiply_back = transposed_product(self.Wh, self.a, filled(G, B))
        cells_first = filled(H, T + 1, B)
        self.entering = cells_first[:, :-1].reshape(H, N)
        self.outputs = cells_first[:, 1:].reshape(H, N)
        self.one_hot = np.eye(V, dtype=np.float32)[rng.integers(0, V, N)]  # (N, V)
        self.logits, self.d_h = filled(V, N), filled(H, N)
        self.d_Wh, self.d_Wx, self.d_Wy = filled(G, H), filled(G, V), filled(V, H)

    def step(self, repeats: int = 1) -> None:
        """Compute the products."""
        for _ in range(repeats):
            for h in self.h:
                self.multiply(h)
            np.matmul(self.Wy, self.outputs, out=self.logits)
            np.matmul(self.logits, self.outputs.T, out=self.d_Wy)
            np.matmul(self.Wy.T, self.logits, out=self.d_h)
            for _ in self.h:
                self.multiply_back(self.dh)
            np.matmul(self.d_a, self.entering.T, out=self.d_Wh)
            np.matmul(self.d_a, self.one_hot, out=self.d_Wx)


class Functions:
    """The exps and tanhs of one step of one layer and of the softmax, as charrnn groups them.

    Args:
        layer_type, hidden_size, batch_size, seq_length: as for `Products`.
    """

    def __init__(self, layer_type: str, hidden_size: int, batch_size: int, seq_length: int) -> None:
        H, B, T = hidden_size, batch_size, seq_length
        rng = np.random.default_rng(0)
        self.steps, self.tanhs = range(T), range(TANHS[layer_type])
        self.gates, self.sigmoids = rng.standard_normal(
            (2, SIGMOIDS[layer_type] * H, B), np.float32
        )
        self.a, self.h = rng.standard_normal((2, H, B), np.float32)
        self.logits, self.p = rng.standard_normal((2, VOCABULARY_SIZE, T * B), np.float32)

    def step(self, repeats: int = 1) -> None:
        """Compute the functions."""
        sigmoid = np.tanh if AVX512 else np.exp  # as in charrnn.network.layers.activations
        for _ in range(repeats):
            for _ in self.steps:
                sigmoid(self.gates, out=self.sigmoids)
                for _ in self.tanhs:
                    np.tanh(self.a, out=self.h)
            np.exp(self.logits, out=self.p)


KINDS: dict[str, type[Products | Functions]] = {"products": Products, "functions": Functions}


@contextmanager
def character_products(layer_type: str, hidden_size: int) -> Iterator[Step]:
    """The products of `REPEATS` characters that one stream reads."""
    rng = np.random.default_rng(0)
    H, G, V = hidden_size, ROWS[layer_type] * hidden_size, VOCABULARY_SIZE
    Wh, Wy = rng.standard_normal((G, H), np.float32), rng.standard_normal((V, H), np.float32)
    h, a, logits = (np.ones((rows, 1), np.float32) for rows in (H, G, V))

    def step() -> None:
        for _ in range(REPEATS):
            np.matmul(Wh, h, out=a)
            np.matmul(Wy, h, out=logits)

    yield step


def operations(layer_type: str, hidden_size: int, batch_size: int, seq_length: int) -> int:
    """Multiplications and additions in the products of a step."""
    H, V = hidden_size, VOCABULARY_SIZE
    G = ROWS[layer_type] * H
    return 2 * batch_size * seq_length * (3 * G * H + G * V + 3 * V * H)


@contextmanager
def step_parts(
    kind: str, layer_type: str, hidden_size: int, batch_size: int, seq_length: int, workers: int
) -> Iterator[Step]:
    """The products or the functions of a step, `REPEATS` times, by several processes.

    Args:
        kind: a key of `KINDS`.
        layer_type, hidden_size, batch_size, seq_length: as for `Products`, of the whole batch.
        workers: the processes, which divide the streams.
    """
    with group_of(workers) as group:
        arguments = kind, layer_type, hidden_size, batch_size, seq_length
        group.start(execute_orders, *arguments)
        own = share(group, *arguments)

        def step() -> None:
            group.order("step", REPEATS)
            own.step(REPEATS)
            group.all_reduce([])

        yield step


def share(
    group: Group, kind: str, layer_type: str, hidden_size: int, batch_size: int, seq_length: int
) -> Products | Functions:
    """The products or functions of a member of a group."""
    part = group.part(batch_size)
    return KINDS[kind](layer_type, hidden_size, part.stop - part.start, seq_length)


def execute_orders(group: Group, *arguments: Any) -> None:
    """Repeat the products or functions on the first process's order, in every other process."""
    own = share(group, *arguments)
    for _, (repeats,) in group.orders():
        own.step(repeats)
        group.all_reduce([])


@contextmanager
def one_hot_products(rows: int, columns: int, vocabulary_size: int) -> Iterator[Step]:
    """The products of a first layer with one-hot vectors, forward and backward.

    charrnn does not compute them: it reads and adds columns instead.

    Args:
        rows: the rows of the weights.
        columns: steps times streams.
        vocabulary_size: V.
    """
    one_hot = np.zeros((vocabulary_size, columns), np.float32)
    one_hot[np.random.default_rng(0).integers(0, vocabulary_size, columns), range(columns)] = 1
    Wx, d_Wx = np.ones((2, rows, vocabulary_size), np.float32)
    a = np.ones((rows, columns), np.float32)

    def step() -> None:
        np.matmul(Wx, one_hot, out=a)
        np.matmul(a, one_hot.T, out=d_Wx)

    yield step


@contextmanager
def output_products(hidden_size: int, columns: int, vocabulary_size: int) -> Iterator[Step]:
    """The products with the output weights, which nothing can spare."""
    Wy, d_Wy = np.ones((2, vocabulary_size, hidden_size), np.float32)
    h, d_h = np.ones((2, hidden_size, columns), np.float32)
    logits = np.ones((vocabulary_size, columns), np.float32)

    def step() -> None:
        np.matmul(Wy, h, out=logits)
        np.matmul(logits, h.T, out=d_Wy)
        np.matmul(Wy.T, logits, out=d_h)
        logits.fill(1)  # or they would grow from step to step

    yield step
