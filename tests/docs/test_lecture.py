"""The examples of docs/lecture/: the quick ones run, and their numbers are those of the page.

Output is compared by its numbers, in their order and with a tolerance: rounding differs between
machines, and the sentences around the numbers may change. `make lecture` writes all output anew.
"""

import math
import re
import shlex

import pytest
from helpers.lecture import PAGES, ROOT, examples, folder, run
from test_command_lines import COMMANDS, complaint

NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?")
#: Numbers that depend on the speed of the machine.
SPEED = re.compile(r"[\d.]+[kM]? characters/s|\d+:\d\d(?::\d\d)? left")
#: The share of the numbers of a command's output that a run has to print again. What is missing
#: may be in a sentence that was reworded.
SHARE = 0.8


def numbers(output):
    """The numbers in an output, without those that depend on the speed of the machine."""
    return [float(found[0].replace(",", "")) for found in NUMBER.finditer(SPEED.sub("", output))]


def words(output):
    """An output without its numbers and spaces; each number leaves a mark."""
    return re.sub(r"[\s.]+", "", NUMBER.sub("#", output))


def close(a, b):
    """True for two numbers that differ by no more than rounding causes after some training."""
    if min(abs(a), abs(b)) > 0 and (abs(a) > 1e4 or abs(a) < 1e-3):
        return a * b > 0 and abs(math.log10(a / b)) < max(0.31, 0.1 * abs(math.log10(abs(a))))
    return math.isclose(a, b, rel_tol=0.05, abs_tol=0.02)


def found_again(expected, got):
    """The number of expected numbers that appear among the others, in the same order."""
    best = [0] * (len(got) + 1)
    for a in expected:
        before = best[:]
        for n, b in enumerate(got):
            best[n + 1] = before[n] + 1 if close(a, b) else max(before[n + 1], best[n])
    return best[-1]


def output(page, command):
    """The output of the first command of a page that contains a text."""
    page = ROOT / "docs" / "lecture" / page
    return next(e.output for e in examples(page) if command in e.command + e.python)


def losses(output):
    """The losses of the steps in the output of a training."""
    return [float(loss) for loss in re.findall(r"^step .*?loss ([\d.]+)", output, re.MULTILINE)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_quick_examples_print_the_numbers_of_the_page(page):
    with folder() as path:
        for example in examples(page):
            if example.slow:
                continue
            shown = example.command + example.python
            code, got = run(example, path)
            assert code == 0, f"{shown}\n{got}"
            assert "Traceback" not in got
            expected = numbers(example.output or "")
            again = found_again(expected, numbers(got))
            enough = again >= SHARE * len(expected)
            if example.python:  # the page alone decides its output
                enough = again == len(expected) and words(example.output or "") == words(got)
            assert enough, f"{shown}\n{got}\nnot\n{example.output}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_and_options_exist(page):
    text = page.read_text(encoding="utf-8")
    lines = [e.command.replace("\\\n", " ").partition("|")[0] for e in examples(page)]
    lines += re.findall(r"`(charrnn [^`\n]+)`", text)
    for line in lines:
        if line.startswith("charrnn "):
            _, name, *arguments = shlex.split(line)
            assert not complaint(name, arguments)
    options = {option for command in COMMANDS.values() for p in command.params for option in p.opts}
    for option in re.findall(r"`(--[a-z-]+)", text):
        assert option in options, option


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_each_example_has_output_and_each_page_has_its_parts(page):
    text = page.read_text(encoding="utf-8")
    assert "*What to see:*" in text
    assert "## Try\n" in text
    for example in examples(page):
        if example.python:
            assert example.output or "save" in example.python or "write_text" in example.python
        elif not example.command.startswith(("printf", "cat")):
            assert example.output, example.command


def test_links_lead_to_files_and_the_index_has_each_page():
    index = ROOT / "docs" / "lecture.md"
    linked = set()
    for page in [index, *PAGES]:
        for target in re.findall(r"\]\(([^)\s#]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
            linked.add((page.parent / target).resolve())
    assert linked >= {page.resolve() for page in PAGES}


def test_numbers_from_the_benchmarks_are_still_there():
    page = (ROOT / "docs" / "lecture" / "9-fast.md").read_text(encoding="utf-8")
    benchmarks = " ".join((ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8").split())
    quoted = ("124 µs", "1.18 times", "0.52 to 0.72", "1,025", "420 µs", "348", "244", "198,544")
    for number in (*quoted, "71,540"):
        assert number in " ".join(page.split())
        assert number in benchmarks


def test_hello_is_learned():
    assert output("2-hello.md", "-c hello.npz --prime").strip() == "hello"
    for line in output("2-hello.md", "inspection.record").splitlines()[1:]:
        _, *scores, target = line.split()
        assert max(zip(map(float, scores), "helo"))[1] == target


def test_the_recurrence_by_hand_equals_the_model():
    by_hand = output("3-recurrence.md", "np.tanh(Wx @ x").splitlines()[1:]
    by_model = output("3-recurrence.md", "inspection.record").splitlines()
    assert len(by_hand) == len("hello")
    for line, other in zip(by_hand, by_model, strict=True):
        assert numbers(line) == pytest.approx(numbers(other), abs=0.02)


def test_the_first_loss_is_about_that_of_guessing():
    (first,) = losses(output("4-loss.md", "-c new.npz"))
    assert first == pytest.approx(float(output("4-loss.md", "math.log(79)")), abs=0.1)


def test_the_state_carries_more_than_a_window():
    (context,) = re.findall(r"about (\d+)\s+characters of context", output("4-loss.md", "--memory"))
    assert int(context) > 3


def test_gradients_vanish_and_explode():
    table = {
        line[:18].strip(): numbers(line[18:])
        for line in output("5-gradients.md", "starts = {").splitlines()[1:]
    }
    for layer in ("tanh", "ReLU"):
        assert table[f"{layer}, normal / 2"][-1] < 1e-20
        assert table[f"{layer}, normal × 2"][-1] > 1e3
    assert table["ReLU, identity"][-1] > 0.1
    assert "explode" in output("5-gradients.md", "scaled.npz --gradient")
    lowest = {
        model: min(n for n in numbers(output("5-gradients.md", f"{model}.npz --gradient")) if n > 0)
        for model in ("vanilla", "lstm")
    }
    assert lowest["vanilla"] < 1e-20 * lowest["lstm"]


def test_clipping_helps():
    free, clipped = (output("5-gradients.md", f"-c {name}.npz") for name in ("free", "clipped"))
    assert losses(free)[-1] > losses(free)[0]
    assert losses(clipped)[-1] < losses(clipped)[0]


def test_the_loss_falls_while_the_network_learns_to_write():
    names = "start", "early", "python"
    start, early, late = (losses(output("7-writing.md", f"-c {name}.npz"))[-1] for name in names)
    assert start > early > late


def test_controls_reject_what_an_untrained_network_has_too():
    found = output("8-cells.md", "python.npz --find")
    for page in ("c.npz --find", "new.npz --find"):
        row, *_ = re.findall("^in indentation.*", output("8-cells.md", page), re.MULTILINE)
        _, score, *_ = numbers(row)
        assert score > 0.7
        assert not re.search(r"\bfound\b", row)
    text = (ROOT / "docs" / "lecture" / "8-cells.md").read_text(encoding="utf-8")
    for cell in re.findall(r"--cell (\d+) --text", text):
        assert re.search(rf"\bfound +1\.{cell}\b", found), f"cell {cell} was not found"
        assert f"Cell {cell} " in text


def test_changed_numbers_are_noticed():
    assert found_again([1.0, 2.0, 3.0], [1.01, 9.0, 2.0, 3.0]) == 3
    assert found_again([1.0, 2.0, 3.0], [3.0, 1.0]) == 1
    assert not close(1.5, 1.7)
    assert not close(1e-20, 1e-9)
    assert close(1e22, 3e21)
    assert numbers("step 1 of 2,000, loss 4.371, 52k characters/s, 00:03 left") == [1, 2000, 4.371]
