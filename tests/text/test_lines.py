import numpy as np
import pytest

from charrnn.text import lines as module
from charrnn.text.lines import Lines
from charrnn.text.vocabulary import Vocabulary

VOCABULARY = Vocabulary("abcdefgh\n")


def lines_of(*texts):
    text = "".join(f"{each}\n" for each in texts)
    return Lines(VOCABULARY.encode(text), VOCABULARY)


def texts_of(lines, numbers):
    out = np.empty(int(lines.lengths[numbers].sum()), np.uint8)
    lines.copy(numbers, out)
    return VOCABULARY.decode(out).splitlines()


@pytest.mark.parametrize("block", [1, 5, 1000])
def test_lines_are_found_and_copied_in_any_order(block, monkeypatch):
    monkeypatch.setattr(module, "BLOCK", block)
    lines = lines_of("ab", "c", "defg", "", "h")
    assert len(lines) == 5
    assert lines.lengths.tolist() == [3, 2, 5, 1, 2]
    assert texts_of(lines, np.array([4, 2, 0, 3])) == ["h", "defg", "ab", ""]


def test_a_shuffle_has_all_lines_and_depends_on_the_generator():
    lines = lines_of(*["ab", "c", "defg", "h"] * 20)
    first, second, again = (np.empty(len(lines.text), np.uint8) for _ in range(3))
    lines.shuffle(np.random.default_rng(1), first)
    lines.shuffle(np.random.default_rng(2), second)
    lines.shuffle(np.random.default_rng(1), again)
    before, after = (sorted(VOCABULARY.decode(t).splitlines()) for t in (lines.text, first))
    assert before == after
    assert first.tolist() == again.tolist() != second.tolist()


def test_equal_lines_are_on_the_same_side():
    rng = np.random.default_rng(0)
    texts = ["".join(rng.choice(list("abcdefgh"), 3)) for _ in range(2_000)]
    lines = lines_of(*texts)
    train, held_out = lines.split(800, np.random.default_rng(5))
    assert sorted([*train, *held_out]) == list(range(2_000))
    assert not set(texts_of(lines, train)) & set(texts_of(lines, held_out))
    assert lines.lengths[held_out].sum() == 800


def test_nothing_is_held_out_if_nothing_is_wanted():
    train, held_out = lines_of("ab", "c").split(0, np.random.default_rng(0))
    assert train.tolist() == [0, 1]
    assert held_out.tolist() == []


def test_equal_lines_have_the_same_hash_and_different_ones_another():
    hashes = lines_of("ab", "ba", "ab", "", "").hashes().tolist()
    assert hashes[0] == hashes[2]
    assert hashes[3] == hashes[4]
    assert len(set(hashes)) == 3
