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
    assert of_time <= {"monotonic", "sleep"}
