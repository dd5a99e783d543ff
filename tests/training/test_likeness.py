import random
from math import log

import numpy as np
import pytest
from helpers.commands import LIGHTHOUSE

from charrnn.text.vocabulary import Vocabulary
from charrnn.training import planning
from charrnn.training.likeness import Likeness, advice, compare

PROSE = LIGHTHOUSE.read_text(encoding="utf-8")
#: 4,550 names of four letters and a newline.
NAMES = [
    a.upper() + b + c + d
    for a in "bdfgklmnprstvz"
    for b in "aeiou"
    for c in "bdfgklmnprstv"
    for d in "aeiou"
]


def lines(names):
    return "".join(name + "\n" for name in names)


def shuffled(names):
    return random.Random(1).sample(names, len(names))


def compared(text, share=None):
    vocabulary = Vocabulary.of(text)
    indices = vocabulary.encode(text)
    cut = len(indices) - planning.held_out(len(indices), share)
    return compare(indices[:cut], indices[cut:], vocabulary)


def rotated(text):
    """Other letters in the place of those of a text, as in another language."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    return text.translate(str.maketrans(letters, letters[7:] + letters[:7]))


@pytest.mark.parametrize(
    "text",
    [
        lines(sorted(NAMES)),
        lines(sorted(NAMES, reverse=True)),
        lines(sorted(name.lower() if n % 2 else name for n, name in enumerate(NAMES))),
        lines(sorted(NAMES[::5])),
    ],
    ids=["ascending", "descending", "of two cases", "few"],
)
def test_the_end_of_sorted_lines_is_unlike_the_rest(text):
    found = compared(text)
    assert found.unlike
    assert found.sorted_lines


@pytest.mark.parametrize(
    "text",
    [
        PROSE[:11000] + rotated(PROSE[11000:]),
        PROSE[:11000] + rotated(PROSE[11000:]).upper(),
        PROSE[:10000] + "".join(map(chr, range(0x4E00, 0x4E80))) * 20,
        PROSE * 10 + "0123456789;\n" * 1500,
    ],
    ids=["another language", "capitals", "another script", "numbers"],
)
def test_an_end_of_another_kind_is_unlike_the_rest(text):
    found = compared(text)
    assert found.unlike
    assert not found.sorted_lines


@pytest.mark.parametrize(
    "text",
    [PROSE, PROSE[:4000], lines(shuffled(NAMES)), lines(shuffled(NAMES))[:3000]],
    ids=["prose", "little prose", "shuffled lines", "few shuffled lines"],
)
@pytest.mark.parametrize("share", [None, 0.05, 0.3])
def test_the_end_of_an_ordinary_text_is_like_the_rest(text, share):
    found = compared(text, share)
    assert not found.unlike


def test_a_text_of_many_kinds_is_no_reason_for_a_notice(rng):
    """Each part has letters of its own, the end as much as any other."""
    kinds = [chr(97 + n) * 3 + chr(98 + n) for n in range(20)]
    parts = ["".join(rng.permutation(list(kind * 250))) for kind in kinds]
    assert not compared("".join(parts) * 2).unlike


def test_a_text_too_short_to_tell_is_not_compared():
    assert compared(PROSE[:300], 0) is None
    assert compared("ab" * 20) is None


def test_the_distance_of_a_mixture_is_that_of_chance(rng):
    text = rng.integers(0, 30, 200_000).astype(np.uint8)
    found = compare(text[:180_000], text[180_000:], Vocabulary(map(chr, range(97, 127))))
    assert found.held_out == pytest.approx(found.chance, rel=0.1)
    assert np.allclose(found.others, found.chance, rtol=0.1)


def test_the_distance_of_a_text_of_other_characters_is_the_largest(rng):
    text = rng.integers(0, 10, 100_000).astype(np.uint8)
    text[90_000:] += 10
    found = compare(text[:90_000], text[90_000:], Vocabulary(map(chr, range(97, 117))))
    assert found.held_out == pytest.approx(log(2))
    assert found.excess > 5 * (max(found.others) - found.chance)


@pytest.mark.parametrize(
    ("excess", "typical", "sorted_lines", "unlike"),
    [
        (0.11, 0.02, False, True),
        (0.11, 0.0, False, True),
        (0.11, 0.03, False, False),  # a text of many kinds
        (0.09, 0.0, False, False),
        (0.04, 0.04, True, True),
        (0.02, 0.0, True, False),  # long lines, whose beginnings matter little
    ],
)
def test_a_part_is_unlike_the_rest_by_its_distance_and_by_those_of_others(
    excess, typical, sorted_lines, unlike
):
    others = (0.05, 0.05 + typical, 0.4)
    assert Likeness(0.05 + excess, others, 0.05, sorted_lines).unlike == unlike


def test_about_a_million_characters_are_read_of_a_long_text():
    class Text(np.ndarray):
        read = 0

        def __getitem__(self, part):
            result = np.asarray(super().__getitem__(part))
            if not isinstance(part, slice):
                Text.read += result.size
            return result if not isinstance(part, slice) else result.view(Text)

    text = np.resize(np.arange(20, dtype=np.uint8), 5_000_000).view(Text)
    assert compare(text[:-250_000], text[-250_000:], Vocabulary(map(chr, range(97, 117))))
    assert 500_000 < Text.read < 1_500_000


def found(sorted_lines):
    return Likeness(1.0, (0.1,), 0.05, sorted_lines)


@pytest.mark.parametrize("sorted_lines", [False, True])
def test_the_advice_names_the_options_of_a_run_that_holds_out_other_parts(sorted_lines):
    line = advice(found(sorted_lines), 1200)
    assert "the last 1,200 characters, which are held out, are unlike the rest" in line
    assert "--held-out spread" in line
    assert ("--lines" in line) == sorted_lines
