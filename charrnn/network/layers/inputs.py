"""What enters a layer: Wx·x + b, where x may be one-hot.

A matrix times a one-hot vector is a column of the matrix, so for the first layer the product
is a look-up. Both kinds of input give the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from charrnn.arrays import Array
from charrnn.network.layers.layer import scratch
from charrnn.text.vocabulary import one_hot

#: From so many characters on it pays to look which of them occur in a window.
LARGE = 256


def project(inputs: Array, Wx: Array, b: Array, room: Array) -> Iterator[Array]:
    """Wx·x + b of one step after another, each (G, B), for the G = gates·H rows of Wx.

    Args:
        inputs: character indices (T, B), or reals (D, T, B).
        Wx: (G, D).
        b: (G,).
        room: (G, T, B), where the products are put; what is yielded is a part of it.
    """
    bias = b[:, None]
    if inputs.ndim == 2:
        column = room.reshape(-1)[: len(b) * inputs.shape[1]].reshape(len(b), -1)
        # The bias is added to the V columns of the table once, not to all T·B columns.
        table = Wx + bias if inputs.size > Wx.shape[1] else None
        for indices in inputs:
            np.take(Wx if table is None else table, indices, axis=1, out=column, mode="clip")
            if table is None:
                column += bias
            yield column
    else:
        D, T, B = inputs.shape
        products = room.reshape(-1, T * B)
        np.matmul(Wx, inputs.reshape(D, T * B), out=products)
        products += bias
        for t in range(T):
            yield room[:, t]


def project_backward(
    inputs: Array, d_a: Array, Wx: Array, d_Wx: Array, d_b: Array, tape: dict[str, Array]
) -> Array | None:
    """The gradients of `project`.

    Args:
        inputs: as given to `project`.
        d_a: (G, T, B), the gradient with respect to its result.
        Wx: (G, D).
        d_Wx, d_b: like Wx and b; overwritten.
        tape: where there is room.

    Returns:
        The gradient with respect to real inputs, (D, T, B), on the tape; None for character
        indices.
    """
    G, D = Wx.shape
    d_a = d_a.reshape(G, -1)  # (G, T·B)
    if inputs.ndim == 2:
        scatter_columns(d_a, inputs.ravel(), d_Wx, tape)
        np.sum(d_Wx, axis=1, out=d_b)  # every column of d_a is in one column of d_Wx
        return None
    np.matmul(d_a, inputs.reshape(D, -1).T, out=d_Wx)
    np.sum(d_a, axis=1, out=d_b)
    d_inputs = scratch(tape, "d_inputs", inputs.shape, d_a.dtype)
    np.matmul(Wx.T, d_a, out=d_inputs.reshape(D, -1))
    return d_inputs


def scatter_columns(columns: Array, indices: Array, out: Array, tape: dict[str, Array]) -> None:
    """Add up the columns of each index: out[:, v] ← the sum of columns[:, n] with indices[n] = v.

    The product with one-hot rows is the quickest way there is in NumPy. Of a large vocabulary,
    only the characters that occur get a column in it.

    Args:
        columns: (G, N).
        indices: (N,).
        out: (G, V), overwritten.
        tape: where there is room.
    """
    V, dtype = out.shape[1], columns.dtype
    if V < LARGE:
        rows = scratch(tape, "one_hot", (len(indices), V), dtype)
        np.matmul(columns, one_hot(indices, V, dtype, out=rows), out=out)
        return
    present, places = np.unique(indices, return_inverse=True)
    out[...] = 0
    out[:, present] = columns @ one_hot(places, len(present), dtype)
