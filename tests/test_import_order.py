"""The order of imports: each unit imports only from earlier units, so there are no cycles."""

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import charrnn

ROOT = Path(charrnn.__file__).parent

#: The files and folders of the package. A unit imports only from units before it.
ORDER = [
    "errors",
    "arrays",
    "shell",
    "machine",
    "extras",
    "names",
    "files",
    "locks",
    "config",
    "text",
    "network",
    "sampling",
    "parallel",
    "checkpoint",
    "training",
    "inspection",
    "api",
    "render",
    "cli",
    "__main__",
]
FILES = sorted(ROOT.rglob("*.py"))


def unit_of(parts):
    """The unit of a module, given by its names after `charrnn`; "__init__" for the package."""
    return parts[0] if parts and parts[0] in ORDER else "__init__"


def unit(file):
    """The unit of a file."""
    return unit_of(file.relative_to(ROOT).with_suffix("").parts)


def imports(file):
    """Yield the names that a file imports from the package, each with True if it is at the top."""
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


def backward_imports():
    """Yield the imports against the order: the unit, and the module that it imports."""
    for file in FILES:
        here = unit(file)
        if here == "__init__":  # imports the public names late
            continue
        for name, _ in imports(file):
            parts = name.split(".")[1:]
            there = unit_of(parts)
            if there not in (here, "__init__") and ORDER.index(there) > ORDER.index(here):
                yield here, "/".join(parts[:2] if (ROOT / parts[0]).is_dir() else parts[:1])


def test_each_unit_imports_only_from_units_before_it():
    assert set(backward_imports()) == set()


def test_imports_inside_functions_stay_within_their_unit():
    for file in FILES:
        for name, at_top in imports(file):
            inner = unit_of(name.split(".")[1:]) == unit(file)
            assert at_top or inner or unit(file) == "__init__", f"{file} imports {name} late"


def folders():
    """Each folder with the imports among its files, and the package with those among its units."""
    yield ROOT, {
        name: {unit_of(full.split(".")[1:]) for file in FILES if unit(file) == name
               for full, _ in imports(file)} - {name, "__init__"}
        for name in ORDER
    }  # fmt: skip
    for folder in sorted({file.parent for file in FILES} - {ROOT}):
        prefix = ".".join(("charrnn", *folder.relative_to(ROOT).parts))
        inside = {f"{prefix}.{path.stem}" for path in folder.iterdir() if is_module(path)}
        yield (
            folder,
            {
                name: {
                    there
                    for file in files_of(folder, name)
                    for full, _ in imports(file)
                    for there in inside - {name}
                    if f"{full}.".startswith(f"{there}.")
                }
                for name in inside
            },
        )


def is_module(path):
    return (path.suffix == ".py" and path.stem != "__init__") or (path / "__init__.py").exists()


def files_of(folder, name):
    """The files of a module or of a folder in it."""
    path = folder / name.split(".")[-1]
    return path.rglob("*.py") if path.is_dir() else [path.with_suffix(".py")]


@pytest.mark.parametrize(
    "graph",
    [graph for _, graph in folders()],
    ids=[str(folder.relative_to(ROOT)) for folder, _ in folders()],
)
def test_no_two_files_or_folders_import_each_other(graph):
    TopologicalSorter(graph).prepare()  # raises CycleError


def test_every_file_and_folder_has_a_position_in_the_order():
    assert {unit(file) for file in FILES} == {*ORDER, "__init__"}
    inside = {path.stem for path in ROOT.iterdir() if is_module(path)}
    assert inside == set(ORDER)


def test_files_can_be_read_in_one_sitting():
    assert [file.name for file in FILES if len(file.read_text().splitlines()) > 600] == []


def test_only_the_command_line_knows_click_and_tqdm():
    for file in FILES:
        text = file.read_text(encoding="utf-8")
        if unit(file) != "cli":
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
        if not {unit(file), file.relative_to(ROOT).as_posix()} & speaking:
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
