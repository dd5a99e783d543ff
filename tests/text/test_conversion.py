import pytest

from charrnn.text.conversion import converted_as_in_training
from charrnn.text.corpus import Corpus
from charrnn.text.decoding import DEFAULT, Decoding
from charrnn.text.vocabulary import Vocabulary

COMPOSED, APART = "café", "cafe\u0301"
OF_BYTES = Decoding(binary=True)


@pytest.mark.parametrize(
    ("text", "decoding", "normalize", "vocabulary", "expected"),
    [
        ("a\r\nb\rc", DEFAULT, None, "abc\n", ("a\nb\nc", None)),
        ("a\r\n", Decoding(newlines="keep"), None, "a\r\n", ("a\r\n", None)),
        (COMPOSED, DEFAULT, "nfd", APART, (APART, None)),
        (APART, DEFAULT, None, COMPOSED, (COMPOSED, "nfc")),
        (COMPOSED, DEFAULT, None, APART, (APART, "nfd")),
        (COMPOSED, DEFAULT, None, COMPOSED, (COMPOSED, None)),
        (COMPOSED, DEFAULT, None, "caf", (COMPOSED, None)),
        ("áéíóú\r\n", OF_BYTES, None, "aeiou\u0301", ("áéíóú\r\n", None)),
    ],
)
def test_a_later_text_is_converted_as_that_of_the_training(
    text, decoding, normalize, vocabulary, expected
):
    assert converted_as_in_training(text, decoding, normalize, Vocabulary(vocabulary)) == expected


def test_a_corpus_fits_a_vocabulary():
    corpus = Corpus("cafe.txt", [["un cafe", "\u0301 ☃\n"]])
    before = corpus.sha256
    corpus.fit(Vocabulary("un café"))
    assert corpus.text == "un café ☃\n"
    assert corpus.length == 10
    assert "\u0301" not in corpus.characters
    assert corpus.sha256 != before
    assert corpus.notices == ("cafe.txt: read in the normal form NFC of the model",)


def test_a_corpus_that_fits_no_vocabulary_better_stays_as_it_is():
    for vocabularies in ([COMPOSED, APART], [APART], ["cafe"], []):
        corpus = Corpus("cafe.txt", [[APART]])
        corpus.fit(*map(Vocabulary, vocabularies))
        assert (corpus.text, corpus.notices) == (APART, ())


def test_the_bytes_of_a_corpus_have_no_normal_form():
    corpus = Corpus("bytes", [["áéíóú"]], decoding=OF_BYTES)
    corpus.fit(Vocabulary("aeiou\u0301"))
    assert corpus.text == "áéíóú"
