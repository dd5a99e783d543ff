import threading
from itertools import pairwise
from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.network.parameters import Parameters
from charrnn.training import optimizers
from charrnn.training.optimizers import (
    OPTIMIZERS,
    Adam,
    Muon,
    clip_by_norm,
    clip_by_value,
    gaps,
    inverse_root,
    squared_norm,
)

each_rule = pytest.mark.parametrize("name", sorted(OPTIMIZERS))


def sgd(w, gradients, rate):
    m = 0.0
    for g in gradients:
        m = 0.9 * m + g
        w = w - rate * m
        yield w


def adagrad(w, gradients, rate):
    v = 0.0
    for g in gradients:
        v = v + g**2
        w = w - rate * g / (sqrt(v) + 1e-10)
        yield w


def rmsprop(w, gradients, rate):
    v = 0.0
    for g in gradients:
        v = 0.95 * v + 0.05 * g**2
        w = w - rate * g / (sqrt(v) + 1e-8)
        yield w


def adam(w, gradients, rate):
    m = v = 0.0
    for t, g in enumerate(gradients, start=1):
        m = 0.9 * m + 0.1 * g
        v = 0.99 * v + 0.01 * g**2
        m_hat = m / (1 - 0.9**t)
        v_hat = v / (1 - 0.99**t)
        w = w - rate * m_hat / (sqrt(v_hat) + 1e-8)
        yield w


#: Each rule as torch.optim documents it, for a single weight: Muon has Adam for what is no matrix.
PUBLISHED = {"adagrad": adagrad, "adam": adam, "muon": adam, "rmsprop": rmsprop, "sgd": sgd}


def make(size, dtype=np.float64):
    return Parameters({"b": (size,)}, dtype)


@each_rule
@pytest.mark.parametrize("scale", [1.0, 1e-4, 1e-8, 1e-10])  # the smallest are like ε or below
def test_a_rule_follows_its_published_equations(name, scale, rng):
    weights, gradients = np.zeros(5), scale * rng.standard_normal((12, 5))
    parameters = make(5)
    optimizer = OPTIMIZERS[name](parameters)
    expected = zip(*(PUBLISHED[name](w, g, 0.03) for w, g in zip(weights, gradients.T)))
    for gradient, after in zip(gradients, expected):
        optimizer.step(gradient.copy(), 0.03)
        np.testing.assert_allclose(parameters.flat, after, rtol=1e-9)
    assert optimizer.steps == 12


def test_the_momentum_is_the_given_one():
    parameters = make(1)
    optimizer = OPTIMIZERS["sgd"](parameters, momentum=0.5)
    for _ in range(3):
        optimizer.step(np.ones(1), 0.1)
    assert parameters.flat[0] == pytest.approx(-0.1 * (1 + 1.5 + 1.75))


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_the_first_step_of_adam_has_the_size_of_the_learning_rate(scale):
    parameters = make(2)
    Adam(parameters).step(scale * np.array([1.0, -3.0]), 0.01)
    np.testing.assert_allclose(parameters.flat, [-0.01, 0.01], rtol=1e-3)


@each_rule
def test_the_learning_rate_may_change_from_step_to_step(name):
    parameters = make(1)
    optimizer = OPTIMIZERS[name](parameters)
    optimizer.step(np.ones(1), 0.1)
    before = parameters.flat.copy()
    optimizer.step(np.ones(1), 0.0)
    np.testing.assert_array_equal(parameters.flat, before)


@each_rule
def test_a_gradient_of_zero_moves_nothing(name):
    parameters = make(3, np.float32)
    parameters.flat[...] = 1, -2, 3
    OPTIMIZERS[name](parameters).step(np.zeros(3, np.float32), 0.1)
    assert parameters.flat.tolist() == [1, -2, 3]


@each_rule
def test_slots_have_the_shape_and_type_of_the_parameters(name):
    parameters = make(7, np.float32)
    optimizer = OPTIMIZERS[name](parameters)
    optimizer.step(np.ones(7, np.float32), 0.1)
    assert parameters.flat.dtype == np.float32
    assert tuple(optimizer.slots) == optimizer.names
    for slot in optimizer.slots.values():
        assert slot.shape == (7,)
        assert slot.dtype == np.float32
        assert slot.all()


@each_rule
def test_a_rule_goes_on_the_same_from_its_slots(name, rng):
    gradients = rng.standard_normal((6, 4))
    whole, halves = make(4), make(4)
    optimizer = OPTIMIZERS[name](whole)
    for gradient in gradients:
        optimizer.step(gradient.copy(), 0.1)
    first = OPTIMIZERS[name](halves)
    for gradient in gradients[:3]:
        first.step(gradient.copy(), 0.1)
    second = OPTIMIZERS[name](halves)
    second.steps = first.steps
    for slot, values in first.slots.items():
        second.slots[slot][...] = values
    for gradient in gradients[3:]:
        second.step(gradient.copy(), 0.1)
    np.testing.assert_array_equal(halves.flat, whole.flat)


@each_rule
def test_weight_decay_shrinks_matrices_and_leaves_biases(name):
    parameters = Parameters({"W": (2, 3), "b": (3,), "V": (3, 1)}, np.float64)
    parameters.flat[...] = 2
    optimizer = OPTIMIZERS[name](parameters, decay=0.5)
    for _ in range(2):
        optimizer.step(np.zeros(12), 0.1)
    np.testing.assert_allclose(parameters["W"], 2 * 0.95**2)
    np.testing.assert_allclose(parameters["V"], 2 * 0.95**2)
    np.testing.assert_array_equal(parameters["b"], 2)


@each_rule
def test_weight_decay_does_not_pass_through_the_gradient(name, rng):
    start, gradients = rng.standard_normal(6), rng.standard_normal((4, 6))
    plain, decayed = (Parameters({"W": (2, 3)}, np.float64) for _ in range(2))
    plain.flat[...] = decayed.flat[...] = start
    without, with_decay = OPTIMIZERS[name](plain), OPTIMIZERS[name](decayed, decay=0.5)
    for gradient in gradients:
        before, decayed_before = plain.flat.copy(), decayed.flat.copy()
        without.step(gradient.copy(), 0.1)
        with_decay.step(gradient.copy(), 0.1)
        step = plain.flat - before
        np.testing.assert_allclose(decayed.flat, 0.95 * decayed_before + step, atol=1e-14)


@each_rule
@pytest.mark.parametrize("surplus", [-1, 0, 1, optimizers.BLOCK + 7])
def test_many_parameters_are_updated_as_each_would_be_alone(name, surplus, rng):
    size = optimizers.BLOCK + surplus
    start, gradients = rng.standard_normal(size), rng.standard_normal((3, size))
    together = make(size)
    together.flat[...] = start
    optimizer = OPTIMIZERS[name](together)
    for gradient in gradients:
        optimizer.step(gradient.copy(), 0.1)
    for place in (0, optimizers.BLOCK - 2, *range(optimizers.BLOCK, size, 5000), size - 1):
        alone = make(1)
        alone.flat[...] = start[place]
        optimizer = OPTIMIZERS[name](alone)
        for gradient in gradients:
            optimizer.step(gradient[place : place + 1].copy(), 0.1)
        np.testing.assert_allclose(together.flat[place], alone.flat[0], rtol=1e-14)


@each_rule
@pytest.mark.parametrize("block", [1, 4, 10, 100])
def test_the_size_of_the_blocks_changes_nothing(name, block, rng, monkeypatch):
    gradients = rng.standard_normal((3, 10))
    expected, blockwise = make(10), make(10)
    optimizer = OPTIMIZERS[name](expected)
    for gradient in gradients:
        optimizer.step(gradient.copy(), 0.1)
    monkeypatch.setattr(optimizers, "BLOCK", block)
    optimizer = OPTIMIZERS[name](blockwise)
    for gradient in gradients:
        optimizer.step(gradient.copy(), 0.1)
    np.testing.assert_allclose(blockwise.flat, expected.flat, rtol=1e-14)


@each_rule
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_rule_finds_the_minimum_of_a_quadratic(name, dtype):
    goal, curvature = np.array([1, -2, 0.5], dtype), np.array([0.5, 1, 3], dtype)
    parameters = make(3, dtype)
    optimizer = OPTIMIZERS[name](parameters)
    for number in range(600):
        rate = 0.2 * (1 - number / 600)
        optimizer.step(curvature * (parameters.flat - goal), rate)
    np.testing.assert_allclose(parameters.flat, goal, atol=2e-3)


gradients = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20).map(np.array)
limits = st.floats(1e-3, 1e3)


def norm_of(gradient):
    return sqrt(squared_norm(gradient))


@given(gradients, limits)
def test_a_gradient_is_clipped_to_the_norm_and_keeps_its_direction(gradient, limit):
    norm = np.linalg.norm(gradient)
    clipped = gradient.copy()
    assert norm_of(clipped) == pytest.approx(norm)
    clip_by_norm(clipped, norm, limit)
    assert np.linalg.norm(clipped) == pytest.approx(min(norm, limit))
    np.testing.assert_allclose(clipped * norm, gradient * min(norm, limit), atol=1e-9)


def test_a_gradient_within_the_norm_is_left_as_it_is():
    gradient = np.array([3.0, -4.0])
    clip_by_norm(gradient, 5.0, 5.0)
    assert gradient.tolist() == [3, -4]
    clip_by_norm(gradient, 5.0, 2.5)
    assert gradient.tolist() == [1.5, -2]


def test_a_part_of_a_gradient_is_clipped_by_the_norm_of_the_whole():
    gradient = np.array([3.0, -4.0])
    clip_by_norm(gradient[:1], 5.0, 1.0)
    assert gradient.tolist() == pytest.approx([0.6, -4])


@pytest.mark.parametrize("limit", [0, 0.0])
def test_without_a_limit_nothing_is_clipped(limit):
    gradient = np.array([300.0, -400.0])
    clip_by_norm(gradient, 500.0, limit)
    clip_by_value(gradient, limit)
    assert gradient.tolist() == [300, -400]


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_a_gradient_that_is_not_finite_has_no_finite_norm(broken):
    assert not np.isfinite(squared_norm(np.array([1.0, broken])))


def test_a_gradient_whose_squares_overflow_is_clipped():
    gradient = np.array([3e30, -4e30], np.float32)
    assert norm_of(gradient) == pytest.approx(5e30)
    clip_by_norm(gradient, norm_of(gradient), 5.0)
    np.testing.assert_allclose(gradient, [3, -4], rtol=1e-6)


@pytest.mark.parametrize("decay", [0.0, 0.3])
@each_rule
def test_parts_updated_apart_are_the_whole_updated_at_once(name, decay, rng):
    shapes = {"W": (3, 4), "b": (3,), "U": (5, 2)}
    whole, parted = Parameters(shapes, np.float64), Parameters(shapes, np.float64)
    whole.flat[...] = parted.flat[...] = rng.standard_normal(25)
    gradients = rng.standard_normal((5, 25))
    parts = [slice(0, 7), slice(7, 20), slice(20, 25)]
    one = OPTIMIZERS[name](whole, decay)
    several = [OPTIMIZERS[name](parted, decay, part=part) for part in parts]
    for gradient in gradients:
        one.step(gradient.copy(), 0.1)
        for part, optimizer in zip(parts, several):
            optimizer.step(gradient[part].copy(), 0.1)
    np.testing.assert_allclose(parted.flat, whole.flat, rtol=1e-14)


@given(gradients, limits)
def test_components_are_clipped_one_by_one(gradient, limit):
    clipped = gradient.copy()
    clip_by_value(clipped, limit)
    assert clipped.tolist() == [max(-limit, min(limit, part)) for part in gradient]


#: Two layers of 4 cells, with gates: Muon treats both Wh and the second Wx in its own way.
LAYERS = {
    "layer1.Wx": (12, 5),
    "layer1.Wh": (12, 4),
    "layer1.b": (12,),
    "layer2.Wx": (12, 4),
    "layer2.Wh": (12, 4),
    "layer2.b": (12,),
    "Wy": (5, 4),
    "by": (5,),
}
CELLS_TO_CELLS = ["layer1.Wh", "layer2.Wh", "layer2.Wx"]


def layers(rng=None, shapes=LAYERS):
    parameters = Parameters(shapes, np.float64)
    if rng:
        parameters.flat[...] = rng.standard_normal(parameters.flat.size)
    return parameters


def orthogonalized(M, steps):
    """`zeropower_via_newtonschulz5` of https://kellerjordan.github.io/posts/muon.

    The first division is by a closer bound than the norm of M: the root of the norm of MᵀM.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    X = M.T / np.sqrt(np.linalg.norm(M.T @ M))
    for _ in range(steps):
        A = X @ X.T
        X = a * X + (b * A + c * A @ A) @ X
    return X.T


def test_muon_takes_published_steps_with_a_factor_of_every_tenth_step(rng):
    parameters = layers(rng)
    optimizer = Muon(parameters, decay=0.5)
    expected = {name: parameters[name].copy() for name in CELLS_TO_CELLS}
    m = {name: np.zeros((12, 4)) for name in CELLS_TO_CELLS}
    Q = {}
    for number in range(23):
        gradient = layers(rng)
        for name, W in expected.items():
            m[name] = 0.95 * m[name] + 0.05 * gradient[name]
            M = m[name] / np.linalg.norm(m[name])
            if number < 10 or number % 10 == 0:
                Q[name] = np.linalg.pinv(M) @ orthogonalized(M, optimizers.ITERATIONS)
            W -= 0.3 * (0.5 * W + sqrt(3) * M @ Q[name])
        optimizer.step(gradient.flat, 0.1)
        for name, W in expected.items():
            np.testing.assert_allclose(parameters[name], W, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1e-25, 1e25])
def test_the_size_of_the_gradient_changes_no_step_of_muon(scale, dtype, rng):
    ours, scaled = Parameters(LAYERS, dtype), Parameters(LAYERS, dtype)
    one, other = Muon(ours), Muon(scaled)
    for _ in range(12):
        gradient = layers(rng).flat.astype(dtype)
        with np.errstate(all="ignore"):  # of the square of other parameters
            other.step(gradient * dtype(scale), 0.1)
        one.step(gradient, 0.1)
    for name in CELLS_TO_CELLS:
        assert np.abs(ours[name]).max() > 0.01
        np.testing.assert_allclose(scaled[name], ours[name], rtol=1e-3, atol=1e-4)


def test_muon_is_adam_for_everything_but_matrices_from_cells_to_cells(rng):
    ours, adams = layers(), layers()
    ours.flat[...] = adams.flat[...] = rng.standard_normal(ours.flat.size)
    one, other = Muon(ours, decay=0.5), Adam(adams, decay=0.5)
    for _ in range(3):
        gradient = layers(rng).flat
        one.step(gradient.copy(), 0.1)
        other.step(gradient.copy(), 0.1)
    for name in LAYERS:
        assert np.array_equal(ours[name], adams[name]) == (name not in CELLS_TO_CELLS)


def test_a_root_makes_singular_values_about_equal(rng):
    left, right = np.linalg.qr(rng.standard_normal((12, 4)))[0], np.linalg.qr(rng.random((4, 4)))[0]
    M = ((left * [0.88, 0.44, 0.18, 0.05]) @ right).astype(np.float32)
    values = np.linalg.svd(M.astype(float) @ inverse_root(M), compute_uv=False)
    assert values.min() > 0.65
    assert values.max() < 1.25


def test_muon_moves_each_network_of_an_ensemble_as_it_would_alone(rng):
    def of(number, Wh):
        return Wh.reshape(3, 2, 2, 2)[:, number].reshape(6, 2)

    shapes = {"layer1.Wx": (12, 5), "layer1.Wh": (12, 2), "Wy": (5, 4)}
    whole = Parameters(shapes, np.float64)
    whole.flat[...] = rng.standard_normal(whole.flat.size)
    alone = [Parameters({"layer1.Wh": (6, 2)}, np.float64) for _ in range(2)]
    for number, parameters in enumerate(alone):
        parameters["layer1.Wh"][...] = of(number, whole["layer1.Wh"])
    ensemble, others = Muon(whole, 0.1, ensemble=2), [Muon(each, 0.1) for each in alone]
    for _ in range(13):
        gradient = Parameters(shapes, flat=rng.standard_normal(whole.flat.size))
        for number, other in enumerate(others):
            other.step(of(number, gradient["layer1.Wh"]).ravel(), 0.1)
        ensemble.step(gradient.flat, 0.1)
        for number, parameters in enumerate(alone):
            found = of(number, whole["layer1.Wh"])
            np.testing.assert_allclose(found, parameters["layer1.Wh"], rtol=1e-9)


@pytest.mark.parametrize("ensemble", [1, 2])
@pytest.mark.parametrize("cuts", [[70], [61, 150], [3, 60, 108], [200, 230]])
def test_members_of_muon_do_together_what_one_does_alone(cuts, ensemble, rng):
    """The cuts are within a row, within a matrix, between two, and behind all matrices of cells."""
    shapes = {
        name: (ensemble * rows[0], *rows[1:]) if name.startswith("layer") else rows
        for name, rows in LAYERS.items()
    }
    whole, parted = layers(shapes=shapes), layers(shapes=shapes)
    whole.flat[...] = parted.flat[...] = rng.standard_normal(whole.flat.size)
    gradients = [layers(rng, shapes).flat for _ in range(13)]
    edges = [0, *(ensemble * cut for cut in cuts), whole.flat.size]
    parts = [slice(*edge) for edge in pairwise(edges)]
    barrier, slots = threading.Barrier(len(parts), timeout=30), {}

    def member(part):
        names = iter(Muon.names)

        def shared(shape, dtype):
            return slots.setdefault(next(names), np.zeros(shape, dtype))

        optimizer = Muon(
            parted,
            0.1,
            part=part,
            zeros=shared,
            complete=lambda m: barrier.wait(),
            writes=part is parts[-1],  # in one case a member without any matrix of cells
            ensemble=ensemble,
        )
        for gradient in gradients:
            optimizer.step(gradient[part].copy(), 0.1)
            barrier.wait()

    one = Muon(whole, 0.1, ensemble=ensemble)
    for gradient in gradients:
        one.step(gradient.copy(), 0.1)
    threads = [threading.Thread(target=member, args=[part]) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_allclose(parted.flat, whole.flat, rtol=1e-9)


def test_a_momentum_that_has_faded_moves_nothing():
    """Its norm is so small that the step would be 0 times infinity."""
    parameters = Parameters(LAYERS, np.float32)
    parameters.flat[...] = 1
    optimizer = Muon(parameters, 0.0)
    optimizer.slots["m"][...] = 1e-44
    optimizer.step(np.zeros(parameters.flat.size, np.float32), 0.1)
    assert all((parameters[name] == 1).all() for name in CELLS_TO_CELLS)


def test_only_one_member_of_a_memory_writes_the_factor(rng):
    """The factors of two members may differ in their last bits, for example by their threads."""
    for writes in (True, False):
        optimizer = Muon(layers(rng), 0.1, writes=writes)
        optimizer.step(layers(rng).flat, 0.1)
        start, _ = layers().spans["layer1.Wh"]
        assert optimizer.slots["v"][start : start + 4 * 4].any() == writes


def test_gaps_are_what_slices_leave():
    assert gaps([], 5) == [(0, 5)]
    assert gaps([slice(0, 2), slice(2, 3), slice(4, 5)], 5) == [(3, 4)]
    assert gaps([slice(0, 0), slice(1, 4)], 6) == [(0, 1), (4, 6)]
