import json
import os
from dataclasses import replace
from math import log

import numpy as np
import pytest
from helpers.checkpoints import made
from helpers.commands import command, terminal

import charrnn
from charrnn import checkpoint
from charrnn.errors import Notice, SettingError

pytestmark = pytest.mark.usefixtures("trained")

LINES = ["Wick is well.\n", "\n", "The lamp was lit\tat dusk,\x1b ümlaut\n", "No newline"]


@pytest.fixture(autouse=True)
def lines(place):
    (place / "lines.txt").write_text("".join(LINES), encoding="utf-8")


def rows(run, *arguments):
    shown = run("inspect", "--text", "lines.txt", "--score", *arguments).stdout
    return [line.split("\t") for line in shown.splitlines()]


def records(run, *arguments):
    shown = run("inspect", "--text", "lines.txt", "--json", "--score", *arguments).stdout
    return [json.loads(line) for line in shown.splitlines()]


def test_a_line_has_number_characters_unknown_bits_bits_a_character_and_text(run):
    found = rows(run, "line")
    assert [row[:3] for row in found] == [
        ["1", "14", "0"],
        ["2", "1", "0"],
        ["3", "34", "3"],
        ["4", "10", "0"],
    ]
    assert [row[5] for row in found] == [
        "Wick is well.",
        "",
        r"The lamp was lit\tat dusk,\x1b ümlaut",
        "No newline",
    ]
    for _, characters, unknown, bits, bpc, _ in found:
        assert float(bpc) == pytest.approx(float(bits) / (int(characters) - int(unknown)), abs=1e-6)


@pytest.mark.parametrize("unit", ["line", "word", "char", "file"])
def test_json_has_what_a_row_has_and_the_whole_text(unit, run):
    found = records(run, unit)
    for row, record in zip(rows(run, unit), found, strict=True):
        values = [record[key] for key in ("characters", "unknown", "bits", "bpc")]
        values = [np.nan if value is None else value for value in values]
        assert [float(cell) for cell in row[1:5]] == pytest.approx(values, abs=1e-6, nan_ok=True)
        assert record["file"] == "lines.txt"
        assert row[0] == str(record.get("number", "lines.txt"))
    if unit != "file":
        assert "".join(record["text"] for record in found) == "".join(LINES)


def test_a_file_is_the_sum_of_its_carried_lines_words_and_characters(run):
    (whole,) = records(run, "file")
    for asked in (["line", "--carried"], ["word"], ["char"]):
        found = records(run, *asked)
        for key in ("characters", "unknown", "bits"):
            assert sum(record[key] for record in found) == pytest.approx(whole[key], abs=1e-3)


def test_a_sample_has_the_score_of_its_log_probabilities(run, place):
    asked = ["--json", "--length", 300, "--num-samples", 3, "--seed", 1, "--temp", 0.7]
    samples = [json.loads(line) for line in run("sample", *asked).stdout.splitlines()]
    texts, expected = [], []
    for number, sample in enumerate(samples):
        (place / f"{number}.txt").write_text(sample["text"], encoding="utf-8", newline="")
        texts += ["--text", f"{number}.txt"]
        expected.append(-sum(sample["log_probs"]) / log(2))
    shown = run("inspect", *texts, "--score", "file", "--json").stdout
    found = [json.loads(line)["bits"] for line in shown.splitlines()]
    assert found == pytest.approx(expected, rel=1e-4)
    model = charrnn.load("charrnn.npz")
    assert model.score([sample["text"] for sample in samples]) == pytest.approx(found, rel=1e-4)


def test_python_scores_as_the_command_does(run):
    with pytest.warns(Notice, match="3 characters that the model has not seen cost nothing"):
        scores = charrnn.load("charrnn.npz").score(LINES)
    assert scores == pytest.approx([record["bits"] for record in records(run, "line")], rel=1e-4)
    assert scores.dtype == np.float64


def test_python_wants_a_list():
    model = charrnn.load("charrnn.npz")
    assert model.score([]).shape == (0,)
    assert model.score([""]) == [0]
    with pytest.raises(SettingError, match=r"write \[text\]"):
        model.score("a text")


def test_unknown_characters_are_said_once_at_the_end(run):
    said = run("inspect", "--text", "lines.txt", "--score", "char").stderr
    assert said.count("\n") == 1
    assert "3 characters that the model has not seen cost nothing" in said
    assert r"('\t' '\x1b' 'ü'): do not compare" in said
    assert run("inspect", "--score", "word").stderr == ""


def test_a_row_of_unknown_characters_alone_has_no_bits_a_character(run, place):
    (place / "lines.txt").write_text("ü", encoding="utf-8")
    assert rows(run, "line") == [["1", "1", "1", "0.000000", "nan", "ü"]]
    (record,) = records(run, "line")
    assert record["bpc"] is None


def test_several_files_name_their_rows(run):
    asked = ["inspect", "--text", "lines.txt", "--text", "text.txt", "--score"]
    names = [line.split("\t")[0] for line in run(*asked, "file").stdout.splitlines()]
    assert names == ["lines.txt", "text.txt"]
    names = [line.split("\t")[0] for line in run(*asked, "line").stdout.splitlines()]
    assert names[3:6] == ["lines.txt:4", "text.txt:1", "text.txt:2"]


def test_each_file_begins_as_a_text_does(run):
    asked = ["inspect", "--text", "lines.txt", "--text", "lines.txt", "--score", "word", "--json"]
    found = [json.loads(line)["bits"] for line in run(*asked).stdout.splitlines()]
    assert found[: len(found) // 2] == found[len(found) // 2 :]


def test_without_a_text_the_excerpt_is_scored(run, example):
    (record,) = [
        json.loads(line) for line in run("inspect", "--score", "file", "--json").stdout.splitlines()
    ]
    assert record["file"] == "the held-out excerpt"
    assert record["characters"] == len(example.excerpt)


def test_two_checkpoints_have_both_bits_and_their_difference(run, example):
    checkpoint.save(
        "last.npz", replace(example, best={**example.best, "by": example.best["by"] * 2})
    )
    alone = [records(run, "line", "-c", name) for name in ("charrnn.npz", "last.npz")]
    asked = ["line", "-c", "charrnn.npz", "-c", "last.npz"]
    for record, row, one, two in zip(records(run, *asked), rows(run, *asked), *alone, strict=True):
        assert record["bits"] == pytest.approx([one["bits"], two["bits"]])
        assert record["bpc"] == pytest.approx([one["bpc"], two["bpc"]])
        assert record["difference"] == pytest.approx(one["bits"] - two["bits"], abs=1e-5)
        assert [float(cell) for cell in row[1:9]] == pytest.approx(
            [
                record["characters"],
                *(record[key][0] for key in ("unknown", "bits", "bpc")),
                *(record[key][1] for key in ("unknown", "bits", "bpc")),
                record["difference"],
            ],
            abs=1e-6,
        )


def test_two_models_that_read_texts_differently_are_refused(run, example):
    info = replace(example.corpus, normalize="nfc")
    checkpoint.save("nfc.npz", replace(example, corpus=info))
    result = run(
        "inspect",
        "-c",
        "nfc.npz",
        "-c",
        "charrnn.npz",
        "--score",
        "line",
        "--text",
        "lines.txt",
        code=2,
    )
    assert "--normalize of their trainings differs" in result.stderr


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["--score", "line", "--find"], "--score and --find exclude one another"),
        (["--score", "line", "--cell", "0"], "--score and --cell exclude one another"),
        (["--score", "line", "--plot", "a.png"], "--score and --plot exclude one another"),
        (["--score", "line", "--seed", "1"], "--score and --seed exclude one another"),
        (["--score", "line", "--color"], "--score and --color exclude one another"),
        (["--score", "line", "--feature", "x"], "--score and --feature exclude one another"),
        (["--text", "a", "--text", "b"], "--text: only --score takes several"),
        (["-c", "a", "-c", "b"], "-c: only --score takes several"),
        (["-c", "a", "-c", "b", "--score", "file"], "add --text FILE"),
        (["-c", "a", "-c", "b", "-c", "c", "--score", "file"], "name one or two"),
        (["--score", "file", "--text", "-", "--text", "-"], "stdin"),
        (["--score", "sentence"], "not one of"),
    ],
)
def test_options_that_do_not_go_together(wrong, said, run):
    assert said in run("inspect", *wrong, code=2).stderr


def test_a_text_that_is_not_there_ends_the_command_before_a_row(run):
    asked = ["inspect", "--score", "line", "--text", "lines.txt", "--text", "none.txt"]
    result = run(*asked, code=1)
    assert result.stdout == ""
    assert "none.txt: No such file" in result.stderr


def test_an_empty_text_has_no_lines_and_says_so(run, place):
    (place / "lines.txt").write_text("")
    result = run("inspect", "--score", "line", "--text", "lines.txt")
    assert result.stdout == ""
    assert "lines.txt: an empty text: nothing to score" in result.stderr
    assert rows(run, "file") == [["lines.txt", "0", "0", "0.000000", "nan"]]


def test_bytes_are_scored_as_bytes_and_shown_as_text(run, place):
    (place / "bytes.txt").write_bytes("à la\xa0mer\n".encode() * 300)
    run("train", "bytes.txt", "--binary", "-c", "bytes.npz", "--steps", 2, "--hidden-size", 4)
    shown = run("inspect", "-c", "bytes.npz", "--text", "bytes.txt", "--score", "word").stdout
    first, second, *_ = (line.split("\t") for line in shown.splitlines())
    assert (first[1], first[5], second[1], second[5]) == ("3", "à", "8", "la\xa0mer")
    table = run("sample", "-c", "bytes.npz", "--next", 100).stdout.splitlines()
    assert {r"\xc3", r"\n", "l"} < {line.split("\t")[0] for line in table}


def test_the_environment_names_one_checkpoint(run, example):
    os.mkdir("a:b")
    checkpoint.save("a:b/c d.npz", example)
    os.remove("charrnn.npz")
    assert run("inspect", "--score", "file", env={"CHARRNN_CHECKPOINT": "a:b/c d.npz"}).stdout


def test_a_model_without_newlines_counts_them_as_unknown(run, place):
    checkpoint.save("small.npz", made("abc"))
    (place / "lines.txt").write_text("ab\nc\n")
    assert [row[2] for row in rows(run, "line", "-c", "small.npz")] == ["1", "1"]


@pytest.mark.parametrize("columns", [30, 100])
def test_a_terminal_has_headings_and_rows_of_its_width(columns, place):
    (place / "lines.txt").write_text("漢字 " * 60 + "\nWick\n", encoding="utf-8")
    with terminal(columns) as (ours, theirs):
        asked = ["inspect", "--score", "line", "--text", "lines.txt"]
        with command(*asked, stdout=theirs, cwd=place) as process:
            process.wait()
        shown = os.read(ours.fileno(), 10_000).decode()
    heading, first, second = shown.splitlines()
    assert heading.split()[0] == "line"
    assert first.split()[0] == "1"
    assert ("characters" in heading and " 181 " in first) or columns == 30
    assert len(heading) <= columns
    assert first.endswith("...")
    wide = sum(character in "漢字" for character in first)
    assert len(first) + wide <= columns
    assert "Wick" in second or columns == 30


def test_a_long_name_leaves_room_for_the_scores(place):
    (place / ("a" * 90 + ".txt")).write_text("Wick")
    with terminal(80) as (ours, theirs):
        asked = ["inspect", "--score", "file", "--text", "a" * 90 + ".txt"]
        with command(*asked, stdout=theirs, cwd=place) as process:
            process.wait()
        heading, row = os.read(ours.fileno(), 10_000).decode().splitlines()
    assert len(row) == len(heading) <= 80
    assert row.split()[-4:-2] == ["4", "0"]
    assert " ... " in row


def test_a_reader_that_has_seen_enough_ends_the_command(place):
    (place / "lines.txt").write_text("Wick is well.\n" * 20_000)
    with command("inspect", "--score", "line", "--text", "lines.txt", cwd=place) as process:
        process.stdout.readline()
        process.stdout.close()
        process.stdout = None
        assert process.wait() == 0
        assert b"Traceback" not in process.stderr.read()
