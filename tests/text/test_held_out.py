import numpy as np
import pytest

from charrnn.text.held_out import BLOCK_CHARACTERS, Division
from charrnn.text.vocabulary import Vocabulary

NO_LINES = Vocabulary("ab")


def split(text, held_out, vocabulary=NO_LINES, **how):
    return Division(held_out, **how).split(text, vocabulary)


def test_by_default_the_end_is_held_out():
    train, held_out = split(np.arange(10), 3)
    assert (train.tolist(), held_out.tolist()) == ([0, 1, 2, 3, 4, 5, 6], [7, 8, 9])


@pytest.mark.parametrize("held_out", [1, 4_999, 5_000, 12_345, 90_000])
def test_spread_blocks_and_the_rest_are_the_whole_text(held_out):
    text = np.arange(100_000)
    train, validation = split(text, held_out, way="spread", seed=1)
    assert sorted([*train, *validation]) == text.tolist()
    assert train.tolist() == sorted(train)
    assert len(validation) == held_out
    seams = (np.diff(validation) != 1).sum()
    assert seams < -(-held_out // BLOCK_CHARACTERS)


def test_spread_blocks_come_from_all_over_the_text_and_depend_on_the_seed():
    text = np.arange(1_000_000)
    _, one = split(text, 100_000, way="spread", seed=1)
    _, other = split(text, 100_000, way="spread", seed=2)
    assert one.tolist() != other.tolist()
    quarters = np.bincount(one // 250_000)
    assert len(quarters) == 4
    assert quarters.min() > 0


def test_nothing_can_be_held_out():
    for way in ("end", "spread"):
        train, validation = split(np.arange(50), 0, way=way)
        assert (len(train), len(validation)) == (50, 0)


def test_whole_lines_are_held_out():
    vocabulary = Vocabulary("0123456789\n")
    text = vocabulary.encode("".join(f"{number}\n" for number in range(5_000)))
    train, validation = split(text, 2_000, vocabulary, lines=True, seed=3)
    sides = [vocabulary.decode(part).split() for part in (train, validation)]
    assert sorted(map(int, sides[0] + sides[1])) == list(range(5_000))
    assert 1_998 <= len(validation) <= 2_000
    for held_out in (2_000, len(validation)):
        again = split(text, held_out, vocabulary, lines=True, seed=3)[1]
        assert again.tolist() == validation.tolist()


@pytest.mark.parametrize("held_out", [0, 5, 100, 777])
def test_the_number_of_characters_held_out_gives_the_same_division_again(held_out):
    vocabulary = Vocabulary("ab\n")
    lines = ["a" * (1 + number % 17) + "b" * (number % 5) for number in range(300)]
    text = vocabulary.encode("".join(f"{line}\n" for line in lines))
    _, first = split(text, held_out, vocabulary, lines=True, seed=1)
    assert len(first) <= held_out
    _, again = split(text, len(first), vocabulary, lines=True, seed=1)
    assert again.tolist() == first.tolist()


def test_equal_lines_alone_cannot_be_held_out():
    vocabulary = Vocabulary("ab\n")
    text = vocabulary.encode("ab\n" * 100)
    train, validation = split(text, 30, vocabulary, lines=True)
    assert (len(train), len(validation)) == (300, 0)
