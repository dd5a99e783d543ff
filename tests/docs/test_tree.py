"""The package as README.md and CONTRIBUTING.md describe it: the tree, and the files they name."""

import re
from pathlib import Path

import pytest
from test_import_order import ORDER

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "charrnn"
README = (ROOT / "README.md").read_text(encoding="utf-8")
#: A line of the tree: the name, and the purpose.
ENTRY = re.compile(r"^ {8}(?P<name>\w+(?:/|\.py)) +(?P<purpose>\S.*)$", re.MULTILINE)
#: A link to a file or a folder of the package.
LINK = re.compile(r"\]\((?P<target>(?:\.\./)*charrnn/[^)\s#]*)")
#: A path in code: `folder/name`, `folder/name.py`, `folder/`, or `name.py`.
PATH = re.compile(r"`(?P<path>(?:[\w-]+/)+(?:[\w-]+(?:\.py)?)?|\w+\.py)`")
NAMING = ("README.md", "CONTRIBUTING.md")
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def entries():
    """The names in the tree of the README, in order."""
    tree = README.partition("\n    charrnn/\n")[2].partition("\n\n")[0]
    assert all(ENTRY.match(line) for line in tree.splitlines())
    return [entry["name"] for entry in ENTRY.finditer(tree)]


def test_the_tree_has_the_folders_and_files_of_the_package():
    files = {path.name for path in PACKAGE.glob("*.py")} - {"__main__.py"}
    folders = {f"{path.parent.name}/" for path in PACKAGE.glob("*/__init__.py")}
    assert set(entries()) == files | folders


def test_the_tree_is_in_the_order_of_imports():
    names = [name.removesuffix("/").removesuffix(".py") for name in entries()]
    assert names == ["__init__", *ORDER[: ORDER.index("__main__")]]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_into_the_code_lead_to_a_file(page):
    for found in LINK.finditer(page.read_text(encoding="utf-8")):
        assert (page.parent / found["target"]).exists(), found["target"]


def exists(path):
    """Return True for a file or folder that exists; a file may be named without `.py`."""
    if "/" not in path:
        return any(PACKAGE.rglob(path)) or any(ROOT.glob(path))
    places = (ROOT, PACKAGE)
    return any((place / name).exists() for place in places for name in (path, f"{path}.py"))


@pytest.mark.parametrize("name", NAMING)
def test_files_that_are_named_exist(name):
    paths = [found["path"] for found in PATH.finditer((ROOT / name).read_text(encoding="utf-8"))]
    assert paths
    assert [path for path in paths if not exists(path)] == []


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("training/trainer.py", True),
        ("training/run", True),
        ("network/layers/", True),
        ("layer.py", True),
        ("training/session", False),
        ("training/config.py", False),
        ("cells.js", False),
    ],
)
def test_what_counts_as_a_file(path, expected):
    assert exists(path) == expected
