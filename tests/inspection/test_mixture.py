import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from charrnn.inspection.mixture import BLOCKS, MIN_CHARACTERS, best_weight, gain, mix, mixed_bits

EITHER = st.floats(0.01, 60)
PAIRS = st.integers(1, 40).flatmap(lambda M: arrays(np.float64, (2, M), elements=EITHER))


def bits(*probabilities):
    return -np.log2(np.repeat(*zip(*probabilities)))


@pytest.mark.parametrize(
    ("likelier", "weight"), [(50, 0.5), (65, 0.75), (35, 0.25), (80, 1), (95, 1), (20, 0), (5, 0)]
)
def test_the_weight_of_two_known_distributions(likelier, weight):
    """The log-likelihood is n·ln(0.2 + 0.6·w) + (100 − n)·ln(0.8 − 0.6·w)."""
    one = bits((0.8, likelier), (0.2, 100 - likelier))
    other = bits((0.2, likelier), (0.8, 100 - likelier))
    assert best_weight(one, other) == pytest.approx(weight, abs=1e-6)


def test_the_weight_where_each_model_excludes_what_the_other_expects():
    """Where p or q is about 2^−5000, which is 0 as a float, w is the share of the characters."""
    one = np.repeat([1.0, 5000.0], [30, 70])
    other = np.repeat([5000.0, 2.0], [30, 70])
    w = best_weight(one, other)
    assert w == pytest.approx(0.3, abs=1e-6)
    expected = np.repeat([1 - np.log2(0.3), 2 - np.log2(0.7)], [30, 70])
    np.testing.assert_allclose(mixed_bits(one, other, w), expected, atol=1e-5)


@pytest.mark.parametrize("weight", [0.0, 0.25, 1.0])
def test_the_probabilities_are_mixed_and_not_the_bits(weight):
    p, q = np.array([0.5, 0.9, 1e-9]), np.array([0.25, 0.01, 0.5])
    mixed = mixed_bits(-np.log2(p), -np.log2(q), weight)
    np.testing.assert_allclose(np.exp2(-mixed), weight * p + (1 - weight) * q)


@given(PAIRS, st.floats(0, 1))
def test_no_weight_is_better_where_the_weight_is_found(pair, another):
    one, other = pair
    found = mixed_bits(one, other, best_weight(one, other)).mean()
    assert found <= min(one.mean(), other.mean())
    assert found <= mixed_bits(one, other, another).mean() + 1e-4  # w is known to within 1e-6


@given(arrays(np.float64, 20, elements=EITHER), st.floats(0, 1))
def test_a_model_mixed_with_itself_stays_the_same(one, weight):
    np.testing.assert_allclose(mixed_bits(one, one, weight), one)
    assert best_weight(one, one) == 1


def halves(first, second):
    """Bits whose first half repeats some values, and whose second half others."""
    half = MIN_CHARACTERS // 2
    return np.concatenate([np.resize(first, half), np.resize(second, half)])


def test_order_and_weight_come_from_the_first_half_and_bits_from_the_second():
    network = halves(bits((0.8, 65), (0.2, 35)), [2.0])
    ngrams = np.stack(
        [
            halves([9.0], [0.5]),
            halves(bits((0.2, 65), (0.8, 35)), [3.0]),
            halves([8.0], [1.0]),
        ]
    )
    found = mix(network, ngrams)
    assert found.order == 2
    assert found.weight == pytest.approx(0.75, abs=1e-2)
    assert found.characters == MIN_CHARACTERS // 2
    assert (found.network, found.ngram) == (2.0, 3.0)
    w = found.weight
    assert found.mixed == pytest.approx(-np.log2(w / 4 + (1 - w) / 8))
    assert found.over_network.bits == pytest.approx(2 - found.mixed)
    assert found.over_ngram.bits == pytest.approx(3 - found.mixed)
    assert not found.over_network.clear
    assert found.over_ngram.clear


def test_the_curve_goes_from_one_model_to_the_other(rng):
    network, ngrams = rng.uniform(1, 4, MIN_CHARACTERS), rng.uniform(1, 4, (1, MIN_CHARACTERS))
    found = mix(network, ngrams)
    assert found.weights[[0, -1]].tolist() == [0, 1]
    assert found.bits[[0, -1]] == pytest.approx([found.ngram, found.network])
    middle = mixed_bits(network, ngrams[0], 0.5)[MIN_CHARACTERS // 2 :].mean()
    assert found.bits[len(found.bits) // 2] == pytest.approx(middle)


def test_the_weight_of_a_short_text_is_not_found():
    short = np.ones(MIN_CHARACTERS - 1)
    assert mix(short, short[None]) is None


def test_an_odd_number_of_characters_is_halved():
    ones = np.ones(MIN_CHARACTERS + 1)
    assert mix(ones, ones[None]).characters == MIN_CHARACTERS // 2 + 1


def test_the_error_of_a_gain_is_that_of_the_mean_of_blocks():
    of_blocks = np.arange(BLOCKS, dtype=float)
    found = gain(np.repeat(of_blocks, 30) + 5, np.full(BLOCKS * 30, 5.0))
    assert found.bits == pytest.approx(of_blocks.mean())
    assert found.error == pytest.approx(of_blocks.std(ddof=1) / np.sqrt(BLOCKS))


@pytest.mark.parametrize(
    ("saved", "clear"),
    [
        (np.full(2_000, 0.1), True),
        (np.full(2_000, 0.004), False),
        (np.full(2_000, -0.1), False),
        (np.repeat([0.2, 0.0] * (BLOCKS // 2), 100), True),
        (np.repeat([3.0, *(BLOCKS - 1) * [0.0]], 100), False),
    ],
)
def test_a_gain_is_clear_beyond_two_standard_errors(saved, clear):
    assert gain(1 + saved, np.ones(2_000)).clear == clear
