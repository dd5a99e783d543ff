"""Products in blocks give the numbers of whole products, and only where they are faster."""

import os
import subprocess
import sys

import numpy as np
import pytest

from charrnn.network import products
from charrnn.network.layers import LAYER_TYPES, activations
from charrnn.network.products import product, rows_of_block, transposed_product

#: Sizes (G, H, B) of products that are divided, of W alone, of neither.
DIVIDED, OF_W_ALONE, WHOLE = (3, 256, 32), (1, 251, 32), (1, 40, 2)


@pytest.fixture(params=[True, False], ids=["small kernels", "none"])
def small_kernels(request, monkeypatch):
    monkeypatch.setattr(products, "SMALL_KERNELS", request.param)
    return request.param


def shapes(matmul, call):
    """The shapes of the first operands of the products in a call."""
    matmul.clear()
    call()
    return [a.shape for a in matmul]


@pytest.fixture
def matmul(monkeypatch):
    """The first operands of all calls of matmul."""
    called, original = [], np.matmul

    def recording(a, b, out):
        called.append(a)
        return original(a, b, out=out)

    monkeypatch.setattr(np, "matmul", recording)
    return called


@pytest.mark.parametrize("size", [DIVIDED, OF_W_ALONE, WHOLE, (4, 512, 16), (4, 128, 200)])
def test_blocks_give_the_product(size, small_kernels, rng):
    G, H, B = size
    W, h, d = (rng.standard_normal(shape) for shape in ((G * H, H), (H, B), (G * H, B)))
    a, terms, out = np.empty((G * H, B)), np.empty((G * H, B)), np.empty((2, H, B))
    product(W, a)(h)
    np.testing.assert_allclose(a, W @ h, rtol=1e-9, atol=1e-9)
    multiply = transposed_product(W, d, terms)
    multiply(out[0])
    np.testing.assert_allclose(out[0], W.T @ d, rtol=1e-9, atol=1e-9)
    d *= 2
    multiply(out[1])  # d as it is now
    np.testing.assert_allclose(out[1], W.T @ d, rtol=1e-9, atol=1e-9)


def test_large_products_are_divided_where_there_are_small_kernels(small_kernels, matmul):
    def of(G, H, B):
        W, h = np.ones((G * H, H)), np.ones((H, B))
        a, terms, out = np.empty((G * H, B)), np.empty((G * H, B)), np.empty((H, B))
        return shapes(
            matmul, lambda: (product(W, a)(h), transposed_product(W, np.ones_like(a), terms)(out))
        )

    if small_kernels:
        assert of(*DIVIDED) == [(12, 64, 256), (3, 1, 4, 64, 256)]
    else:
        assert of(*DIVIDED) == [(1, 768, 256), (256, 768)]
    assert of(*OF_W_ALONE) == [(1, 251, 251), (251, 251)]  # a prime: no blocks
    assert of(*WHOLE) == [(1, 40, 40), (40, 40)]
    assert of(4, 128, 65) == [(1, 512, 128), (128, 512)]  # many streams


def test_a_block_has_the_most_rows_that_divide_the_whole():
    assert rows_of_block(768, 256, 32, 8) == 64
    assert rows_of_block(1152, 384, 16, 8) == 72
    assert rows_of_block(100, 10, 1, 8) == 100
    assert rows_of_block(251, 251, 32, 8) == 0
    assert rows_of_block(2048, 512, 256, 8) == 0  # four rows are too few


@pytest.mark.parametrize("layer_type", sorted(LAYER_TYPES))
def test_a_layer_in_blocks_computes_what_it_computes_without(layer_type, rng, monkeypatch):
    D, H, T, B = 5, 12, 4, 3
    layer = LAYER_TYPES[layer_type](D, H)
    arrays = [{name: np.empty(shape) for name, shape in layer.shapes().items()} for _ in range(2)]
    layer.attach(*arrays)
    layer.initialize(rng)
    inputs, d_outputs = rng.integers(0, D, (T, B)), rng.standard_normal((H, T, B))
    start = rng.standard_normal((len(layer.state_names), H, B))
    monkeypatch.setattr(products, "SMALL", 0)
    monkeypatch.setattr(products, "BLOCK", 6 * H * B)
    monkeypatch.setattr(products, "MIN_ROWS", 1)
    monkeypatch.setattr(products, "MIN_TRANSPOSED_ROWS", 1)
    found = []
    for divided in (True, False):
        monkeypatch.setattr(products, "SMALL_KERNELS", divided)
        tape, state, d_state = layer.tape(T, B, np.float64), start.copy(), np.ones_like(start)
        outputs = layer.forward(inputs, state, tape).copy()
        layer.backward(inputs, d_outputs.copy(), d_state, tape)
        found.append(
            [outputs, state, d_state, *(value.copy() for value in layer.gradient.values())]
        )
    for one, other in zip(*found):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("avx512", [True, False])
def test_both_forms_of_the_sigmoid(avx512, monkeypatch):
    monkeypatch.setattr(activations, "AVX512", avx512)
    a = np.array([-1e4, -20, -3, -0.5, 0, 0.5, 3, 20, 1e4], np.float32)
    expected = [0, 2.0612e-9, 0.0474259, 0.3775407, 0.5, 0.6224593, 0.9525741, 1, 1]
    out = np.empty_like(a)
    with np.errstate(over="ignore"):
        activations.sigmoid(a.copy(), out)
    np.testing.assert_allclose(out, expected, atol=1e-7)
    assert out[[0, -1]].tolist() == [0, 1]


def test_the_kernel_that_the_environment_names_decides():
    code = (
        "from charrnn.network.products import *; "
        "print(AVX512 and 'openblas' in blas()[0], SMALL_KERNELS)"
    )
    for name, same in (("Haswell", False), ("SkylakeX", True)):
        env = {**os.environ, "OPENBLAS_CORETYPE": name}
        run = subprocess.run(
            [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
        )
        possible, small = run.stdout.split()
        assert small == (possible if same else "False")
