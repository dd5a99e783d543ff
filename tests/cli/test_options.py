"""Values of options that people may type."""

from contextlib import suppress

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.cli.options import Duration, Escaped, Real, Workers, refuse_overwriting


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e999", "NaN", "x", ""])
def test_a_number_that_is_not_finite_is_refused(value):
    with pytest.raises(click.BadParameter):
        Real().convert(value, None, None)


@given(st.floats(0, 1, exclude_max=True))
def test_a_number_in_the_range_is_taken(value):
    assert Real(0, 1, max_open=True).convert(repr(value), None, None) == value


@given(st.text())
def test_whatever_is_typed_is_a_time_or_is_refused(text):
    with suppress(click.BadParameter):
        assert 0 < Duration().convert(text, None, None) < float("inf")


@pytest.mark.parametrize(("kind", "value"), [(Duration(), "9" * 400), (Workers(), "9" * 5_000)])
def test_an_infinite_number_is_refused(kind, value):
    with pytest.raises(click.BadParameter):
        kind.convert(value, None, None)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("", ""),
        (r"a\nb\tc\rd", "a\nb\tc\rd"),
        (r"\\n", r"\n"),
        (r"\\\n", "\\\n"),
        (r"\d\N\0", r"\d\N\0"),
        ("\\", "\\"),
        ("a\nb", "a\nb"),
    ],
)
def test_escape_sequences_are_replaced_and_others_stay(typed, meant):
    assert Escaped().convert(typed, None, None) == meant


@pytest.mark.parametrize("value", ["9" * 306, "1000000h", "3155760001"])
def test_no_time_is_longer_than_a_century(value):
    with pytest.raises(click.BadParameter, match="more than a century"):
        Duration().convert(value, None, None)
    assert Duration().convert("3155760000", None, None) == 3155760000


@given(st.integers(0, 99), st.integers(0, 99), st.integers(1, 99))
def test_hours_minutes_and_seconds_add_up(hours, minutes, seconds):
    expected = 3600 * hours + 60 * minutes + seconds
    assert Duration().convert(f"{hours}h{minutes}m{seconds}s", None, None) == expected
    assert Duration().convert(str(expected), None, None) == expected


@given(st.text())
def test_whatever_is_typed_is_a_number_of_workers_or_is_refused(text):
    with suppress(click.BadParameter):
        assert Workers().convert(text, None, None) >= 1


def test_auto_is_for_charrnn_to_choose():
    assert Workers().convert("auto", None, None) is None


def test_checkpoints_and_texts_are_not_overwritten(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kept.npz").write_bytes(b"weights")
    (tmp_path / "link.npz").symlink_to("kept.npz")
    for written in ("kept.npz", tmp_path / "kept.npz", "./link.npz"):
        with pytest.raises(
            click.UsageError, match=r"--export .*: is kept.npz, which would be lost: name another"
        ):
            refuse_overwriting("--export", written, None, "text.txt", "kept.npz")
    with pytest.raises(click.UsageError):  # neither is there yet
        refuse_overwriting("--log", "./new.npz", tmp_path / "new.npz")
    refuse_overwriting("--export", "other.npz", "kept.npz")
    refuse_overwriting("--export", None, "kept.npz")
