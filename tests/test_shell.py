import shlex
import sys
from pathlib import Path
from subprocess import list2cmdline

import pytest

from charrnn.shell import quoted

WORDS = ["m.npz", "a b.npz", "it's.npz", "a&b.npz", "$HOME.npz", "-c", "ä.npz", "", "(1).npz"]


@pytest.mark.parametrize("word", WORDS)
def test_a_shell_reads_the_word(word):
    assert shlex.split(quoted(word, "posix")) == [word]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("m.npz", "m.npz"),
        (r"C:\models\m-1.npz", r"C:\models\m-1.npz"),
        (r"C:\My Models\m.npz", r'"C:\My Models\m.npz"'),
        ("C:\\My Models\\", '"C:\\My Models\\\\"'),
        ("a&b.npz", '"a&b.npz"'),
        ("it's.npz", '"it\'s.npz"'),
        ('say "yes"', r'"say \"yes\""'),
        ("ä.npz", "ä.npz"),
        ("", '""'),
        ("-m.npz", '"-m.npz"'),
    ],
)
def test_windows_has_double_quotes(word, expected):
    assert quoted(word, "nt") == expected


@pytest.mark.parametrize("word", ["a b", 'a "b" c', "a b\\", 'a\\" b'])
def test_programs_on_windows_read_the_word(word):
    """As the C runtime splits a command line: by the inverse in the standard library."""
    assert quoted(word, "nt") == list2cmdline([word])


def test_a_path_is_quoted_for_this_system():
    expected = '"a b.npz"' if sys.platform == "win32" else "'a b.npz'"
    assert quoted(Path("a b.npz")) == expected
