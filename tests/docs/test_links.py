"""The links between the documents, and the size of the README."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").glob("*.md"),
        ROOT / "data" / "README.md",
        ROOT / "benchmarks" / "README.md",
    ]
)
LINK = re.compile(r"\[[^]]*\]\((?P<target>[^)\s]+)\)")
#: The most words of the README, code included.
MAX_WORDS = 1_300


def targets(page):
    """The documents and pictures that a page links to; `test_tree.py` has links into the code."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for found in LINK.finditer(text):
        target = found["target"]
        if not re.match(r"https?:|mailto:|#|(\.\./)?charrnn/", target):
            yield target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_linked_files_exist(page):
    for target in targets(page):
        path = page.parent / target.partition("#")[0]
        assert path.exists(), f"{page.relative_to(ROOT)} links to {target}"


def test_every_page_of_docs_is_linked_from_the_readme():
    linked = {Path(target).name for target in targets(ROOT / "README.md")}
    assert linked >= {page.name for page in (ROOT / "docs").glob("*.md")}


def test_every_picture_is_shown():
    shown = {Path(target).name for page in PAGES for target in targets(page)}
    assert shown >= {picture.name for picture in (ROOT / "docs").glob("*.png")}


def test_the_readme_is_short():
    words = (ROOT / "README.md").read_text(encoding="utf-8").split()
    assert len(words) <= MAX_WORDS
