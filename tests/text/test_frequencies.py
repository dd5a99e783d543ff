import numpy as np
import pytest

from charrnn.text import frequencies as counting
from charrnn.text.frequencies import count_rare, frequencies, replace_rare
from charrnn.text.vocabulary import Vocabulary


@pytest.fixture(params=[2, 1 << 16])
def _chunk(request, monkeypatch):
    """Chunks shorter and longer than the texts."""
    monkeypatch.setattr(counting, "CHUNK", request.param)


def encoded(text):
    vocabulary = Vocabulary.of(text)
    indices = vocabulary.encode(text)
    return indices, vocabulary, frequencies(indices, len(vocabulary))


@pytest.mark.usefixtures("_chunk")
def test_frequencies_are_counts():
    assert frequencies(np.array([3, 0, 3, 3, 1], np.uint8), 5).tolist() == [1, 1, 0, 3, 0]


@pytest.mark.usefixtures("_chunk")
def test_rare_characters_are_replaced_and_all_others_stay():
    indices, vocabulary, counts = encoded("aabbbxcccy a")
    smaller, replaced = replace_rare(indices, vocabulary, counts, 2)
    assert smaller.ix_to_char == "abc\ufffd"
    assert smaller.decode(replaced) == "aabbb\ufffdccc\ufffd\ufffda"
    assert replaced.dtype == smaller.dtype
    assert smaller.decode(smaller.encode("a?")) == "a\ufffd"


def test_a_character_is_rare_by_the_frequencies_given():
    indices, vocabulary, counts = encoded("aabb" + "zz")
    smaller, replaced = replace_rare(indices, vocabulary, counts - [0, 0, 2], 1)
    assert smaller.decode(replaced) == "aabb\ufffd\ufffd"


@pytest.mark.parametrize(("text", "keep"), [("aabb", ""), ("aab", "b"), ("aa\ufffd", "")])
def test_a_text_without_rare_characters_stays(text, keep):
    indices, vocabulary, counts = encoded(text)
    smaller, replaced = replace_rare(indices, vocabulary, counts, 2, keep)
    assert smaller == vocabulary
    np.testing.assert_array_equal(replaced, indices)
    assert smaller.replaces == ("\ufffd" in text)


def test_a_smaller_vocabulary_has_smaller_indices():
    text = "".join(map(chr, range(1000, 1400))) + "ab" * 5
    smaller, replaced = replace_rare(*encoded(text), 2)
    assert (smaller.ix_to_char, replaced.dtype) == ("ab\ufffd", np.uint8)


@pytest.mark.usefixtures("_chunk")
@pytest.mark.parametrize(("enough", "found"), [(0, 3), (2, 3)])
def test_rare_characters_are_counted(enough, found):
    indices, vocabulary, _ = encoded("aaabbbccxy")
    assert count_rare(indices, len(vocabulary), 3, enough) == found


def test_counting_ends_early_where_there_are_few(monkeypatch):
    monkeypatch.setattr(counting, "CHUNK", 4)

    class Text(np.ndarray):
        read = 0

        def __getitem__(self, part):
            Text.read = max(Text.read, part.stop)
            return np.asarray(super().__getitem__(part))

    text = np.array([0, 1] * 50, np.uint8).view(Text)
    assert count_rare(text, 2, 2, 0) == 0
    assert Text.read <= 8
