"""Unusual texts: bytes, other encodings, pipes, tiny texts."""

import codecs
import gzip
import io
import json
import os
import sys
from pathlib import Path

import pytest
from helpers.commands import QUICK

from charrnn import checkpoint
from charrnn.cli.sample import write

#: All bytes, many times.
BYTES = bytes(range(256)) * 20


@pytest.fixture
def of_bytes(run):
    """A checkpoint of a model of bytes."""
    Path("all.bin").write_bytes(BYTES)
    run("train", "all.bin", "--binary", *QUICK)


def test_bytes_are_trained_on_and_written_as_they_are(run, of_bytes):
    saved = checkpoint.read("charrnn.npz")
    assert saved.vocabulary.ix_to_char == "".join(map(chr, range(256)))
    result = run("sample", "--length", 300, "--seed", 1)
    assert len(result.stdout_bytes) == 300
    assert any(byte > 127 for byte in result.stdout_bytes)


def test_bytes_are_resumed_as_bytes(run, of_bytes):
    run("train", "--resume", "--steps", 14)
    assert checkpoint.read("charrnn.npz").run.step == 14


def test_a_new_run_of_old_weights_of_bytes_reads_bytes(run, of_bytes):
    Path("new.bin").write_bytes(b"\0\xff" * 500)
    run("train", "new.bin", "-c", "new.npz", "--init-from", "charrnn.npz", *QUICK[4:])
    assert checkpoint.read("new.npz").binary


def test_a_prime_of_bytes_is_read_and_written_as_bytes(run, of_bytes):
    prime = b"\xff\xfe\0\r\n\x80"
    Path("prime.bin").write_bytes(prime)
    result = run("sample", "--prime-file", "prime.bin", "--length", 5)
    assert result.stdout_bytes[:6] == prime
    assert len(result.stdout_bytes) == 11
    typed = run("sample", "--prime", "é\n", "--length", 0)
    assert typed.stdout_bytes == os.fsencode("é\n")


def test_a_stop_is_of_bytes_too(run, of_bytes):
    whole = run("sample", "--length", 100, "--seed", 2, "--json")
    text = json.loads(whole.stdout)["text"]
    stop = next(c for c in text[10:] if 0 < ord(c) < 128)
    stopped = run("sample", "--length", 100, "--seed", 2, "--stop", stop)
    assert stopped.stdout_bytes == text[: text.index(stop)].encode("latin-1")


def test_samples_of_bytes_have_a_separator_of_bytes(run, of_bytes):
    words = ["sample", "--length", 30, "--seed", 2, "--num-samples", 2]
    for separator, given in ((b"\n\n", []), ("é\n".encode(), ["--separator", r"é\n"])):
        written = run(*words, *given).stdout_bytes
        assert len(written) == 30 + len(separator) + 30
        assert written[30:-30] == separator


def test_a_text_for_a_model_of_bytes_is_read_as_bytes(run, of_bytes):
    result = json.loads(run("inspect", "--text", "all.bin", "--json").stdout)
    assert result["characters"] == len(BYTES)
    run("inspect", "--cell", 1, "--text", "all.bin")


@pytest.mark.parametrize("option", [["--encoding", "utf-8"], ["--encoding-errors", "ignore"]])
def test_a_byte_has_no_encoding(option, run, of_bytes):
    for words in (
        ["train", "all.bin", "--binary", "--overwrite"],
        ["sample", "--prime-file", "all.bin"],
        ["sample"],
        ["inspect", "--text", "all.bin"],
    ):
        assert "leave out --encoding" in run(*words, *option, code=2).stderr


def test_a_byte_has_no_normal_form_and_is_in_a_file(run):
    words = ["train", "--binary", *QUICK]
    assert "exclude" in run(*words, "text.txt", "--normalize", "nfc", code=2).stderr
    assert "--binary needs a TEXT" in run(*words, code=2).stderr


class Terminal(io.TextIOWrapper):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("text", "binary", "raw", "expected"),
    [
        ("a\x1bé\x9b", True, False, rb"a\x1b\xe9\x9b"),
        ("a\x1bé\x9b", True, True, b"a\x1b\xe9\x9b"),
        ("a\x1bé\x9b", False, False, "a\\x1bé\\x9b".encode()),
        ("a\x1bé\x9b", False, True, "a\x1bé\x9b".encode()),
        ("cafÃ© Ã", True, False, "café \\xc3".encode()),
        ("cafÃ© Ã", False, False, "cafÃ© Ã".encode()),
    ],
)
def test_a_terminal_gets_no_byte_that_it_would_obey_unless_asked(
    text, binary, raw, expected, monkeypatch
):
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", Terminal(written, "utf-8", newline=""))
    write(text, binary=binary, raw=raw)
    sys.stdout.flush()
    assert written.getvalue() == expected


def test_invalid_bytes_are_replaced_or_ignored_on_request(run):
    Path("bad.txt").write_bytes(b"caf\xe9 caf\xe9, noir\n" * 60)
    for errors, length in (("replace", 16), ("ignore", 14)):
        run("train", "bad.txt", *QUICK, "--overwrite", "--encoding-errors", errors)
        saved = checkpoint.read("charrnn.npz")
        assert saved.corpus.errors == errors
        assert ("\ufffd" in saved.vocabulary.ix_to_char) == (errors == "replace")
        run("train", "--resume", "--steps", 14)
        words = ["--encoding-errors", errors]
        result = json.loads(run("inspect", "--text", "bad.txt", "--json", *words).stdout)
        assert result["characters"] == 60 * length
        Path("prime.txt").write_bytes(b"caf\xe9 ")
        prime = run("sample", "--prime-file", "prime.txt", "--length", 0, *words).stdout
        assert prime == ("caf\ufffd \n" if errors == "replace" else "caf \n")
        assert "not utf-8 at byte 3" in run("sample", "--prime-file", "prime.txt", code=1).stderr
        assert "not utf-8 at byte 3" in run("inspect", "--text", "bad.txt", code=1).stderr


def test_a_byte_order_mark_is_left_out_and_said(run):
    Path("marked.txt").write_bytes(codecs.BOM_UTF16_LE + ("grün\n" * 99).encode("utf-16-le"))
    result = run("train", "marked.txt", *QUICK)
    assert "left out the byte-order mark, read as utf-16-le" in result.stderr
    assert "\ufeff" not in checkpoint.read("charrnn.npz").vocabulary.ix_to_char


def test_line_ends_of_other_systems_become_newlines_and_are_said(run):
    text = b"one\r\ntwo\rthree\n"
    Path("dos.txt").write_bytes(text * 30)
    result = run("train", "dos.txt", *QUICK)
    assert r"dos.txt: line ends 30 \r\n and 30 \r became \n" in result.stderr
    assert "\r" not in checkpoint.read("charrnn.npz").vocabulary.ix_to_char
    Path("prime.txt").write_bytes(text)
    result = run("sample", "--prime-file", "prime.txt", "--length", 0)
    assert result.stdout_bytes == b"one\ntwo\nthree\n\n"
    assert r"prime.txt: line ends 1 \r\n and 1 \r became \n" in result.stderr
    shown = run("inspect", "--text", "dos.txt", "--json")
    assert json.loads(shown.stdout)["characters"] == 30 * 14
    assert "left out" not in shown.stderr
    assert r"became \n" in run("train", "--resume", "--steps", 14).stderr


def test_line_ends_of_other_systems_are_kept_on_request(run):
    text = b"one\r\ntwo\rthree\n"
    Path("dos.txt").write_bytes(text * 30)
    run("train", "dos.txt", *QUICK, "--newlines", "keep")
    Path("prime.txt").write_bytes(text)
    assert run("sample", "--prime-file", "prime.txt", "--length", 0).stdout_bytes == text + b"\n"
    assert checkpoint.read("charrnn.npz").excerpt.count("\r\n") > 2
    shown = run("inspect", "--text", "dos.txt", "--json")
    assert json.loads(shown.stdout)["characters"] == 30 * len(text)
    run("train", "--resume", "--steps", 14)


def test_a_text_with_newlines_alone_has_no_more_to_say(run):
    said = run("train", "text.txt", *QUICK).stderr.splitlines()
    assert said[0].startswith("text.txt: ")
    assert said[0].endswith("are held out")


def test_a_folder_is_read_and_resumed_with_the_files_it_had(run):
    words = Path("text.txt").read_bytes()
    for name in ("corp/a.txt", "corp/x/b.txt", "corp/.hidden"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(words[:2_000])
    Path("corp/c.txt.gz").write_bytes(gzip.compress(words[:2_000]))
    Path("corp/cat.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    result = run("train", "corp", *QUICK)
    assert "left out: 1 hidden, 1 not text (" in result.stderr
    saved = checkpoint.read("charrnn.npz").corpus
    assert saved.files == tuple(
        str(Path(name).resolve()) for name in ("corp/a.txt", "corp/c.txt.gz", "corp/x/b.txt")
    )
    assert saved.characters == 3 * 2_000 + (0 if words[1_999:2_000] == b"\n" else 2)
    Path("corp/aa.txt").write_bytes(words)
    run("train", "--resume", "--steps", 14)
    assert checkpoint.read("charrnn.npz").run.step == 14
    Path("corp/aa.txt").unlink()
    run("train", "--resume", "--steps", 16, "corp")
    assert "is a folder" in run("inspect", "--text", "corp", code=1).stderr


def test_a_folder_may_have_the_checkpoint_and_its_lock_in_it(run):
    run("train", ".", *QUICK)
    result = run("train", ".", *QUICK, "--overwrite")
    assert "left out: 1 not text (charrnn.npz)" in result.stderr
    assert checkpoint.read("charrnn.npz").corpus.name == "text.txt"
    assert "would be lost" in run("train", ".", *QUICK, "-c", "text.txt", code=2).stderr


def test_everything_in_a_folder_is_read_but_what_is_not_text(run):
    Path("corp").mkdir()
    Path("corp/a.txt").write_bytes(Path("text.txt").read_bytes())
    Path("cat.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    result = run("train", "cat.png", "corp", "text.txt", *QUICK)
    assert "left out: 1 not text (cat.png)" in result.stderr
    alone = run("train", "cat.png", *QUICK, "--overwrite", code=1).stderr
    assert "cat.png: is a PNG picture and no text" in alone


def test_a_pattern_in_quotes_is_expanded(run):
    Path("more.txt").write_bytes(b"more\n")
    run("train", "*.txt", *QUICK)
    assert checkpoint.read("charrnn.npz").corpus.name == "more.txt, text.txt"
    assert "no file matches" in run("train", "*.md", *QUICK, code=1).stderr


@pytest.mark.parametrize("name", ["-Bob.txt", "-cats.txt", "--resume.txt", "-h.txt"])
def test_a_file_whose_name_begins_with_a_dash_is_no_option(name, run):
    Path(name).write_bytes(Path("text.txt").read_bytes())
    refused = run("train", name, "text.txt", *QUICK, code=2).stderr
    assert f"name the file ./{name}, and all such files ./*.txt" in refused
    assert os.listdir() == ["text.txt", name] or os.listdir() == [name, "text.txt"]
    run("train", *QUICK, f"./{name}", "text.txt")
    run("train", *QUICK, "--overwrite", "--", name)
    assert checkpoint.read("charrnn.npz").corpus.name == name


def test_an_option_is_an_option_even_if_a_file_has_its_name(run):
    Path("-h").touch()
    assert "Usage" in run("train", "-h").stdout


def test_bytes_of_several_files_are_all_read(run, of_bytes):
    Path("one.bin").write_bytes(BYTES)
    Path("two.gz").write_bytes(gzip.compress(BYTES))
    new = ["-c", "new.npz", "--init-from", "charrnn.npz", *QUICK[4:]]
    assert "left out" not in run("train", "one.bin", "two.gz", *new).stderr
    assert len(checkpoint.read("new.npz").corpus.files) == 2


def test_losses_are_counted_by_file_wherever_a_text_is_read(run):
    text = Path("text.txt").read_bytes()
    names = [f"{name}.txt" for name in "abcd"]
    for name in names:
        Path(name).write_bytes(text[:900] + b"\n")
    Path("c.txt").write_bytes(b"caf\xe9 caf\xe9\0\n" * 10 + text[:900] + b"\n")
    ignore = ["--encoding-errors", "ignore"]
    said = "c.txt: left out 20 bytes that are not utf-8 and 10 NULs"
    assert said in run("train", *names, *QUICK, *ignore).stderr
    assert said in run("train", "--resume", "--steps", 14).stderr
    assert said in run("inspect", "--text", "c.txt", *ignore).stderr
    assert said in run("sample", "--prime-file", "c.txt", "--length", 1, *ignore).stderr


def test_a_text_from_a_pipe_says_at_once_and_at_the_end_that_it_has_to_be_a_file_next_time(run):
    result = run("train", "-", *QUICK, input=Path("text.txt").read_bytes())
    assert "from a pipe: to go on later, --resume needs a file" in result.stderr
    assert "charrnn train --resume --steps 24 TEXT\n" in result.stderr
    assert "TEXT" not in run("train", "text.txt", *QUICK, "--overwrite").stderr


@pytest.mark.parametrize("share", [None, 0, 0.001, 0.5, 0.999])
@pytest.mark.parametrize("length", [2, 3, 5, 99, 150, 1100])
def test_a_text_of_any_size_from_two_on_is_trained_on_with_any_share_held_out(share, length, run):
    Path("small.txt").write_text("to be or not\n" * 100)
    Path("small.txt").write_text(Path("small.txt").read_text()[:length])
    more = [] if share is None else ["--val-frac", share]
    result = run("train", "small.txt", "--hidden-size", 4, "--steps", 3, "--workers", 1, *more)
    saved = checkpoint.read("charrnn.npz")
    held_out = saved.corpus.held_out
    asked = length * (0.1 if share is None else share)
    assert held_out == 0 or held_out == pytest.approx(asked, abs=2)
    assert saved.settings.seq_length == min(32, length - held_out)
    if held_out == 0 and share != 0:
        assert "none held out" in result.stderr
    if (saved.settings.seq_length, saved.settings.batch_size) != (32, 32):
        assert "to fit the text: --batch-size" in result.stderr


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="devices by name")
def test_a_device_is_no_text_anywhere(run, trained):
    for words in (
        ["train", "/dev/zero", "--overwrite"],
        ["inspect", "--text", "/dev/zero"],
        ["sample", "--prime-file", "/dev/zero"],
    ):
        assert "/dev/zero: is a device and no text" in run(*words, code=1).stderr
