import codecs
import hashlib
import io
import re
import unicodedata
from itertools import islice

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from charrnn.errors import TextError
from charrnn.text.corpus import Corpus, read, standard_library
from charrnn.text.normal_forms import compose

SYLLABLES = "".join(map(chr, range(0xAC00, 0xAC00 + 11_172)))

#: Hangul, Latin with and without accents, and accents by themselves.
accented = st.text(
    st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3)
    | st.characters(min_codepoint=0xC0, max_codepoint=0x24F)
    | st.characters(min_codepoint=0x1E00, max_codepoint=0x1EFF)
    | st.characters(min_codepoint=0x300, max_codepoint=0x345)
    | st.sampled_from("aeo .\n")
)


@pytest.fixture
def write(tmp_path):
    """Writes bytes to a file and gives its path."""

    def make(name, data):
        path = tmp_path / name
        path.write_bytes(data)
        return str(path)

    return make


def test_several_files_are_joined_in_the_order_given(write):
    one, two = write("one.txt", "früh ".encode()), write("two.txt", "spät\n".encode())
    corpus = read([two, one, two])
    assert corpus.text == "spät\nfrüh spät\n"
    assert corpus.name == "two.txt, one.txt, two.txt"
    assert corpus.files == (two, one, two)
    assert corpus.notices == ()


def test_the_files_are_told_by_their_absolute_paths(write, tmp_path, monkeypatch):
    write("poem.txt", b"a")
    monkeypatch.chdir(tmp_path)
    assert read(["poem.txt"]).files == (str(tmp_path.resolve() / "poem.txt"),)


def test_line_ends_are_kept_as_they_are(write):
    assert read([write("dos.txt", b"a\r\nb\rc\n")]).text == "a\r\nb\rc\n"


@pytest.mark.parametrize(
    ("mark", "encoding", "others"),
    [
        (codecs.BOM_UTF8, "utf-8", ["utf8", "U8"]),
        (codecs.BOM_UTF16_LE, "utf-16-le", ["utf-16", "utf16"]),
        (codecs.BOM_UTF16_BE, "utf-16-be", ["utf-16"]),
        (codecs.BOM_UTF32_LE, "utf-32-le", ["UTF-32"]),
        (codecs.BOM_UTF32_BE, "utf-32-be", ["utf_32"]),
    ],
)
def test_a_byte_order_mark_is_believed_left_out_and_noticed(mark, encoding, others, write):
    path = write("marked.txt", mark + "süß 😀\n".encode(encoding))
    for named in (None, encoding, *others):
        corpus = read([path], named)
        assert corpus.text == "süß 😀\n"
        assert corpus.notices == (f"{path}: left out the byte-order mark, read as {encoding}",)


def test_the_place_of_a_bad_byte_counts_the_mark(write):
    path = write("marked.txt", codecs.BOM_UTF8 + b"abc\xffd")
    with pytest.raises(TextError, match=r"at byte 6 \(ff 64\)"):
        read([path])


def test_a_name_that_no_system_can_open_is_an_error_of_the_text(tmp_path):
    with pytest.raises(TextError, match="aaa: "):
        read([str(tmp_path / (300 * "a"))])


def test_only_files_with_a_mark_are_noticed(write):
    plain, marked = write("plain", b"a"), write("marked", codecs.BOM_UTF16_LE + b"b\0")
    corpus = read([plain, marked, plain])
    assert corpus.text == "aba"
    assert len(corpus.notices) == 1
    assert corpus.notices[0].startswith(marked)


def test_a_mark_of_another_encoding_than_the_one_named_is_text(write):
    corpus = read([write("odd", codecs.BOM_UTF8 + b"a")], "latin-1")
    assert corpus.text == "ï»¿a"
    assert corpus.notices == ()


def test_a_mark_inside_of_a_file_is_text(write):
    assert read([write("odd", b"a" + codecs.BOM_UTF8)]).text == "a\ufeff"


def test_text_that_is_not_utf_8_is_refused_with_the_file_the_place_and_the_remedy(write):
    good, bad = write("good.txt", b"fine"), write("bad.txt", 1234 * b"x" + b"\xe9\xff and more")
    with pytest.raises(TextError) as caught:
        read([good, bad])
    message = str(caught.value)
    assert message.startswith(f"{bad}: not utf-8 at byte 1,234 (e9 ff 20 61)")
    assert "--encoding latin-1" in message


def test_the_encoding_that_was_named_is_said_where_it_does_not_fit(write):
    with pytest.raises(TextError, match="not ascii at byte 2 "):
        read([write("bad.txt", b"ab\xc3\xa4")], "ascii")


def test_another_encoding_can_be_named(write):
    assert read([write("old.txt", b"caf\xe9")], "latin-1").text == "café"


@pytest.mark.parametrize("encoding", ["utf-9", "hex"])
def test_an_unknown_encoding_is_refused_with_some_that_are_known(encoding, write):
    with pytest.raises(TextError, match=f"no encoding named '{encoding}', try utf-8"):
        read([write("a.txt", b"a")], encoding)


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_directory_is_refused_with_a_hint(slash, tmp_path):
    expected = f"{tmp_path}{slash} is a directory: name the files in it, as in {tmp_path}/*"
    with pytest.raises(TextError, match=f"^{re.escape(expected)}$"):
        read([f"{tmp_path}{slash}"])


def test_a_missing_file_is_refused_by_name(tmp_path):
    path = str(tmp_path / "nowhere.txt")
    with pytest.raises(TextError, match=f"^{re.escape(path)}: ") as caught:
        read([path])
    assert isinstance(caught.value.__cause__, FileNotFoundError)


def test_a_file_in_place_of_a_folder_is_refused_by_name(write):
    path = write("file.txt", b"a") + "/inner.txt"
    with pytest.raises(TextError, match=f"^{re.escape(path)}: "):
        read([path])


def test_stdin_is_read_as_bytes(write, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("ä\r\n".encode()), "ascii"))
    corpus = read([write("a.txt", b"a"), "-"])
    assert corpus.text == "aä\r\n"
    assert corpus.name == "a.txt, stdin"
    assert corpus.files[1] == "-"


def test_stdin_that_cannot_be_decoded_is_named(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\xff")))
    with pytest.raises(TextError, match=r"^-: not utf-8 at byte 0 "):
        read(["-"])


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (None, "e\u0301é\ufb01"),
        ("nfc", "éé\ufb01"),
        ("nfd", 2 * "e\u0301" + "\ufb01"),
        ("nfkc", "ééfi"),
    ],
)
def test_a_text_is_brought_into_the_normal_form_asked_for(form, expected, write):
    path = write("mixed.txt", "e\u0301é\ufb01".encode())
    assert read([path], normalize=form).text == expected


def test_the_normal_form_is_that_of_the_joined_text(write):
    paths = [write("base", b"e"), write("accent", "\u0301".encode())]
    assert read(paths, normalize="nfc").text == "é"


def test_nfd_writes_all_syllables_of_hangul_in_67_letters(write):
    path = write("hangul.txt", SYLLABLES.encode())
    assert len(set(read([path]).text)) == 11_172
    assert len(set(read([path], normalize="nfd").text)) == 67


def test_all_syllables_of_hangul_are_composed_again():
    assert list(compose(unicodedata.normalize("NFD", SYLLABLES))) == list(SYLLABLES)


@given(accented)
@example("")
@example("\u0301e\u0301")  # a mark without a letter
@example("각\u11a8")  # a final consonant too many
@example("ǖa\u0323\u0302")
@example("a\u0321\u0301")  # the second mark melts into the letter, past the first
def test_what_nfd_took_apart_is_put_together_again(text):
    apart = unicodedata.normalize("NFD", text)
    assert "".join(compose(apart)) == unicodedata.normalize("NFC", text)


def test_a_letter_is_handed_on_as_soon_as_the_next_one_begins():
    seen = []

    def characters():
        for character in "e\u0301\u1100\u1161\u11a8xy":
            seen.append(character)
            yield character

    pieces = compose(characters())
    assert next(pieces) == "é"
    assert seen == ["e", "\u0301", "\u1100"]
    assert next(pieces) == "각"
    assert seen[-1] == "x"
    assert list(islice(pieces, 3)) == ["x", "y"]


def test_the_hash_depends_on_the_text_alone():
    corpus = Corpus("a name", [["grün"]], None, ("/a/file",), ("a notice",))
    assert corpus.sha256 == Corpus("another", [["gr"], ["", "ün"]]).sha256
    assert corpus.sha256 != Corpus("a name", [["gruen"]], None, ("/a/file",), ("a notice",)).sha256


def test_the_hash_is_that_of_the_file_in_utf_8(write):
    data = "grün 😀\r\n".encode()
    assert read([write("a.txt", data)]).sha256 == hashlib.sha256(data).hexdigest()


def test_a_text_with_lone_surrogates_has_a_hash_of_its_own():
    assert len({Corpus.of(text).sha256 for text in ("\ud800", "\udc00", "?", "")}) == 4


def test_the_standard_library_is_sizeable_and_the_same_twice():
    corpus = standard_library()
    assert len(corpus.text) > 2_000_000
    assert "\nimport " in corpus.text
    assert "Python" in corpus.name
    assert corpus.files == ()
    assert standard_library().sha256 == corpus.sha256


def test_the_standard_library_is_normalized_as_asked():
    plain, apart = standard_library(), standard_library("nfd")
    assert apart.text == unicodedata.normalize("NFD", plain.text) != plain.text
