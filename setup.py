"""The long description: README.md with links that work outside of the repository.

The rest of the metadata is in setup.cfg.
"""

import re
from configparser import ConfigParser
from pathlib import Path

from setuptools import setup

FOLDER = Path(__file__).parent


def with_absolute_links(markdown: str, url: str) -> str:
    """Point the relative links and pictures of a README at a repository on GitHub."""
    raw = url.replace("github.com", "raw.githubusercontent.com")
    markdown = re.sub(r"!\[([^]]*)\]\((?!https?:|#)", rf"![\1]({raw}/main/", markdown)
    return re.sub(r"(?<!!)\[([^]]*)\]\((?!https?:|#)", rf"[\1]({url}/blob/main/", markdown)


config = ConfigParser()
config.read(FOLDER / "setup.cfg", encoding="utf-8")
readme = (FOLDER / "README.md").read_text(encoding="utf-8")
setup(
    long_description=with_absolute_links(readme, config["metadata"]["url"]),
    long_description_content_type="text/markdown",
)
