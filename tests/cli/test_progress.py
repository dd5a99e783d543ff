import ast
import io
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from helpers.commands import terminal

import charrnn
from charrnn.cli import progress
from charrnn.cli.console import can_draw
from charrnn.cli.progress import LINE_EVERY, Bar


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """A monotonic clock that tests move."""
    seconds = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: seconds[0])
    return seconds


@pytest.fixture
def on_terminal(monkeypatch):
    """The output on a terminal, in an environment."""

    @contextmanager
    def use(**environment):
        with monkeypatch.context() as patch:
            for name in ("CI", "TERM"):
                patch.delenv(name, raising=False)
            for name, value in environment.items():
                patch.setenv(name, value)
            patch.setattr(sys, "stderr", Terminal())
            yield sys.stderr

    return use


@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {"CI": "true"}])
def test_where_nothing_can_be_drawn_a_line_comes_now_and_then(environment, on_terminal, clock):
    with on_terminal(**environment) as terminal, Bar(total=40, desc="find") as bar:
        for _ in range(40):
            clock[0] += 1
            bar.update()
    assert terminal.getvalue() == "find: 28%\nfind: 55%\nfind: 82%\n"
    assert LINE_EVERY == 10


def test_a_line_says_how_much_is_done_where_the_whole_is_unknown(on_terminal, clock):
    with on_terminal(CI="true") as terminal, Bar(total=None, desc="reading") as bar:
        clock[0] += 11
        bar.update(12_300_000)
    assert terminal.getvalue() == "reading: 12.3M\n"


@pytest.mark.parametrize("columns", [0, 100])
def test_a_terminal_without_columns_gets_lines(columns):
    with terminal(columns) as (_, theirs):
        assert can_draw(theirs, {}) == (columns > 0)


@pytest.mark.parametrize("ci", ["", "true"])
def test_a_quiet_bar_says_nothing(ci, on_terminal, clock):
    with on_terminal(CI=ci) as terminal, Bar(total=2, desc="reading", quiet=True) as bar:
        clock[0] += 11
        bar.update()
    assert terminal.getvalue() == ""


def test_on_a_terminal_a_bar_is_drawn(on_terminal, clock):
    with on_terminal() as terminal, Bar(total=2, desc="find") as bar:
        clock[0] += 11
        bar.update()
        bar.say("something")
    assert "\r" in terminal.getvalue()
    assert "find:  50%" in terminal.getvalue()
    assert "something\n" in terminal.getvalue()


def test_a_clock_that_is_set_back_does_not_stop_a_bar(on_terminal, clock, monkeypatch):
    monkeypatch.setattr("tqdm.std.time", lambda: 1e9 - 1000 * clock[0])
    form = "{n_fmt} {remaining}"
    with on_terminal() as terminal, Bar(total=4, bar_format=form) as bar:
        for _ in range(4):
            clock[0] += 1
            bar.update()
    drawn = [part.strip() for part in terminal.getvalue().split("\r")]
    assert drawn[2:6] == ["1 00:03", "2 00:02", "3 00:01", "4 00:00"]


def test_nothing_reads_a_clock_that_can_be_set():
    files = sorted(Path(charrnn.__file__).parent.rglob("*.py"))
    read = {
        (node.value.id, node.attr)
        for file in files
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
    assert ("time", "monotonic") in read
    of_time = {name for module, name in read if module in ("time", "datetime")}
    assert of_time <= {"monotonic", "perf_counter", "sleep"}


FIGURES = [
    "loss 1.234",
    "validation 1.345",
    "{remaining} left",
    "{n_fmt}/{total_fmt}",
    "152k characters/s",
    "1.78 bits a character",
]


@pytest.mark.parametrize(
    ("width", "shown"), [(40, 2), (60, 3), (70, 4), (80, 4), (90, 5), (120, 6)]
)
def test_figures_that_do_not_fit_beside_the_bar_are_left_out(width, shown, on_terminal, clock):
    with on_terminal(), Bar(total=5_000, figures=FIGURES) as bar:
        bar.dynamic_ncols = lambda _stream: (width, 24)
        clock[0] += 60
        bar.n = 1_234
        line = str(bar)
    written = ["loss 1.234", "validation 1.345", "left", "1234/5000", "152k ch", "1.78 bits"]
    assert [part in line for part in written] == [number < shown for number in range(6)]
    assert len(line) <= width
    assert line.count("|") == 2


def test_a_bar_shrinks_only_beside_the_last_two_figures(on_terminal, clock):
    def bar_width(width):
        with on_terminal(), Bar(total=5_000, figures=FIGURES) as bar:
            bar.dynamic_ncols = lambda _stream: (width, 24)
            return len(str(bar).split("|")[1])

    assert bar_width(36) < 10
    assert all(bar_width(width) >= 10 for width in range(45, 130))


@pytest.mark.parametrize("total", [64_000_000, None])
@pytest.mark.parametrize("width", [40, 80])
def test_a_bar_without_figures_fits_too(total, width, on_terminal, clock):
    with on_terminal(), Bar(total=total, desc="reading", unit="B", unit_scale=True) as bar:
        bar.dynamic_ncols = lambda _stream: (width, 24)
        clock[0] += 5
        bar.update(12_300_000)
        line = str(bar)
    assert len(line) <= width
    assert line.startswith("reading:  19%|" if total else "reading: 12.3MB")
