import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.text import hashes as module
from charrnn.text.hashes import BASE, INVERSE, Hasher, values_of
from charrnn.text.vocabulary import Vocabulary

ABC = Vocabulary("abc\n")


def plain_hash(text):
    """Σ v(xᵢ)·bⁱ modulo 2⁶⁴, a character at a time."""
    value = dict(zip(ABC.ix_to_char, values_of(ABC).tolist()))
    return sum(value[char] * pow(BASE, i, 1 << 64) for i, char in enumerate(text)) % (1 << 64)


def test_the_inverse_is_one():
    assert BASE * INVERSE % (1 << 64) == 1


@given(st.text("abc\n", min_size=1, max_size=60), st.integers(1, 20))
def test_spans_have_the_hashes_of_the_formula(text, span):
    found = Hasher(ABC).spans(ABC.encode(text), span)
    expected = [plain_hash(text[i : i + span]) for i in range(len(text) - span + 1)]
    assert found.tolist() == expected


@pytest.mark.parametrize("block", [1, 7, 64])
def test_hashes_do_not_depend_on_the_blocks(block, monkeypatch):
    text = np.random.default_rng(0).integers(4, size=500)
    starts, lengths = np.array([0, 10, 200, 210]), np.array([5, 190, 0, 290])
    spans, lines = Hasher(ABC).spans(text, 9), Hasher(ABC).lines(text, starts, lengths)
    monkeypatch.setattr(module, "BLOCK", block)
    assert Hasher(ABC).spans(text, 9).tolist() == spans.tolist()
    assert Hasher(ABC).lines(text, starts, lengths).tolist() == lines.tolist()


def test_lines_have_the_hashes_of_the_formula():
    text = "ab\n\ncab\nab\n"
    starts, lengths = np.array([0, 3, 4, 8]), np.array([2, 0, 3, 2])
    found = Hasher(ABC).lines(ABC.encode(text), starts, lengths)
    assert found.tolist() == [plain_hash(line) for line in ("ab", "", "cab", "ab")]


def test_the_hash_of_a_string_does_not_depend_on_the_vocabulary():
    wide = Vocabulary("abcdefg\nхуя😀")
    one, other = (Hasher(v).spans(v.encode("abcab"), 5) for v in (ABC, wide))
    assert one.tolist() == other.tolist()
