import io
import re
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.render.colors import (
    BLUE,
    COLORS,
    CUBE,
    FAINT,
    PLAIN,
    RED,
    RESET,
    Style,
    background,
    color_depth,
    columns,
    has_blocks,
    paint,
    style_of_stdout,
    tinted,
)

ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
DEPTHS = ["24-bit", "256", "16"]

each_depth = pytest.mark.parametrize("depth", DEPTHS)


@pytest.mark.parametrize(
    ("environment", "depth"),
    [
        ({"TERM": "xterm"}, "16"),
        ({}, "16"),
        ({"TERM": "xterm-256color"}, "256"),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, "24-bit"),
        ({"TERM": "xterm", "COLORTERM": "24bit"}, "24-bit"),
        ({"TERM": "xterm", "COLORTERM": "yes"}, "16"),
        ({"TERM": "xterm-direct"}, "24-bit"),
        ({"TERM": "dumb"}, "none"),
        ({"TERM": "dumb", "COLORTERM": "truecolor"}, "none"),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, "none"),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor", "NO_COLOR": "0"}, "none"),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, "256"),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, "16"),
        ({"TERM": "xterm-256color", "FORCE_COLOR": "1", "NO_COLOR": "1"}, "none"),
    ],
)
def test_the_colours_of_a_terminal_follow_from_the_environment(environment, depth):
    assert color_depth(None, environment, terminal=True) == depth


@pytest.mark.parametrize(
    ("environment", "depth"),
    [
        ({"FORCE_COLOR": "1"}, "16"),
        ({"FORCE_COLOR": "0"}, "16"),  # any value but the empty one
        ({"FORCE_COLOR": ""}, "none"),
        ({"FORCE_COLOR": "1", "TERM": "xterm-256color"}, "256"),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, "none"),
    ],
)
def test_colours_can_be_forced_into_a_file(environment, depth):
    assert color_depth(None, environment, terminal=False) == depth
    assert color_depth(False, environment, terminal=False) == "none"
    assert color_depth(True, environment, terminal=False) != "none"


@pytest.mark.parametrize(
    ("encoding", "environment", "blocks"),
    [
        ("utf-8", {}, True),
        ("UTF8", {"TERM": "xterm", "LANG": "de_DE.UTF-8"}, True),
        ("utf-8", {"TERM": "dumb"}, False),
        ("utf-8", {"TERM": "linux"}, False),
        ("utf-8", {"LC_ALL": "C", "LANG": "en_US.UTF-8"}, False),
        ("utf-8", {"LC_CTYPE": "C.UTF-8", "LANG": "C"}, True),
        ("cp1252", {}, False),
        (None, {}, False),
    ],
)
def test_block_characters_need_utf_8_and_a_font(encoding, environment, blocks):
    assert has_blocks(encoding, environment) == blocks


@pytest.mark.parametrize(
    ("wanted", "terminal", "style"),
    [
        (None, True, Style("16", blocks=True)),
        (False, True, Style("none", blocks=True)),
        (None, False, PLAIN),
        (True, False, Style("16", blocks=True)),
    ],
)
def test_the_style_of_stdout(wanted, terminal, style, monkeypatch):
    class Stream(io.StringIO):
        encoding = "utf-8"

        def isatty(self):
            return terminal

    for name in ("LC_ALL", "LC_CTYPE", "LANG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.stdout", Stream())
    assert style_of_stdout(wanted) == style


def test_series_have_colours_of_their_own():
    for depth in DEPTHS:
        painted = [tinted("a", number, depth) for number in range(len(COLORS))]
        assert len(set(painted)) == len(COLORS)
        assert {ESCAPES.sub("", one) for one in painted} == {"a"}
        assert tinted("a", len(COLORS), depth) == painted[0]
    assert tinted("a", 1, "24-bit") == "\x1b[38;2;213;94;0ma\x1b[0m"
    assert tinted("a", 1, "none") == "a"


def test_what_is_not_a_terminal_gets_no_colours():
    environment = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    assert color_depth(None, environment, terminal=False) == "none"


@pytest.mark.parametrize(
    ("environment", "depth"),
    [
        ({}, "16"),
        ({"NO_COLOR": "1", "TERM": "xterm-256color"}, "256"),
        ({"NO_COLOR": "1", "COLORTERM": "truecolor"}, "24-bit"),
    ],
)
@pytest.mark.parametrize("terminal", [True, False])
def test_the_users_wish_for_colours_goes_first(environment, depth, terminal):
    assert color_depth(True, environment, terminal) == depth


def test_the_users_wish_for_no_colours_goes_first():
    assert color_depth(False, {"COLORTERM": "truecolor"}, terminal=True) == "none"


@pytest.mark.parametrize(("terminal", "depth"), [(True, "256"), (False, "none")])
def test_colours_depend_on_stdout_being_a_terminal(terminal, depth, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal)
    assert color_depth(None, {"TERM": "screen-256color"}) == depth


def test_the_ends_of_the_scale_are_blue_and_red():
    white = "38;2;255;255;255"
    assert background(-1, "24-bit") == "\x1b[{};48;2;{};{};{}m".format(white, *BLUE)
    assert background(1, "24-bit") == "\x1b[{};48;2;{};{};{}m".format(white, *RED)


@each_depth
@pytest.mark.parametrize("value", [-0.19, 0, 0.19])
def test_near_zero_the_background_is_the_terminals_own(depth, value):
    assert background(value, depth) == ""


@pytest.mark.parametrize("value", [-1, 0, 1])
def test_without_colours_there_is_no_background(value):
    assert background(value, "none") == ""


@each_depth
@pytest.mark.parametrize("sign", [-1, 1])
def test_values_beyond_the_scale_look_like_its_ends(depth, sign):
    assert background(5 * sign, depth) == background(sign, depth)


def test_sixteen_colours_show_four_levels():
    codes = [background(value, "16") for value in (-0.9, -0.3, 0.3, 0.9)]
    assert codes == ["\x1b[97;44m", "\x1b[94m", "\x1b[91m", "\x1b[97;41m"]


def luminance(color):
    """The relative luminance of WCAG 2."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in
              (part / 255 for part in color)]  # fmt: skip
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@given(st.floats(FAINT, 1), st.sampled_from([-1, 1]))
def test_white_letters_can_be_read_on_every_background(value, sign):
    color = [int(part) for part in background(sign * value, "24-bit")[:-1].split(";")[-3:]]
    assert 1.05 / (luminance(color) + 0.05) > 4.5


@given(st.floats(FAINT, 1), st.sampled_from([-1, 1]))
def test_of_256_colours_the_nearest_in_the_cube_is_taken(value, sign):
    exact = [int(part) for part in background(sign * value, "24-bit")[:-1].split(";")[-3:]]
    number = int(background(sign * value, "256")[:-1].split(";")[-1]) - 16
    chosen = [CUBE[number // 36], CUBE[number // 6 % 6], CUBE[number % 6]]

    def distance(color):
        return sum((one - other) ** 2 for one, other in zip(color, exact))

    assert distance(chosen) == min(map(distance, product(CUBE, repeat=3)))


@given(st.sampled_from(DEPTHS), st.lists(st.tuples(st.text("abc "), st.floats(-1, 1))))
def test_a_painted_line_shows_its_pieces_and_leaves_no_colour_behind(depth, cells):
    painted = paint(cells, depth)
    assert ESCAPES.sub("", painted) == "".join(piece for piece, _ in cells)
    codes = ESCAPES.findall(painted)
    assert not codes or codes[-1] == RESET


@each_depth
def test_each_piece_is_on_its_own_background(depth):
    blue, red = background(-1, depth), background(1, depth)
    painted = paint([("a", -1), ("b", 1), ("c", 0), ("d", 1)], depth)
    assert painted == f"{blue}a{RESET}{red}b{RESET}c{red}d{RESET}"


def test_pieces_of_the_same_colour_share_one_code():
    red = background(1, "16")
    assert paint([("a", 1), ("b", 0.9), ("c", 0.95)], "16") == f"{red}abc{RESET}"


def test_without_colours_a_painted_line_is_plain():
    assert paint([("a", -1), ("b", 1)], "none") == "ab"


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("", 0),
        ("plain", 5),
        ("é", 1),
        ("e\u0301", 1),
        ("a\u0323\u0302", 1),
        ("\u0915\u0900", 1),  # a mark of combining class 0
        ("5\u20dd", 1),
        ("각字", 4),
        ("\uff21", 2),  # fullwidth
        ("\uff71", 1),  # halfwidth
        ("😀", 2),
        ("αж", 2),
    ],
)
def test_wide_characters_take_two_columns_and_marks_none(text, width):
    assert columns(text) == width
