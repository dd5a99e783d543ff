import subprocess
import sys

import pytest

from charrnn import inspection


@pytest.mark.parametrize("name", inspection.__all__)
def test_what_it_offers_is_there(name):
    assert getattr(inspection, name).__name__ == name


def test_what_it_does_not_offer_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nothing"):
        inspection.nothing  # noqa: B018


def test_it_is_imported_without_the_analyses():
    code = "import sys, charrnn.inspection; print('charrnn.inspection.find.search' in sys.modules)"
    run = [sys.executable, "-c", code]
    assert subprocess.run(run, capture_output=True, text=True, check=True).stdout == "False\n"
