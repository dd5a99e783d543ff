"""The input of a layer: Wx·x + b, where x is one-hot or real.

A matrix times a one-hot vector is a column of the matrix, so the product of the first layer is
a look-up. Both kinds of input give the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from charrnn.arrays import Array
from charrnn.network.layers.layer import scratch
from charrnn.text.vocabulary import one_hot

#: From this vocabulary size on, `scatter_columns` leaves out characters that are not in the window.
LARGE_VOCABULARY = 256


def project(inputs: Array, weights: dict[str, Array], out: Array) -> Iterator[Array]:
    """Yield Wx·x + b of each step, (G, B), where G is the number of rows of all gates.

    Args:
        inputs: character indices (T, B), or reals (D, T, B).
        weights: Wx (G, D) and b (G,), by name.
        out: (G, T, B), the memory for the products; each result is a view of `out` that holds
            until the next.
    """
    Wx, bias = weights["Wx"], weights["b"][:, None]
    if inputs.ndim == 2:
        column = out.reshape(-1)[: len(Wx) * inputs.shape[1]].reshape(len(Wx), -1)
        # The bias is added to the V columns of the table once, not to all T·B columns.
        table = Wx + bias if inputs.size > Wx.shape[1] else None
        for indices in inputs:
            # All indices are in range; the mode is the fastest one.
            np.take(Wx if table is None else table, indices, axis=1, out=column, mode="wrap")
            if table is None:
                column += bias
            yield column
    else:
        D, T, B = inputs.shape
        products = out.reshape(-1, T * B)
        np.matmul(Wx, inputs.reshape(D, T * B), out=products)
        products += bias
        for t in range(T):
            yield out[:, t]


def project_backward(
    inputs: Array,
    d_a: Array,
    weights: dict[str, Array],
    gradient: dict[str, Array],
    tape: dict[str, Array],
) -> Array | None:
    """Compute the gradients of `project`.

    Args:
        inputs: as given to `project`.
        d_a: (G, T, B), the gradient with respect to the result of `project`.
        weights: as given to `project`.
        gradient: the arrays Wx and b in it are overwritten.
        tape: the layer's buffers.

    Returns:
        The gradient with respect to real inputs, (D, T, B), in a buffer of the tape; None for
        character indices.
    """
    Wx, d_Wx, d_b = weights["Wx"], gradient["Wx"], gradient["b"]
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
    """Sum the columns of each index: out[:, v] ← Σ columns[:, n] over all n with indices[n] = v.

    The product with one-hot rows is the fastest way in NumPy. With a large vocabulary, only the
    characters that occur take part in the product.

    Args:
        columns: (G, N).
        indices: (N,).
        out: (G, V), overwritten.
        tape: the layer's buffers.
    """
    V, dtype = out.shape[1], columns.dtype
    if V < LARGE_VOCABULARY:
        rows = scratch(tape, "one_hot", (len(indices), V), dtype)
        np.matmul(columns, one_hot(indices, V, dtype, out=rows), out=out)
        return
    present, positions = np.unique(indices, return_inverse=True)
    out[...] = 0
    out[:, present] = columns @ one_hot(positions, len(present), dtype)
