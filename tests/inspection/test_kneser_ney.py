from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charrnn.errors import SettingError
from charrnn.inspection.kneser_ney import NGram, discounts, numbered

TEXT = "abracababr"
LETTERS = "abcr"


def encode(text):
    return np.array([LETTERS.index(letter) for letter in text], np.uint8)


class Plain:
    """The formula of `NGram`, one n-gram at a time, from strings."""

    def __init__(self, text, letters, order):
        self.letters, self.order = letters, order
        self.counted, self.continued = {}, {}
        for k in range(1, order + 1):
            grams = [text[i : i + k] for i in range(len(text) - k + 1)]
            self.counted[k] = Counter(grams)
            # The characters before each one; "^" is the beginning of the text.
            pairs = {(("^" + text)[i], gram) for i, gram in enumerate(grams)}
            self.continued[k] = Counter(gram for _, gram in pairs)

    def discount(self, counts, c):
        n = Counter(counts.values())
        c = min(c, 3)
        if c == 0:
            return 0
        n3 = {1: n[1], 2: n[2], 3: n[3], 4: n[4]}
        if not n3[1] or not n3[c]:
            return 0.5
        Y = n3[1] / (n3[1] + 2 * n3[2])
        D = {
            1: lambda: 1 - 2 * Y * n3[2] / n3[1],
            2: lambda: 2 - 3 * Y * n3[3] / n3[2],
            3: lambda: 3 - 4 * Y * n3[4] / n3[3],
        }[c]()
        return D if 0 < D < c else 0.5

    def p(self, letter, context, order, tables=None):
        if order == 0:
            return 1 / len(self.letters)
        tables = tables or self.counted
        counts = tables[order]
        if len(context) < order - 1:  # the text has begun later
            return self.p(letter, context, order - 1, self.continued)
        h = context[len(context) - order + 1 :]
        total = sum(counts[h + v] for v in self.letters)
        lower = self.p(letter, context, order - 1, self.continued)
        if total == 0:
            return lower
        gamma = sum(self.discount(counts, counts[h + v]) for v in self.letters) / total
        c = counts[h + letter]
        return (c - self.discount(counts, c)) / total + gamma * lower


@pytest.mark.parametrize("other", [TEXT, "rabbacrr", "cccc", "a", ""])
def test_probabilities_are_those_of_the_formula(other):
    plain, model = Plain(TEXT, LETTERS, 4), NGram(encode(TEXT), 4, 4)
    expected = [
        [plain.p(letter, other[:i], order) for i, letter in enumerate(other)] for order in range(5)
    ]
    found = np.exp(model.log_probs(encode(other)))
    assert found.shape == (5, len(other))
    np.testing.assert_allclose(found, np.reshape(expected, found.shape), rtol=1e-12)


def test_a_longer_text_with_all_discounts_agrees_with_the_formula(rng):
    # Some letters are rare, so that n-grams of every count from 1 to 4 are there.
    text = "".join(rng.choice(list(LETTERS), 300, p=[0.6, 0.3, 0.08, 0.02]))
    other = "".join(rng.choice(list(LETTERS), 60))
    plain, model = Plain(text, LETTERS, 5), NGram(encode(text), 4, 5)
    estimated = {plain.discount(plain.counted[5], c) for c in (1, 2, 3)}
    assert 0.5 not in estimated
    assert len(estimated) == 3
    expected = [
        [plain.p(letter, other[:i], order) for i, letter in enumerate(other)] for order in range(6)
    ]
    np.testing.assert_allclose(np.exp(model.log_probs(encode(other))), expected, rtol=1e-12)


def test_bigrams_of_a_tiny_text_by_hand():
    # "abab" then "a" or "b": every count of a 2-gram has D = 1/2 (ab twice, ba once: n₁ = n₂ = 1,
    # so Y = 1/3, D(1) = 1/3, D(2) = 2 − 3·(1/3)·0 = 2, which is not below 2, so 1/2).
    # The 1-grams continue: a follows the beginning and b, b follows a. n₁ = n₂ = 1 again: D(1) =
    # 1/3 and D(2) = 1/2, so p(a) = 1.5/3 + (5/6)/3·1/2 and p(b) = (2/3)/3 + (5/6)/3·1/2.
    model = NGram(np.array([0, 1, 0, 1]), 2, 2)
    a, b = 1.5 / 3 + 5 / 36, 2 / 9 + 5 / 36
    expected_a = [0.25 * a, 1.5 / 2 + 0.25 * b]
    expected_b = [2 / 3 + a / 3, b / 3]
    np.testing.assert_allclose(model.distribution(np.array([0])), expected_a)
    np.testing.assert_allclose(model.distribution(np.array([1])), expected_b)


def test_discounts_are_those_of_chen_and_goodman():
    counts = np.repeat([1, 2, 3, 4, 9], [8, 4, 2, 1, 5])
    Y = 8 / (8 + 2 * 4)
    expected = [0, 1 - 2 * Y * 4 / 8, 2 - 3 * Y * 2 / 4, 3 - 4 * Y * 1 / 2]
    np.testing.assert_allclose(discounts(counts), expected)


@pytest.mark.parametrize("counts", [[], [5, 6, 7], [2, 2, 3]])
def test_without_an_estimate_the_discount_is_one_half(counts):
    assert discounts(np.array(counts, int)).tolist() == [0, 0.5, 0.5, 0.5]


@given(st.lists(st.integers(0, 5), max_size=30))
def test_values_are_numbered_in_order(values):
    different, counts, positions, numbers = numbered(np.array(values, int))
    assert different.tolist() == sorted(set(values))
    assert counts.tolist() == [values.count(value) for value in different]
    assert [values[position] for position in positions] == different.tolist()
    assert different[numbers].tolist() == values


@st.composite
def texts_and_contexts(draw):
    V = draw(st.integers(1, 6))
    character = st.integers(0, V - 1)
    text = draw(st.lists(character, max_size=60))
    context = draw(st.lists(character, max_size=12))
    if text and draw(st.booleans()):  # one that the model has seen
        start = draw(st.integers(0, len(text) - 1))
        context = text[start : start + 9]
    return V, np.array(text, int), np.array(context, int), draw(st.integers(1, 9))


@settings(max_examples=150, deadline=None)
@given(texts_and_contexts())
def test_probabilities_of_the_next_character_sum_to_one_and_are_positive(drawn):
    V, text, context, order = drawn
    model = NGram(text, V, order)
    for n in range(order + 1):
        p = model.distribution(context, n)
        assert p.shape == (V,)
        assert abs(p.sum() - 1) < 1e-12
        assert p.min() > 0


def test_a_text_is_scored_by_the_same_distribution(rng):
    text, other = rng.integers(0, 5, 500), rng.integers(0, 5, 40)
    model = NGram(text, 5, 6)
    log_probs = model.log_probs(other)
    for i, character in enumerate(other):
        for order in (0, 3, 6):
            p = model.distribution(other[:i], order)[character]
            assert np.log(p) == pytest.approx(log_probs[order, i], abs=1e-12)


def test_a_rule_of_some_characters_needs_as_many(rng):
    # Each character is the one four before it, but for one in ten.
    text = rng.integers(0, 4, 20_000)
    for i in range(4, len(text)):
        if rng.random() < 0.9:
            text[i] = text[i - 4]
    bits = -NGram(text[:18_000], 4).log_probs(text[18_000:]).mean(axis=1) / np.log(2)
    assert bits[0] == pytest.approx(2)
    assert (bits[1:5] > 1.95).all()
    assert (bits[5:] < 1.2).all()
    assert bits.argmin() == 5


def test_large_vocabularies_do_not_overflow(rng):
    V = 1_100_000
    text = rng.integers(V - 3, V, 300)
    model = NGram(text, V)
    assert model.log_probs(text)[-1].mean() > np.log(0.3)
    assert np.isfinite(model.log_probs(np.array([0, V - 1, 5]))).all()


def test_the_end_of_a_long_text_is_counted(rng):
    text, other = rng.integers(0, 3, 900), rng.integers(0, 3, 50)
    cut, end = NGram(text, 3, 4, max_characters=200), NGram(text[-200:], 3, 4)
    assert cut.trained == end.trained == 200
    np.testing.assert_array_equal(cut.log_probs(other), end.log_probs(other))


def test_text_in_bytes_is_not_counted_in_bytes(rng):
    text = rng.integers(0, 250, 2_000)
    narrow, wide = NGram(text.astype(np.uint8), 250, 3), NGram(text, 250, 3)
    np.testing.assert_array_equal(narrow.log_probs(text.astype(np.uint8)), wide.log_probs(text))


@pytest.mark.parametrize(("order", "V"), [(0, 5), (3, 0)])
def test_sizes_below_one_are_refused(order, V):
    with pytest.raises(SettingError, match=f"at least 1, not {order} and {V}"):
        NGram(np.zeros(3, int), V, order)
