"""A file imports only from floors below its own, so there are no cycles and no surprises."""

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import charrnn

ROOT = Path(charrnn.__file__).parent

#: The lowest first. A name stands for a file or a folder of the package; the longest one counts.
FLOORS = [
    {"__init__", "errors", "arrays"},
    {"files", "locks", "config"},
    {"text", "parallel"},
    {"sampling"},
    {"network"},
    {"checkpoint"},
    {"training"},
    {"api", "inspection"},
    {"render"},
    {"cli"},
    {"__main__"},
]
FLOOR = {name: number for number, names in enumerate(FLOORS) for name in names}
FILES = sorted(ROOT.rglob("*.py"))


def floor_of(parts):
    """The longest name in `FLOOR` of a file or folder of the package, given by its parts."""
    names = ["/".join(parts[: number + 1]) for number in range(len(parts))]
    return next((name for name in reversed(names) if name in FLOOR), "__init__")


def place(file):
    """The file or folder of the package that a file belongs to."""
    return floor_of(file.relative_to(ROOT).with_suffix("").parts)


def imports(file):
    """What a file imports from the package, and whether that is at its top level."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            if name.split(".")[0] == "charrnn":
                yield name, node in tree.body


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_file_imports_only_from_floors_below(file):
    here = place(file)
    if here == "__init__":
        return  # names what it offers, and imports it late
    for name, at_top in imports(file):
        there = floor_of(name.split(".")[1:])
        # What a folder offers of its own may be named for the type checker alone.
        assert at_top or there == here, f"{file.name} imports {name} inside of a function"
        if there != here:
            assert FLOOR[there] < FLOOR[here], f"{file.name} imports {name}"


def within(folder):
    """What the files of a folder import from each other at their top level, by name."""
    prefix = ".".join(("charrnn", *folder.relative_to(ROOT).parts))
    files = {f"{prefix}.{file.stem}": file for file in folder.glob("*.py")}
    return {
        name: {
            there
            for full, _ in imports(file)
            for there in files
            if f"{full}.".startswith(f"{there}.")
        }
        for name, file in files.items()
        if file.stem != "__init__"
    }


@pytest.mark.parametrize("folder", sorted({file.parent for file in FILES}), ids=lambda f: f.name)
def test_the_files_of_a_folder_do_not_import_each_other_in_a_circle(folder):
    TopologicalSorter(within(folder)).prepare()  # raises where there is one


def test_every_part_of_the_package_has_a_floor():
    assert {place(file) for file in FILES} == set(FLOOR)


def test_files_can_be_read_in_one_sitting():
    assert [file.name for file in FILES if len(file.read_text().splitlines()) > 600] == []


def test_only_the_command_line_knows_click_and_tqdm():
    for file in FILES:
        text = file.read_text(encoding="utf-8")
        if place(file) != "cli":
            assert "import click" not in text
            assert "tqdm" not in text


def test_nothing_touches_the_global_random_state():
    for file in FILES:
        text = file.read_text(encoding="utf-8")
        assert "import random" not in text
        drawn = set(re.findall(r"np\.random\.(\w+)", text))
        assert drawn <= {"default_rng", "Generator", "SeedSequence"}, file


def calls(file):
    """The names of the functions that a file calls by their name alone."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id


def test_the_library_never_prints():
    # When all ranks are ended at once, only print is left to say why.
    speaking = {"cli", "__main__", "parallel/launch.py"}
    for file in FILES:
        if not {place(file), file.relative_to(ROOT).as_posix()} & speaking:
            assert "print" not in calls(file), file


def test_all_json_is_strict():
    """Neither NaN nor Infinity, which only Python takes for JSON."""
    written = 0
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("json.dumps", "json.dump"):
                allowed = [word.value for word in node.keywords if word.arg == "allow_nan"]
                assert [ast.unparse(value) for value in allowed] == ["False"], file
                written += 1
    assert written >= 5
