import json
import re
import unicodedata
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from helpers.checkpoints import config_of
from helpers.commands import LIGHTHOUSE, QUICK

import charrnn
from charrnn import checkpoint
from charrnn.checkpoint import Checkpoint
from charrnn.network.model import CharRNN
from charrnn.sampling import Choice
from charrnn.text.vocabulary import Vocabulary

pytestmark = pytest.mark.usefixtures("trained")


def test_a_sample_goes_to_stdout_and_nothing_else(run):
    result = run("sample", "--length", 50, "--seed", 1)
    assert len(result.stdout) == 51
    assert result.stderr == ""


def test_a_seed_that_was_drawn_is_said_and_gives_the_same_text_again(run):
    first = run("sample", "--length", 80)
    (seed,) = re.findall(r"^seed (\d+): the same again with --seed \1\n$", first.stderr)
    assert int(seed) < 2**32
    assert run("sample", "--length", 80, "--seed", seed).stdout == first.stdout
    assert run("sample", "--length", 80, "--temp", 0).stderr == ""


def test_the_sample_begins_with_the_prime_which_the_length_does_not_count(run):
    result = run("sample", "--length", 10, "--prime", "Wick")
    assert result.stdout.startswith("Wick")
    assert len(result.stdout) == 4 + 10 + 1


def test_a_seed_gives_the_same_text_again(run):
    first, again, other = (
        run("sample", "--seed", seed, "--length", 80).stdout for seed in (1, 1, 2)
    )
    assert first == again != other
    assert run("sample", "--length", 80).stdout != run("sample", "--length", 80).stdout


def test_temp_and_temperature_are_the_same(run):
    texts = {
        run("sample", flag, 0, "--length", 80, "--seed", seed).stdout
        for flag in ("--temp", "--temperature")
        for seed in (1, 2)
    }
    assert len(texts) == 1


@pytest.mark.parametrize(
    "narrow", [["--top-k", 1], ["--top-p", 1e-9], ["--min-p", 1], ["--temp", 1e-9]]
)
def test_filters_at_their_narrowest_take_the_likeliest(narrow, run):
    likeliest = run("sample", "--temp", 0, "--length", 60).stdout
    assert run("sample", *narrow, "--length", 60, "--seed", 5).stdout == likeliest


def texts(run, *words):
    """The texts of samples, from JSON."""
    lines = run("sample", *words, "--json").stdout.splitlines()
    return [json.loads(line)["text"] for line in lines]


def test_an_empty_line_is_between_samples(run):
    words = ["--num-samples", 3, "--length", 40, "--seed", 1]
    expected = "\n\n".join(texts(run, *words)) + "\n"
    assert run("sample", *words).stdout == expected


def test_samples_that_end_with_the_line_are_lines(run):
    words = ["--num-samples", 20, "--seed", 1, "--stop", r"\n"]
    found = texts(run, *words)
    assert "\n" not in "".join(found)
    assert run("sample", *words).stdout.splitlines() == found
    primed = run("sample", *words, "--prime", "The").stdout.splitlines()
    assert len(primed) == 20
    assert all(line.startswith("The") for line in primed)
    of_lines = run("sample", *words, "--prime", r"The\n", "--length", 3).stdout
    assert of_lines.count("\n\nThe\n") == 19


def test_a_separator_is_between_samples(run):
    words = ["--num-samples", 3, "--length", 9, "--seed", 1]
    a, b, c = texts(run, *words)
    for separator, text in ((r"\n==\t", "\n==\t"), (r"\\n\d", r"\n\d"), ("", "")):
        shown = run("sample", *words, "--separator", separator).stdout
        assert shown == f"{a}{text}{b}{text}{c}\n"


def test_a_prime_is_left_out_when_asked(run):
    words = ["sample", "--length", 20, "--seed", 1, "--prime", "Wick"]
    assert "Wick" + run(*words, "--no-prime").stdout == run(*words).stdout
    assert json.loads(run(*words, "--no-prime", "--json").stdout)["prime"] == "Wick"


@pytest.mark.parametrize(
    ("typed", "prime"),
    [(r"The\nlamp", "The\nlamp"), (r"a\\n", r"a\n"), (r"\d", r"\d"), (r"a\tb", "a\tb")],
)
def test_escapes_mean_the_same_in_prime_and_stop(typed, prime, run):
    text = LIGHTHOUSE.read_text() + "\\ \t d n\n" * 99
    Path("escapes.txt").write_text(text)
    run("train", "escapes.txt", "--overwrite", *QUICK)
    (record,) = run("sample", "--prime", typed, "--json", "--length", 5).stdout.splitlines()
    assert json.loads(record)["prime"] == prime
    (record,) = run("sample", "--stop", typed, "--json", "--length", 5).stdout.splitlines()
    assert json.loads(record)["stop"] == [prime]
    Path("prime.txt").write_text(typed)
    assert run("sample", "--prime-file", "prime.txt", "--length", 0).stdout_bytes == (
        typed.encode() + b"\n"
    )


def test_a_stop_that_the_model_cannot_write_is_refused(run):
    said = run("sample", "--stop", "<|end|>", code=2).stderr
    assert "Error: stop '<|end|>': the model never writes '<' '>' '|': give a string" in said


def test_a_stop_ends_the_sample(run):
    whole = run("sample", "--seed", 1, "--length", 300).stdout
    for stop in (whole[100], whole[50:53]):
        stopped = run("sample", "--seed", 1, "--length", 300, "--stop", stop).stdout
        assert stopped == whole[: whole.index(stop)] + "\n"


def test_a_newline_may_be_written_as_backslash_n(run):
    whole = run("sample", "--seed", 3, "--length", 2000).stdout
    stopped = run("sample", "--seed", 3, "--length", 2000, "--stop", r"\n").stdout
    assert stopped == whole[: whole.index("\n") + 1]


def test_an_empty_stop_is_refused(run):
    run("sample", "--stop", "", code=2)


def test_json_has_a_log_probability_for_each_character(run):
    result = run("sample", "--json", "--num-samples", 3, "--length", 20, "--prime", "The")
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(records) == 3
    for record in records:
        assert record["prime"] == "The"
        assert len(record["text"]) == len(record["log_probs"]) == 20
        assert all(log_p < 0 for log_p in record["log_probs"])
        assert record["sampled_log_probs"] == record["log_probs"]


def test_json_has_the_log_probabilities_after_temperature_and_filters_too(run):
    arguments = ["sample", "--json", "--length", 20, "--seed", 1]
    for narrow in (["--top-k", 1], ["--temp", 0]):
        record = json.loads(run(*arguments, *narrow).stdout)
        assert record["sampled_log_probs"] == [0] * 20
        assert all(log_p < 0 for log_p in record["log_probs"])
    kept = json.loads(run(*arguments, "--top-k", 5).stdout)
    removed = np.subtract(kept["log_probs"], kept["sampled_log_probs"])
    assert (removed < 0).all()  # the filters leave less than 1, which is scaled up


def test_json_has_what_gives_the_sample_again(run):
    words = ["--length", 30, "--temp", 0.7, "--top-k", 9, "--stop", "q", "--num-samples", 3]
    *_, third = map(json.loads, run("sample", *words, "--json").stdout.splitlines())
    saved = checkpoint.read("charrnn.npz").run
    assert third["sample"] == 3
    assert (third["temperature"], third["top_k"], third["top_p"]) == (0.7, 9, None)
    assert (third["length"], third["stop"], third["checkpoint"]) == (30, ["q"], "charrnn.npz")
    assert (third["weights"], third["step"]) == ("best", saved.best_step)
    assert texts(run, *words, "--seed", third["seed"])[2] == third["text"]
    last = json.loads(run("sample", "--weights", "last", "--length", 1, "--json").stdout)
    assert last["step"] == saved.step == 12


def test_json_of_an_empty_sample(run):
    record = json.loads(run("sample", "--json", "--length", 0, "--prime", "A").stdout)
    assert (record["prime"], record["text"]) == ("A", "")
    assert record["log_probs"] == record["sampled_log_probs"] == []


def test_json_of_a_sample_that_is_interrupted_has_what_was_drawn(run, monkeypatch):
    choose, drawn = Choice.choose, count()

    def interrupted(self, logits, uniform):
        if next(drawn) == 7:
            raise KeyboardInterrupt
        return choose(self, logits, uniform)

    monkeypatch.setattr(Choice, "choose", interrupted)
    record = json.loads(run("sample", "--json", code=130).stdout)
    assert len(record["text"]) == len(record["log_probs"]) == 7


def test_an_unknown_character_of_the_prime_is_listed(run):
    result = run("sample", "--prime", "naïve café", code=2)
    assert "'é'" in result.stderr
    assert "'ï'" in result.stderr


def test_unknown_characters_are_left_out_when_asked(run):
    result = run("sample", "--prime", "naïve", "--unknown", "skip", "--length", 5)
    assert result.stdout.startswith("nave")
    assert "skipped 1 character" in result.stderr


def test_a_prime_from_a_file_or_stdin(run, tmp_path):
    (tmp_path / "prime.txt").write_text("Wick")
    assert run("sample", "--prime-file", "prime.txt", "--length", 5).stdout.startswith("Wick")
    assert run("sample", "--prime-file", "-", "--length", 5, input="Lamp").stdout.startswith("Lamp")
    run("sample", "--prime-file", "prime.txt", "--prime", "x", code=2)
    alone = run("sample", "--prime", "x", "--encoding", "utf-8", code=2).stderr
    assert "--encoding needs --prime-file: add --prime-file FILE, or leave out --encoding" in alone
    assert "nothing.txt" in run("sample", "--prime-file", "nothing.txt", code=1).stderr


def test_the_last_weights_differ_from_the_best(run, tmp_path):
    (tmp_path / "short.txt").write_text(LIGHTHOUSE.read_text()[:600])
    run("train", "short.txt", "-c", "overfit.npz", "--hidden-size", 32, "--val-frac", 0.3,
        "--dropout", 0, "--steps", 200, "--val-every", 20)  # fmt: skip
    texts = {
        run("sample", "-c", "overfit.npz", "--seed", 1, "--weights", which).stdout
        for which in ("best", "last")
    }
    assert len(texts) == 2


def test_a_missing_checkpoint_is_one_line_with_a_remedy(run):
    result = run("sample", "-c", "nothing.npz", code=1)
    assert result.stderr.count("\n") == 1
    assert "nothing.npz: no such checkpoint" in result.stderr


@pytest.mark.parametrize("content", [b"", b"some text", LIGHTHOUSE.read_bytes()])
def test_a_file_that_is_no_checkpoint_is_one_line(run, tmp_path, content):
    (tmp_path / "bad.npz").write_bytes(content)
    result = run("sample", "-c", "bad.npz", code=1)
    assert "bad.npz: not a charrnn checkpoint" in result.stderr
    assert result.stderr.count("\n") == 1


def test_hangul_decomposed_for_training_is_composed_again(run, tmp_path):
    (tmp_path / "hangul.txt").write_text("가나다 각난닫\n" * 200, encoding="utf-8")
    run("train", "hangul.txt", "-c", "hangul.npz", "--normalize", "nfd", *QUICK[:8], "--steps", 300)
    arguments = ["sample", "-c", "hangul.npz", "--prime", "가 ", "--temp", 0.3, "--seed", 1]
    result = run(*arguments, "--length", 100)
    assert result.stdout.startswith("가")
    assert set(result.stdout) & set("나다각난닫")
    assert result.stdout == unicodedata.normalize("NFC", result.stdout)
    record = json.loads(run(*arguments, "--length", 100, "--json").stdout)
    text = record["prime"] + record["text"]
    assert text == unicodedata.normalize("NFD", text) != unicodedata.normalize("NFC", text)
    assert unicodedata.normalize("NFC", text) == result.stdout[:-1]


@pytest.mark.parametrize(
    "wrong", [["--temp", "-1"], ["--top-k", "0"], ["--top-p", "2"], ["--num-samples", "0"]]
)
def test_a_value_out_of_range_is_a_usage_error(wrong, run):
    assert wrong[0] in run("sample", *wrong, code=2).stderr


@pytest.mark.parametrize("more", [[], ["--temp", "0"], ["--json"], ["--num-samples", "3"]])
def test_a_model_whose_state_overflows_is_reported_in_one_line(more, run):
    model = CharRNN(Vocabulary("\nab"), layer_type="vanilla-relu", hidden_size=4)
    model.parameters.flat[...] = 1e6
    checkpoint.save(
        "charrnn.npz",
        Checkpoint(
            config_of(model),
            model.vocabulary,
            dict(model.parameters),
            dict(model.parameters),
        ),
    )
    said = run("sample", "--length", 40, "--seed", 1, *more, code=1).stderr.splitlines()
    assert len(said) == 1
    assert said[0].startswith("Error: the hidden state or the logits become non-finite")


def test_a_prime_as_macos_writes_it_is_read_in_the_form_of_the_model(run, write):
    path = write("cafe.txt", "caf\u00e9 caf\u00e9\n".encode() * 60)
    run("train", path, *QUICK, "-c", "cafe.npz")
    words = ["sample", "-c", "cafe.npz", "--length", 0, "--seed", 1]
    composed = run(*words, "--prime", "caf\u00e9", "--stop", "e\u0301\n")
    assert "normal form NFC" in composed.stderr
    result = run(*words, "--prime", "cafe\u0301")
    assert result.stdout == "caf\u00e9\n"
    assert "normal form NFC" in result.stderr
    assert "normal form" not in run(*words, "--prime", "caf\u00e9").stderr


def test_the_next_characters_are_those_of_the_model(run, trained):
    model = charrnn.load("charrnn.npz")
    record = json.loads(run("sample", "--next", 1000, "--prime", "the c", "--json").stdout)
    found = [(each["character"], each["probability"]) for each in record["next"]]
    expected = model.next_characters(1000, prime="the c")
    assert [char for char, _ in found] == [char for char, _ in expected]
    assert len(found) == len(model.vocabulary)
    assert sum(p for _, p in expected) == pytest.approx(1)
    assert [p for _, p in found] == sorted((p for _, p in found), reverse=True)
    bits = model.score([f"the c{char}" for char, _ in expected]) - model.score(["the c"])
    np.testing.assert_allclose([p for _, p in expected], 2.0**-bits, rtol=1e-4)
    drawn = json.loads(
        run("sample", "--prime", "the c", "--length", 1, "--temp", 0, "--json").stdout
    )
    assert drawn["text"] == found[0][0]
    assert drawn["log_probs"] == pytest.approx([np.log(found[0][1])], abs=1e-4)


def test_the_next_characters_have_a_line_each(run):
    shown = run("sample", "--next", 100).stdout.splitlines()
    table = dict(line.split("\t") for line in shown)
    assert len(shown) == len(table)
    assert sum(float(p) for p in table.values()) == pytest.approx(1, abs=1e-4)
    assert {r"\n", " ", "e"} <= set(table)
    assert len(run("sample", "--next", 3).stdout.splitlines()) == 3


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (["--temp", 0.5], "--temp"),
        (["--length", 5], "--length"),
        (["--num-samples", 1], "--num-samples"),
        (["--stop", "x"], "--stop"),
        (["--no-prime"], "--no-prime"),
        (["--lines", 5], "--lines"),
        (["--unique"], "--unique"),
        (["--new"], "--new"),
    ],
)
def test_the_next_characters_have_no_options_of_writing(option, said, run):
    result = run("sample", "--next", 3, *option, code=2)
    assert f"--next writes no text: leave out {said}" in result.stderr
