"""The search on texts and networks with a known answer."""

import numpy as np
import pytest
from configs import complete
from helpers.planted import bracket_counter, long_brackets

from charrnn.errors import TextError, UnknownCharacterError
from charrnn.inspection.features.features import FEATURES, Feature, present
from charrnn.inspection.find.levels import read_levels
from charrnn.inspection.find.scores import halves, measure, strength, sums
from charrnn.inspection.find.search import (
    UNTRAINED_MODELS,
    best_cells,
    beyond,
    by_chance,
    comparable,
    find_cells,
    in_blocks,
    original_position,
)
from charrnn.inspection.reading import no_progress, signals_of
from charrnn.network.model import CharRNN
from charrnn.text.vocabulary import Vocabulary
from charrnn.training.trainer import Trainer, train


def brackets(rng, lines):
    """Lines that open brackets among letters, and then close as many: `(a((b.)))`.

    The lines are longer than an untrained network remembers.
    """
    text = []
    for _ in range(lines):
        opened = 1
        text.append("(")
        while rng.random() > 0.04:
            text.append(rng.choice(list("(aabb") if opened < 7 else ["a", "b"]))
            opened += text[-1] == "("
        text += [".", ")" * opened, "\n"]
    return "".join(text)


@pytest.fixture(scope="module")
def counter():
    """A network that can count brackets, and a text that is new to it."""
    rng = np.random.default_rng(3)
    text = brackets(rng, 3_000)
    vocabulary = Vocabulary("()ab.\n")
    model = CharRNN(vocabulary, layer_type="lstm", hidden_size=4)
    model.initialize(np.random.default_rng(1))
    config = complete(
        steps=1_500, batch_size=16, seq_length=64, learning_rate=0.02, optimizer="adam"
    )
    for _ in train(Trainer(model, vocabulary.encode(text), None, config)):
        pass
    return model, brackets(rng, 400)


@pytest.fixture(scope="module")
def findings(counter):
    trained, text = counter
    reported = []
    return find_cells(trained, text, progress=reported.append), reported


def row_of(findings, feature):
    (row,) = [row for row in findings.rows if row.feature == feature]
    return row


def test_a_network_that_counts_brackets_does_so_in_a_memory_cell(findings):
    row = row_of(findings[0], "depth of brackets")
    assert row.verdict == "found"
    assert row.signal.name == "c"
    assert row.strength(row.score) > 0.9
    assert row.strength(row.chance) < 0.3
    assert len(row.untrained) == UNTRAINED_MODELS
    assert max(map(row.strength, row.untrained)) < row.strength(row.score) - 0.1


def test_without_that_cell_closing_brackets_go_wrong(findings):
    clamp = row_of(findings[0], "depth of brackets").ablation
    assert clamp.count > 100
    assert clamp.ends > 1
    assert clamp.ends > np.median(clamp.random)
    assert abs(clamp.elsewhere) < 0.2


def test_missing_features_are_named(findings):
    assert "inside { }" in findings[0].missing
    assert {row.feature for row in findings[0].rows}.isdisjoint(findings[0].missing)


def test_progress_runs_from_nothing_to_all(findings):
    assert findings[1] == sorted(findings[1])
    assert 0 < findings[1][0] < findings[1][-1] == 1


def test_it_is_the_same_every_time(counter):
    trained, text = counter
    first, second = (find_cells(trained, text[:3_000]) for _ in range(2))
    for one, other in zip(first.rows, second.rows, strict=True):
        assert (one.feature, one.cell, one.score, one.chance) == (
            other.feature,
            other.cell,
            other.score,
            other.chance,
        )


def spans(seed, shares):
    """A feature that does not depend on the text, and changes from time to time."""

    def measure(text):
        rng = np.random.default_rng(seed)
        lengths = rng.integers(3, 30, len(text))
        return np.repeat(rng.random(len(text)) < shares, lengths)[: len(text)].astype(float)

    return Feature(True, measure)


def test_of_sixty_features_at_random_at_most_one_is_found(counter):
    trained, text = counter
    features = {f"random {seed}": spans(seed, 0.4) for seed in range(60)}
    findings = find_cells(trained, text, features=features)
    assert len(findings.rows) == 60
    assert sum(row.verdict == "found" for row in findings.rows) <= 1
    # The stated level holds for the best of all cells; the one chosen elsewhere has no such luck.
    lucky = [row.strength(row.score) > row.strength(row.chance) for row in findings.rows]
    assert sum(lucky) <= 6


def test_the_level_of_chance_holds_for_the_best_of_many_cells(tiny_model, rng):
    """The best cells chosen and scored on the same half exceed the level in one case of twenty."""
    model, text = tiny_model("gru", hidden_size=32), "".join(rng.choice(list("abcdefg"), 4_000))
    indices = model.vocabulary.encode(text)
    measured = measure(text, {str(seed): spans(seed, 0.4) for seed in range(100)})
    _, half = halves(indices)
    levels = read_levels(model, indices, signals_of(model))
    own = sums(levels, half, measured).scores(measured.binary)[:, 0]
    chance = by_chance(levels, half, measured, rng, no_progress)
    binary = measured.binary
    lucky = (strength(own, binary).max(axis=1) > strength(chance, binary)).mean()
    assert 0.005 < lucky < 0.14


def prose_and_code(rng, lines=300):
    """Sentences with quotes and capitals, then code: each half lacks much of the other."""
    words = ["".join(rng.choice(list("abcdefgh"), rng.integers(2, 8))) for _ in range(200)]

    def some(n):
        return list(rng.choice(words, n))

    text = []
    for number in range(lines):
        a, b, c, d, e, f = some(6)
        if number < lines / 2:
            said = f'"{a} {b}," ' if rng.random() < 0.5 else ""
            text.append(f"{said}{c.capitalize()} {d.upper()} {e} {f}. {' '.join(some(5))}")
        else:
            indent = "    " * int(rng.integers(0, 4))
            text.append(f"{indent}{a}({b}[{rng.integers(99)}], {{{c}: {d}}})  # {e} {f}")
    return "\n".join(text)


def best_of_untrained(text, layer_type, count, rng):
    """The strengths of the best cells and probes of untrained models, (count, 2 × F)."""
    vocabulary = Vocabulary.of(text)
    indices = vocabulary.encode(text)
    first, second = halves(indices)
    measured = comparable(measure(text, present(text, FEATURES)[0]), first, second)
    found = []
    for _ in range(count):
        model = CharRNN(vocabulary, layer_type=layer_type, hidden_size=32)
        model.initialize(rng)
        best = best_cells(read_levels(model, indices, signals_of(model)), measured, first, second)
        found.append([*strength(best.scores, measured.binary)])
        found[-1] += [*strength(best.probes, measured.binary)]
    return np.array(found)


def test_of_twenty_tables_of_untrained_models_at_most_one_claims_anything():
    rng = np.random.default_rng(5)
    text = prose_and_code(rng, lines=200)
    claims = []
    for layer_type in ("lstm", "vanilla-relu"):  # those with the most false claims
        strengths = best_of_untrained(text, layer_type, UNTRAINED_MODELS + 4, rng)
        assert strengths.shape[1] > 24
        for number in range(10):
            others = np.delete(strengths, number, axis=0)
            others_drawn = rng.choice(others, UNTRAINED_MODELS, replace=False)
            claims.append(any(map(beyond, strengths[number], others_drawn.T)))
    assert len(claims) == 20
    assert sum(claims) <= 1


def test_a_feature_that_half_of_the_text_lacks_is_not_found_in_an_untrained_model():
    rng = np.random.default_rng(5)
    text = prose_and_code(rng)
    model = CharRNN(Vocabulary.of(text), layer_type="gru", hidden_size=16)
    model.initialize(rng)
    findings = find_cells(model, text)
    assert len(findings.rows) > 10
    claimed = {"found", "whole layer"}
    assert [row.feature for row in findings.rows if row.verdict in claimed] == []
    assert all(
        len(row.untrained) == len(row.untrained_probe) == UNTRAINED_MODELS for row in findings.rows
    )


def test_a_feature_of_one_half_only_is_named_as_missing(counter):
    trained, text = counter
    there = np.zeros(len(text))
    there[:200] = 1  # in the first of the blocks that the halves take by turns
    features = {"at the beginning": Feature(True, lambda _: there), "random": spans(0, 0.4)}
    findings = find_cells(trained, text, features=features)
    assert findings.missing == ("at the beginning",)
    assert [row.feature for row in findings.rows] == ["random"]


def test_a_cell_that_counts_for_thousands_of_characters_is_found_exactly(rng):
    model = bracket_counter(hidden_size=16)
    text, depth = long_brackets(rng, 40_000)
    findings = find_cells(model, text, features={"depth": Feature(False, lambda _: depth)})
    row = row_of(findings, "depth")
    assert (row.verdict, row.cell) == ("found", 2)
    assert row.score == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(
    ("own", "untrained", "said"),
    [
        (0.9, [0.5, 0.6, 0.55], True),
        (0.9, [0.5, 0.9, 0.7], False),  # they vary much
        (0.61, [0.5, 0.6, 0.55], False),
        (1.0, [0.99, 0.98, 0.985], True),
        (1.0, [1.0, 1.0, 1.0], False),
    ],
)
def test_a_claim_exceeds_the_untrained_by_more_than_they_vary(own, untrained, said):
    assert beyond(own, untrained) is said


def test_a_long_text_is_read_in_blocks_from_all_over_it():
    lines = [f"line {number:05}\n" for number in range(10_000)]
    text = "".join(lines)
    blocks, starts = in_blocks(text, 9_000, 10)
    assert len(blocks) == 9_000
    for here, there in starts:
        assert blocks[here : here + 900] == text[there : there + 900]
        assert text[there : there + 5] == "line "
    assert np.diff([there for _, there in starts]) == pytest.approx(11_000, abs=11)
    assert original_position(0, starts) == 0
    assert original_position(950, starts) == starts[1][1] + 50
    assert in_blocks(text, len(text)) == (text, [(0, 0)])


def test_a_text_without_any_feature_has_no_rows(counter):
    trained, text = counter
    findings = find_cells(trained, text, features={"never": spans(0, 0.0)})
    assert findings.rows == ()
    assert findings.missing == ("never",)


def test_a_short_text_is_refused(counter):
    with pytest.raises(TextError, match="at least 1,000"):
        find_cells(counter[0], "(a.)\n" * 50)


def test_unknown_characters_are_refused(counter):
    with pytest.raises(UnknownCharacterError, match="'z'"):
        find_cells(counter[0], "z" * 2_000)
