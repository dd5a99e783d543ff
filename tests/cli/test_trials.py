"""Lists and texts of small grammars, through the commands."""

from pathlib import Path

import numpy as np
import pytest
from helpers.commands import QUICK
from helpers.grammars import molecules, names

import charrnn
from charrnn import checkpoint
from charrnn.text.corpus import read


def sides(path):
    """The lines trained on and the lines held out, by the checkpoint in the working directory."""
    found = checkpoint.read("charrnn.npz")
    info = found.corpus
    whole = read([path], info.decoding, info.normalize, lines=True).encode(found.vocabulary)
    return [
        found.vocabulary.decode(part).splitlines()
        for part in info.division.split(whole, found.vocabulary)
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_no_line_of_a_list_of_names_is_on_both_sides(end, run):
    listed = names(5_000)
    Path("names.txt").write_bytes(end.join(listed).encode())  # without a last newline
    said = run("train", "--lines", "names.txt", *QUICK).stderr
    train, held_out = sides("names.txt")
    assert sorted([*train, *held_out]) == sorted(listed)
    assert not set(train) & set(held_out)
    assert 350 < len(held_out) < 650
    assert f"{len(listed) - len(set(listed)):,} of 5,000 lines repeat others" in said
    assert "added the newline that its last line lacks" in said


def test_new_names_are_new_and_unique_ones_different(run):
    listed = names(5_000)
    Path("names.txt").write_text("\n".join(listed))
    run("train", "--lines", "names.txt", *QUICK, "--steps", 120)
    words = ["sample", "--lines", 200, "--unique", "--seed", 1, "--temp", 0.5]
    written = run(*words).stdout.splitlines()
    assert set(written) & set(listed)
    written = run(*words, "--new").stdout.splitlines()
    assert len(set(written)) == 200
    assert not set(written) & set(listed)


def test_molecules_are_a_list_with_brackets_rings_and_backslashes(run):
    listed = molecules(400)
    Path("molecules.txt").write_text("\n".join(listed) + "\n")
    run("train", "--lines", "molecules.txt", *QUICK)
    written = run("sample", "--lines", 5, "--prime", r"C/C=C\\", "--seed", 1).stdout.splitlines()
    assert len(written) == 5
    assert all(line.startswith("C/C=C\\") for line in written)
    rows = run("inspect", "--score", "line", "--text", "molecules.txt").stdout.splitlines()
    assert [row.split("\t")[5] for row in rows] == listed
    run("inspect", "--export", "a.npz", "--by", "line", "--text", "molecules.txt")
    with np.load("a.npz") as arrays:
        np.testing.assert_allclose(
            arrays["layer1.c"], charrnn.load("charrnn.npz").states(listed)["layer1.c"], rtol=1e-4
        )
