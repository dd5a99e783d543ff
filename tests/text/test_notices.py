"""Messages about what reading did to a text."""

import codecs
import os
import subprocess

import pytest

from charrnn.text.corpus import Corpus, read, read_again
from charrnn.text.decoding import Decoding
from charrnn.text.held_out import Division
from charrnn.training.run import describe

IGNORE, REPLACE = Decoding(errors="ignore"), Decoding(errors="replace")


def notices(*paths, how=None):
    """The notices about files, with the names of the files alone."""
    corpus = read(paths, how or Decoding())
    folder = os.path.dirname(paths[0]) + os.sep
    return [line.replace(folder, "") for line in corpus.notices]


def test_a_clean_text_has_no_notice(write):
    assert notices(write("a.txt", "süß “fine” 漢字\n".encode()), write("b.txt", b"b\n")) == []


def test_invalid_bytes_and_nuls_are_counted_by_file(write):
    paths = [
        write("a.txt", b"clean\n"),
        write("b.txt", b"caf\xe9 caf\xe9\n"),
        write("c.txt", b"x\0y\n"),
        write("d.txt", b"\0\xe9\0\n"),
    ]
    assert notices(*paths, how=IGNORE) == [
        "b.txt: left out 2 bytes that are not utf-8",
        "c.txt: left out 1 NUL",
        "d.txt: left out 1 byte that is not utf-8 and 2 NULs",
    ]
    assert notices(*paths, how=REPLACE)[0] == "b.txt: replaced 2 bytes that are not utf-8 by U+FFFD"
    assert read(paths[1:3], IGNORE).text == "caf caf\nxy\n"
    assert read(paths[1:3], REPLACE).text == "caf\ufffd caf\ufffd\nx\ufffdy\n"


def test_many_files_with_invalid_bytes_have_one_notice(write):
    paths = [write(f"{n}.txt", b"\xe9\n") for n in range(7)]
    assert notices(*paths, how=IGNORE) == [
        "7 files: 0.txt, 1.txt, …: left out 7 bytes that are not utf-8"
    ]


def test_valid_replacement_characters_are_not_counted(write):
    assert notices(write("a.txt", "\ufffd\n".encode()), how=REPLACE) == []


def test_line_ends_that_became_newlines_are_counted(write):
    dos, mac = write("dos.txt", b"a\r\nb\r\n"), write("mac.txt", b"a\rb\rc\r")
    plain, twice = write("plain.txt", b"a\nb\n"), write("twice.txt", b"a\r\r\nb\n")
    remedy = r"became \n: train with --newlines keep to leave them"
    assert notices(dos) == [rf"dos.txt: line ends 2 \r\n {remedy}"]
    assert notices(plain, dos, mac) == [rf"dos.txt, mac.txt: line ends 2 \r\n and 3 \r {remedy}"]
    assert notices(twice) == [rf"twice.txt: line ends 1 \r\r\n {remedy}"]
    assert read([dos, mac, twice]).text == "a\nb\na\nb\nc\na\nb\n"


def test_line_ends_that_are_kept_are_mentioned_where_they_are_mixed(write):
    keep = Decoding(newlines="keep")
    dos, mixed = write("dos.txt", b"a\r\nb\r\n"), write("mixed.txt", b"a\r\nb\n")
    assert notices(dos, how=keep) == []
    (said,) = notices(mixed, how=keep)
    assert said.startswith(r"mixed.txt: mixed line ends, 1 \r\n in addition to \n: ")
    assert read([mixed], keep).text == "a\r\nb\n"
    assert notices(mixed, how=Decoding(binary=True)) == []


def test_a_text_in_memory_has_the_same_line_ends():
    corpus = Corpus.of("a\r\nb\r\n")
    assert corpus.text == "a\nb\n"
    assert corpus.notices[0].startswith(r"text: line ends 2 \r\n became \n")
    kept = Corpus.of("a\r\nb\r\n", decoding=Decoding(newlines="keep"))
    assert (kept.text, kept.notices) == ("a\r\nb\r\n", ())


def test_files_without_a_newline_at_the_end_get_one_between_them(write):
    paths = [write(f"{name}.txt", name.encode()) for name in ("anna", "bert", "carl")]
    assert read(paths).text == "anna\nbert\ncarl"
    assert notices(*paths) == ["added a newline between files: 2 files ended without one"]
    assert read([paths[0], write("d.txt", b""), paths[1]]).text == "anna\nbert"
    assert read([write("e.txt", b"e\n"), paths[0]]).notices == ()
    assert read(paths, Decoding(binary=True)).text == "annabertcarl"


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n"])
def test_the_newline_between_files_is_like_the_others(end, write):
    one, two = write("one.txt", f"a{end}b".encode()), write("two.txt", f"c{end}".encode())
    keep = Decoding(newlines="keep")
    assert read([one, two], keep).text == f"a{end}b{end}c{end}"
    assert read([two, two], keep).text == f"c{end}c{end}"


def test_marks_of_many_files_have_one_notice(write):
    paths = [write(f"{n}.txt", codecs.BOM_UTF8 + b"a\n") for n in range(9)]
    assert notices(*paths) == [
        "9 files: 0.txt, 1.txt, …: left out the byte-order mark, read as utf-8"
    ]


def test_marks_inside_of_the_text_are_counted_and_kept(write):
    path = write("cat.txt", (codecs.BOM_UTF8 + b"a\n") * 3)
    said = notices(path)
    assert said[1].startswith("2 byte-order marks (U+FEFF) inside of the text: name the files")
    assert read([path]).text == "a\n\ufeffa\n\ufeffa\n"


def test_control_characters_of_a_wrong_encoding_are_counted_with_the_remedy(write):
    path = write("q.txt", "it’s “fine”\n".encode("cp1252"))
    (said,) = notices(path, how=Decoding("latin-1"))
    assert said.startswith(r"3 control characters (\x92, \x93, \x94) in the text: ")
    assert said.endswith("try --encoding cp1252")
    assert notices(path, how=Decoding("cp1252")) == []
    assert notices(path, how=Decoding(binary=True)) == []


@pytest.mark.skipif(os.name != "posix", reason="commands of a shell")
def test_a_text_that_was_converted_wrongly_is_converted_again_as_it_is_said(write, tmp_path):
    path = write("q.txt", "it’s café\n".encode("cp1252").decode("latin-1").encode())
    (said,) = read([path]).notices
    assert said.startswith(r"1 control character (\x92) in the text: ")
    command = said.split("`")[1]
    subprocess.run(["sh", "-c", command], check=True, timeout=60)
    assert read([str(tmp_path / "q-cp1252.txt")], Decoding("cp1252")).text == "it’s café\n"
    path = write("q.txt", "it\x92s 漢字\n".encode())
    (said,) = notices(path)
    assert "iconv" not in said


def test_what_was_done_to_a_text_is_done_again(write):
    paths = [write("a.txt", b"caf\xe9\r\nno"), write("b.txt", b"ir\0\r\n")]
    how = Decoding(errors="ignore", newlines="lf")
    described = describe(read(paths, how), None, Division(0))
    assert described.newlines == "lf"
    assert read_again(described).text == "caf\nno\nir\n"
    kept = describe(read(paths, Decoding(errors="ignore", newlines="keep")), None, Division(0))
    assert read_again(kept).text == "caf\r\nno\r\nir\r\n"
