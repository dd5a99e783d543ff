import codecs
import hashlib
import io
import os
import re
import tempfile
import tracemalloc
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.errors import TextError
from charrnn.text import sources, storage
from charrnn.text.corpus import Corpus, read, read_again, standard_library
from charrnn.text.decoding import Decoding
from charrnn.text.held_out import Division
from charrnn.text.normal_forms import NORMAL_FORMS, normalized
from charrnn.text.vocabulary import Vocabulary
from charrnn.training.run import describe

SYLLABLES = "".join(map(chr, range(0xAC00, 0xAC00 + 11_172)))


def test_several_files_are_joined_in_the_order_given(write):
    one, two = write("one.txt", "früh ".encode()), write("two.txt", "spät\n".encode())
    corpus = read([two, one, two])
    assert corpus.text == "spät\nfrüh \nspät\n"
    assert corpus.name == "two.txt, one.txt, two.txt"
    assert corpus.files == (two, one, two)
    assert corpus.notices == ("added a newline between files: 1 file ended without one",)


def test_files_have_absolute_paths(write, tmp_path, monkeypatch):
    write("poem.txt", b"a")
    monkeypatch.chdir(tmp_path)
    assert read(["poem.txt"]).files == (str(tmp_path.resolve() / "poem.txt"),)


def test_line_ends_are_kept_on_request(write):
    path = write("dos.txt", b"a\r\nb\rc\n")
    assert read([path], Decoding(newlines="keep")).text == "a\r\nb\rc\n"
    assert read([path]).text == "a\nb\nc\n"


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
def test_a_byte_order_mark_sets_the_encoding_and_is_left_out_with_a_notice(
    mark, encoding, others, write
):
    path = write("marked.txt", mark + "süß 😀\n".encode(encoding))
    for named in (None, encoding, *others):
        corpus = read([path], Decoding(named))
        assert corpus.text == "süß 😀\n"
        assert corpus.notices == (f"{path}: left out the byte-order mark, read as {encoding}",)


def test_the_position_of_a_bad_byte_counts_the_mark(write):
    path = write("marked.txt", codecs.BOM_UTF8 + b"abc\xffd")
    with pytest.raises(TextError, match=r"at byte 6 \(ff 64\)"):
        read([path])


def test_a_name_that_no_system_can_open_is_an_error_of_the_text(tmp_path):
    with pytest.raises(TextError, match="aaa: "):
        read([str(tmp_path / (300 * "a"))])


def test_only_files_with_a_mark_get_a_notice(write):
    plain, marked = write("plain", b"a"), write("marked", codecs.BOM_UTF16_LE + b"b\0")
    corpus = read([plain, marked, plain])
    assert corpus.text == "a\nb\na"
    assert len(corpus.notices) == 2
    assert corpus.notices[0].startswith(marked)


def test_a_mark_of_another_encoding_than_the_one_named_is_text(write):
    corpus = read([write("odd", codecs.BOM_UTF8 + b"a")], Decoding("latin-1"))
    assert corpus.text == "ï»¿a"
    assert corpus.notices == ()


def test_a_mark_inside_of_a_file_is_text(write):
    assert read([write("odd", b"a" + codecs.BOM_UTF8)]).text == "a\ufeff"


def test_text_that_is_not_utf_8_is_refused_with_the_file_the_position_and_the_remedy(write):
    good, bad = write("good.txt", b"fine"), write("bad.txt", 1234 * b"x" + b"\xe9\xff and more")
    with pytest.raises(TextError) as caught:
        read([good, bad])
    message = str(caught.value)
    assert message.startswith(f"{bad}: not utf-8 at byte 1,234 (e9 ff 20 61)")
    assert ": name its encoding: --encoding " in message


def test_the_error_names_the_given_encoding_if_it_does_not_fit(write):
    with pytest.raises(TextError, match="not ascii at byte 2 "):
        read([write("bad.txt", b"ab\xc3\xa4")], Decoding("ascii"))


def test_another_encoding_can_be_named(write):
    assert read([write("old.txt", b"caf\xe9")], Decoding("latin-1")).text == "café"


@pytest.mark.parametrize("encoding", ["utf-9", "hex"])
def test_an_unknown_encoding_is_refused_with_some_that_are_known(encoding, write):
    with pytest.raises(TextError, match=f"no encoding named '{encoding}', try utf-8"):
        read([write("a.txt", b"a")], Decoding(encoding))


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_folder_is_refused_where_a_file_is_needed(slash, tmp_path):
    expected = f"{tmp_path}{slash}: is a folder: name a file"
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
    assert corpus.text == "a\nä\n"
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
def test_a_text_is_normalized_on_request(form, expected, write):
    path = write("mixed.txt", "e\u0301é\ufb01".encode())
    assert read([path], normalize=form).text == expected


def test_the_normal_form_is_that_of_the_joined_bytes_and_of_each_text(write):
    paths = [write("base", b"e"), write("accent", "\u0301".encode())]
    assert read(paths, normalize="nfc").text == "e\n\u0301"
    pieces = Corpus("text", [["e"], ["\u0301"]], "nfc")
    assert pieces.text == "é"


def test_nfd_writes_all_syllables_of_hangul_in_67_letters(write):
    path = write("hangul.txt", SYLLABLES.encode())
    assert len(set(read([path]).text)) == 11_172
    assert len(set(read([path], normalize="nfd").text)) == 67


def test_the_hash_depends_on_the_text_alone():
    corpus = Corpus("a name", [["grün"]], None, ("/a/file",), ("a notice",))
    assert corpus.sha256 == Corpus("another", [["gr"], ["", "ün"]]).sha256
    assert corpus.sha256 != Corpus("a name", [["gruen"]], None, ("/a/file",), ("a notice",)).sha256


def test_the_hash_is_that_of_the_file_in_utf_8(write):
    data = "grün 😀\n".encode()
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


def test_the_standard_library_is_normalized_on_request():
    plain, apart = standard_library(), standard_library("nfd")
    assert apart.text == unicodedata.normalize("NFD", plain.text) != plain.text


@pytest.fixture
def in_tiny_pieces(monkeypatch):
    monkeypatch.setattr(sources, "BLOCK_BYTES", 3)


@pytest.mark.parametrize("form", [None, *NORMAL_FORMS])
def test_in_tiny_pieces_a_text_is_the_same(form, write, monkeypatch):
    text = "Süße e\u0301\u0323 각\r\nnaïve ﬁ 漢字\u0301 😀\n" * 3
    paths = [write("a.txt", text.encode()), write("b.txt", "\u0301\r".encode())]
    expected = text.replace("\r\n", "\n") + "\u0301\n"
    whole = read(paths, normalize=form)
    for block in range(1, 12):
        monkeypatch.setattr(sources, "BLOCK_BYTES", block)
        corpus = read(paths, normalize=form)
        assert corpus.text == whole.text == normalized(expected, form)
        assert corpus.length == len(whole.text)
        assert corpus.characters == "".join(sorted(set(whole.text)))
        assert corpus.sha256 == hashlib.sha256(whole.text.encode()).hexdigest()
        vocabulary = Vocabulary(corpus.characters)
        assert vocabulary.decode(corpus.encode(vocabulary)) == whole.text


@given(st.lists(st.text(st.characters() | st.characters(categories=["Cs"]) | st.just("a"))))
def test_a_corpus_in_pieces_has_the_same_characters_and_indices_as_the_whole(pieces):
    text = "".join(pieces)
    corpus = Corpus("name", [pieces[:2], pieces[2:]])
    assert corpus.text == text
    assert corpus.length == len(text)
    assert corpus.characters == "".join(sorted(set(text)))
    assert corpus.sha256 == hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    vocabulary = Vocabulary.of(text)
    np.testing.assert_array_equal(corpus.encode(vocabulary), vocabulary.encode(text))


def test_a_position_beyond_the_first_pieces_is_exact(write, in_tiny_pieces):
    path = write("bad.txt", codecs.BOM_UTF8 + "süß".encode() + b"\xe2\x82")
    with pytest.raises(TextError, match=r"bad\.txt: not utf-8 at byte 8 \(e2 82\)"):
        read([path])


def test_a_file_that_can_be_read_only_once_is_listed_like_stdin(
    monkeypatch, in_tiny_pieces, tmp_path
):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"abcabc")))
    corpus = read(["-"])
    assert corpus.encode(Vocabulary("abc")).tolist() == [0, 1, 2, 0, 1, 2]
    assert corpus.files == ("-",)


def test_a_large_text_is_in_a_file_as_long_as_it_is_used(write, monkeypatch, tmp_path):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.setattr(storage, "IN_MEMORY", 10)
    corpus = read([write("a.txt", b"abc" * 100)])
    indices = corpus.encode(Vocabulary("abc"))
    assert isinstance(indices, np.memmap)
    assert indices.tolist() == [0, 1, 2] * 100
    assert Path(indices.filename).parent == tmp_path / "temporary"
    del indices
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_file_that_changes_before_it_is_encoded_is_refused(write):
    path = write("log.txt", b"abc")
    corpus = read([path])
    write("log.txt", b"abcd")
    with pytest.raises(TextError, match=r"log\.txt: changed while it was read"):
        corpus.encode(Vocabulary("abcd"))


# Like another program that writes as many bytes and sets the time of the file back.
@pytest.mark.parametrize("changed", ["xbc", "é ", "漢", "abcd", "ab"])
def test_a_change_without_a_sign_is_refused_when_it_is_noticed(changed):
    source = ["abc"]
    corpus = Corpus("log.txt", [source])
    source[0] = changed
    with pytest.raises(TextError, match=r"^log\.txt: changed while it was read: try again"):
        corpus.encode(Vocabulary("abc"))


def test_a_text_that_changed_since_it_was_hashed_is_refused():
    source = ["abc"]
    corpus = Corpus("log.txt", [source])
    assert corpus.sha256 == hashlib.sha256(b"abc").hexdigest()
    source[0] = "cab"
    with pytest.raises(TextError, match="changed"):
        corpus.encode(Vocabulary("abc"))


def test_a_file_that_was_rewritten_and_set_back_is_encoded_as_it_is_hashed(write):
    path = write("log.txt", b"abcabc")
    corpus = read([path])
    before = os.stat(path)
    with open(path, "r+b") as file:
        file.write(b"cba")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    encoded = corpus.encode(Vocabulary("abc"))
    assert encoded.tolist() == [2, 1, 0, 0, 1, 2]
    assert corpus.sha256 == hashlib.sha256(b"cbaabc").hexdigest()


def test_the_text_of_a_checkpoint_is_read_with_the_same_settings(write):
    path = write("odd.bin", b"\xff\0\xe9")
    how = Decoding(binary=True)
    described = describe(read([path], how), None, Division(0))
    assert described.decoding == how
    assert read_again(described).text == "\xff\0é"
    how = Decoding("ascii", "replace")
    described = describe(read([write("odd.txt", b"a\xe9")], how), None, Division(0))
    assert described.decoding == how
    assert read_again(described).text == "a\ufffd"


def test_reading_takes_no_more_memory_for_a_longer_text(write):
    peaks = []
    for size in (10**6, 10**7):
        corpus = read([write("a.txt", b"one line of text\n" * (size // 17))])
        tracemalloc.start()
        sum(map(len, corpus.pieces()))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0]


def test_the_name_of_a_text_of_many_files_has_the_first_ones(write):
    paths = [write(f"{number}.txt", b"text") for number in range(1_007)]
    assert read(paths[:5]).name == "0.txt, 1.txt, 2.txt, 3.txt, 4.txt"
    assert read(paths).name == "1,007 files: 0.txt, 1.txt, …"


def test_a_text_is_read_again_only_where_a_normal_form_may_help(write):
    vocabulary, readings = Vocabulary("caf\u00e9 \n"), []
    for name, text in (("emoji.txt", "caf\u00e9 \U0001f600\n"), ("nfd.txt", "cafe\u0301\n")):
        path = write(name, text.encode())
        sizes = []
        corpus = read([path], progress=sizes.append)
        before = sum(sizes)
        corpus.fit(vocabulary)
        readings.append(sum(sizes) // before)
    assert readings[0] == 1
    assert readings[1] > 1
    assert corpus.text == "caf\u00e9\n"
