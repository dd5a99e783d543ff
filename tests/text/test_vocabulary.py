import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from charrnn.errors import UnknownCharacterError
from charrnn.text.vocabulary import Characters, Vocabulary, code_points, one_hot

#: Any text that Python can hold: lone surrogates and astral characters too.
texts = st.text(
    st.characters()
    | st.characters(categories=["Cs"])
    | st.characters(min_codepoint=0x10000)
    | st.sampled_from("abc")
)


def test_the_characters_are_in_sorted_order():
    vocabulary = Vocabulary.of("zebra\nAPFEL é😀")
    assert vocabulary.ix_to_char == "\n AEFLPaberzé😀"
    assert vocabulary.char_to_ix["\n"] == 0
    assert vocabulary.char_to_ix["😀"] == len(vocabulary) - 1 == 13


@given(texts)
@example("\ud83d\ude00 😀")
def test_a_vocabulary_has_each_character_of_the_text_once(text):
    vocabulary = Vocabulary.of(text)
    assert list(vocabulary.ix_to_char) == sorted(set(text))
    assert vocabulary == Vocabulary(reversed(text))


def test_the_same_text_has_the_same_indices_again():
    text = "one grey owl, two grey owls"
    first, again = Vocabulary.of(text), Vocabulary.of(text)
    assert first == again
    assert hash(first) == hash(again)
    np.testing.assert_array_equal(first.encode(text), again.encode(text))


def test_vocabularies_of_different_characters_differ():
    assert Vocabulary("abc") != Vocabulary("abd")
    assert Vocabulary("abc") != "abc"


@given(texts)
@example("")
@example("\ud83d\ude00 😀 \U0010ffff\x00")
def test_encoded_text_decodes_to_the_same_text(text):
    vocabulary = Vocabulary.of(text)
    indices = vocabulary.encode(text)
    assert indices.shape == (len(text),)
    assert vocabulary.decode(indices) == text


@given(texts)
def test_an_index_is_the_position_among_the_sorted_characters(text):
    characters = sorted(set(text))
    assert Vocabulary.of(text).encode(text).tolist() == [characters.index(char) for char in text]


@given(texts, texts)
def test_unknown_lists_each_unknown_character_once_and_sorted(known, text):
    assert Vocabulary.of(known).unknown(text) == "".join(sorted(set(text) - set(known)))


def test_unknown_characters_are_an_error_that_lists_them():
    with pytest.raises(UnknownCharacterError, match=r": '\\n' 'x' 'é'$"):
        Vocabulary("abc").encode("axébx\nc")


def test_a_lone_surrogate_can_be_unknown():
    with pytest.raises(UnknownCharacterError, match=r"'\\ud800'"):
        Vocabulary("abc").encode("a\ud800")


@given(texts, texts)
def test_unknown_characters_are_left_out_on_request(known, text):
    vocabulary = Vocabulary.of(known)
    indices = vocabulary.encode(text, unknown="skip")
    assert vocabulary.decode(indices) == "".join(char for char in text if char in known)
    assert indices.dtype == vocabulary.dtype


@pytest.mark.parametrize(
    ("size", "dtype"),
    [
        (1, np.uint8),
        (255, np.uint8),
        (256, np.uint8),
        (257, np.uint16),
        (65_536, np.uint16),
        (65_537, np.uint32),
    ],
)
def test_indices_have_the_smallest_type_that_holds_them(size, dtype):
    text = "".join(map(chr, range(40, 40 + size)))
    vocabulary = Vocabulary.of(text)
    indices = vocabulary.encode(text)
    assert vocabulary.dtype == indices.dtype == dtype
    np.testing.assert_array_equal(indices, np.arange(size))


@pytest.mark.parametrize("size", [255, 256, 257])
def test_an_unknown_character_is_detected_if_the_type_has_no_free_value(size):
    vocabulary = Vocabulary(map(chr, range(40, 40 + size)))
    assert vocabulary.encode("\x01" + chr(39 + size), unknown="skip").tolist() == [size - 1]
    with pytest.raises(UnknownCharacterError, match="x01"):
        vocabulary.encode("\x01")


def test_code_points_are_one_for_each_character():
    assert code_points("aé\ud83d😀").tolist() == [0x61, 0xE9, 0xD83D, 0x1F600]


def test_one_hot_rows_have_a_single_one_at_the_index():
    rows = one_hot(np.array([2, 0, 2], np.uint8), 4)
    assert rows.tolist() == [[0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 1, 0]]
    assert rows.dtype == np.float32
    assert one_hot(np.array([1]), 2, np.float64).dtype == np.float64


@pytest.mark.parametrize("size", [100, 254, 255, 256, 300])
@given(st.text(st.characters(max_codepoint=127)))
def test_a_text_of_ascii_is_encoded_like_any_other(size, text):
    # The ð prevents the fast way for ASCII in the second call.
    vocabulary = Vocabulary(map(chr, range(20, 20 + size)))
    for unknown in ("skip", "error"):
        try:
            quick = vocabulary.encode(text, unknown=unknown)
        except UnknownCharacterError:
            assert vocabulary.unknown(text)
            continue
        expected = Vocabulary.encode(vocabulary, text + "ð", unknown="skip")
        known = "ð" in vocabulary.ix_to_char
        np.testing.assert_array_equal(quick, expected[:-1] if known else expected)
        assert quick.dtype == vocabulary.dtype
        assert quick.flags.writeable


@given(st.lists(texts))
def test_characters_are_gathered_from_pieces(pieces):
    characters = Characters()
    for piece in pieces:
        characters.add(piece)
    assert str(characters) == "".join(sorted(set("".join(pieces))))


def test_unknown_characters_are_read_as_the_replacement_character_where_that_is_wanted():
    vocabulary = Vocabulary("ab\ufffd", replaces=True)
    assert vocabulary.decode(vocabulary.encode("aéb漢")) == "a\ufffdb\ufffd"
    assert vocabulary.decode(vocabulary.encode("aéb", unknown="skip")) == "ab"
    with pytest.raises(UnknownCharacterError, match="'é'"):
        vocabulary.encode("aéb", unknown="error")
    assert vocabulary.count_unknown("aéb漢é") == 3


@pytest.mark.parametrize("unknown", [None, "replace"])
def test_without_the_replacement_character_nothing_is_replaced(unknown):
    vocabulary = Vocabulary("ab", replaces=True)
    assert not vocabulary.replaces
    with pytest.raises(UnknownCharacterError, match="'é'"):
        vocabulary.encode("aé", unknown=unknown)
