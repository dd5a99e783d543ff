import json
import logging
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

from charrnn.errors import CharRNNError, MissingExtraError
from charrnn.render.extras import EXTRAS, need


def test_an_installed_module_is_imported():
    assert need("json", "report") is json
    assert need("json.decoder", "report") is json.decoder


def test_a_missing_package_is_named_with_what_installs_it():
    with pytest.raises(MissingExtraError) as caught:
        need("no_such_package.part", "report")
    assert str(caught.value) == "no_such_package is not installed: pip install jinja2 matplotlib"
    assert isinstance(caught.value, CharRNNError)


def test_the_packages_of_the_extras_are_those_that_are_installed_with_charrnn():
    configuration = ConfigParser()
    configuration.read(Path(__file__).parents[2] / "setup.cfg")
    extras = configuration["options.extras_require"]
    for extra, packages in EXTRAS.items():
        assert packages.split() == [line.partition(">")[0] for line in extras[extra].split()]


def test_a_package_that_an_installed_one_misses_is_named(tmp_path, monkeypatch):
    (tmp_path / "half_installed.py").write_text("import its_missing_part")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MissingExtraError, match="its_missing_part is not installed"):
        need("half_installed", "report")
    assert "half_installed" not in sys.modules


def test_a_broken_package_is_not_taken_for_a_missing_one(tmp_path, monkeypatch):
    (tmp_path / "broken_package.py").write_text("from json import no_such_name")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ImportError, match="no_such_name"):
        need("broken_package", "report")


def test_the_log_of_a_package_that_is_imported_is_dropped(tmp_path, monkeypatch, caplog):
    code = "import logging\nlogging.getLogger(__name__).warning('no home for a cache')\n"
    (tmp_path / "talking_package.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    need("talking_package", "report")
    assert caplog.text == ""
    logging.getLogger("talking_package").warning("later")
    assert "later" in caplog.text
