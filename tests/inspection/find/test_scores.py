"""Scores against their definitions, pair by pair."""

import numpy as np
import pytest

from charrnn.inspection.features.features import Feature
from charrnn.inspection.find.levels import Levels
from charrnn.inspection.find.scores import (
    MIN_COUNT,
    halves,
    measure,
    ranked,
    strength,
    sums,
    thinned,
)
from charrnn.inspection.reading import Signal


def levels_of(values):
    """Values (C, N) from 0 to 255 as levels of the cells of one layer."""
    return Levels((Signal(1, "h"),), np.asarray(values, np.uint8), len(values))


def given(values, binary, delimiters=""):
    return Feature(binary, lambda _: np.asarray(values, float), delimiters)


def score(cells, feature, text, shifts=(0,), sample=0):
    indices = np.unique(list(text), return_inverse=True)[1]
    samples = halves(indices, blocks=4)
    measured = measure(text, {"f": feature})
    result = sums(levels_of(cells), samples[sample], measured, shifts)
    return result.scores(measured.binary)[0], samples[sample]


@pytest.fixture
def text(rng):
    return "".join(rng.choice(list("abc"), 400))


def pairs(values, holds, kinds):
    """The weighted mean of the AUC after each character, by its definition."""
    total = weight = 0.0
    for kind in np.unique(kinds):
        own = kinds == kind
        with_it, without = values[own & holds].astype(int), values[own & ~holds].astype(int)
        if own.sum() < MIN_COUNT or not len(with_it) or not len(without):
            continue
        difference = with_it[:, None] - without
        auc = (difference > 0).mean() + (difference == 0).mean() / 2
        w = len(with_it) * len(without) / own.sum()
        total, weight = total + w * auc, weight + w
    return total / weight


@pytest.mark.parametrize("sample", [0, 1])
def test_auc_is_the_share_of_pairs_after_the_same_character_in_order(sample, text, rng):
    cells = rng.integers(0, 40, (3, 400))  # with many ties
    holds = rng.random(400) < 0.3
    scores, half = score(cells, given(holds, True), text, sample=sample)
    for cell, own in zip(cells, scores[0]):
        assert own == pytest.approx(
            pairs(half.select(cell), half.select(holds), half.kinds), abs=1e-6
        )


def test_a_shift_moves_the_feature_along_the_half_in_a_circle(text, rng):
    cells = rng.integers(0, 256, (2, 400))
    holds = rng.random(400) < 0.3
    scores, half = score(cells, given(holds, True), text, shifts=(0, 1, 57, 199))
    for shift, row in zip((0, 1, 57, 199), scores):
        moved = np.roll(half.select(holds), -shift)
        expected = [pairs(half.select(cell), moved, half.kinds) for cell in cells]
        np.testing.assert_allclose(row, expected, atol=1e-6)


def test_spearman_is_the_correlation_of_ranks_given_the_character(text, rng):
    cells = rng.integers(0, 256, (2, 400))
    degrees = rng.integers(0, 9, 400)
    scores, half = score(cells, given(degrees, False), text)
    f = half.select(ranked(degrees.astype(float)))
    for cell, own in zip(cells, scores[0]):
        u, r = np.zeros(len(f)), f.copy()
        for kind in np.unique(half.kinds):
            there = half.kinds == kind
            ranks = ranked(half.select(cell)[there])
            u[there] = (ranks - ranks.mean()) / there.sum()
            r[there] -= f[there].mean()
        assert own == pytest.approx((u @ r) / np.sqrt((u @ u) * (r @ r)), abs=1e-5)


def test_the_current_character_alone_gives_no_score(text, rng):
    letters = np.array(list(text))
    cell = np.where(letters == "a", 200, 50)  # knows only the character
    holds = letters == "a"
    holds ^= rng.random(400) < 0.05
    scores, _ = score([cell], given(holds, True), text)
    assert scores[0, 0] == 0.5


def test_a_cell_that_knows_the_feature_scores_one_with_either_sign(text, rng):
    holds = rng.random(400) < 0.3
    cells = [np.where(holds, 200, 50), np.where(holds, 50, 200)]
    scores, _ = score(cells, given(holds, True), text)
    np.testing.assert_allclose(scores[0], [1, 0], atol=1e-6)
    assert strength(scores[:1], np.array([True])).tolist() == [pytest.approx([1, 1])]


def test_delimiters_are_left_out(text, rng):
    letters = np.array(list(text))
    holds = rng.random(400) < 0.5
    # The cell knows the feature at the delimiter only.
    cell = np.where(letters == "a", np.where(holds, 250, 5), rng.integers(0, 256, 400))
    with_it, _ = score([cell], given(holds, True), text)
    without, half = score([cell], given(holds, True, "a"), text)
    assert with_it[0, 0] > 0.6
    rest = half.select(letters) != "a"
    expected = pairs(half.select(cell)[rest], half.select(holds)[rest], half.kinds[rest])
    assert without[0, 0] == pytest.approx(expected, abs=1e-6)


def test_characters_too_rare_to_compare_are_left_out(rng):
    text = "".join(rng.choice(list("ab"), 400))
    text = text[:10] + "xyz" + text[13:]
    holds = rng.random(400) < 0.5
    cell = rng.integers(0, 256, 400)
    scores, half = score([cell], given(holds, True), text)
    assert (half.counts[half.scored] >= MIN_COUNT).all()
    expected = pairs(half.select(cell), half.select(holds), half.kinds)
    assert scores[0, 0] == pytest.approx(expected, abs=1e-6)


def test_halves_take_turns_and_share_nothing(rng):
    first, second = halves(rng.integers(0, 5, 1_003))
    positions = np.arange(1_003)
    together = np.concatenate([first.select(positions), second.select(positions)])
    assert sorted(together) == positions.tolist()
    assert len(first.blocks) == len(second.blocks) == 10
    for half in (first, second):
        for here, there in half.chunks():
            np.testing.assert_array_equal(half.select(positions)[here], positions[there])


def test_ranks_share_ties():
    assert ranked(np.array([5.0, 1.0, 5.0, 7.0])).tolist() == [2.5, 1.0, 2.5, 4.0]


def test_a_feature_that_the_character_determines_is_not_scored(text, rng):
    holds = np.array(list(text)) == "a"
    holds[np.flatnonzero(holds)[:3]] = False
    scores, _ = score([rng.integers(0, 256, 400)], given(holds, True), text)
    assert scores[0, 0] == 0.5


def test_a_thinned_sample_is_evenly_spaced(rng):
    indices = rng.integers(0, 5, 40_000)
    first, _ = halves(indices)
    few = thinned(indices, first, 7_000)
    positions = np.arange(40_000)
    assert len(few.kinds) == pytest.approx(20_000 / 3, rel=0.01)
    np.testing.assert_array_equal(
        few.select(positions), np.concatenate([positions[b][::3] for b in first.blocks])
    )
    for here, there in few.chunks():
        np.testing.assert_array_equal(few.select(positions)[here], positions[there])
    assert len(thinned(indices, first, 20_000).kinds) == 20_000


def test_chance_on_few_positions_is_like_chance_on_all(rng):
    """Feature and cells change from time to time, as those of texts and networks do."""
    N = 60_000
    text = "".join(rng.choice(list("abc"), N))
    cells = [np.repeat(rng.integers(0, 256, N // 15), 15) for _ in range(20)]
    holds = np.repeat(rng.random(N // 20) < 0.3, 20)
    indices = np.unique(list(text), return_inverse=True)[1]
    _, second = halves(indices)
    measured = measure(text, {"f": given(holds, True)})
    levels = levels_of(cells)
    chance = []
    for sample in (second, thinned(indices, second, 10_000)):
        shifts = rng.integers(500, len(sample.kinds) - 500, 100).tolist()
        scores = sums(levels, sample, measured, shifts).scores(measured.binary)
        chance.append(np.quantile(strength(scores, measured.binary).max(axis=2), 0.95))
    assert chance[1] == pytest.approx(chance[0], rel=0.35)
    assert chance[1] > 0.9 * chance[0]
