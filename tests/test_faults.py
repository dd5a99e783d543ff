"""The exit code and the message of every case of `tests/faults.py`."""

import pytest
from faults import CASES, DOCUMENT, SECTIONS, carry_out, cell, code, folder

from charrnn.checkpoint import read


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
def test_each_failure_has_its_message(case):
    with folder() as place:
        done = carry_out(case, place)
        said = done.stdout + done.stderr
        assert done.returncode == case.code, said
        assert case.said in said
        assert "Traceback" not in said
        if ">> model.npz" not in case.command:
            assert read(place / "model.npz").run.step == 20  # the intact checkpoint is unchanged


def test_the_document_has_every_case():
    written = DOCUMENT.read_text(encoding="utf-8")
    for section, cases in SECTIONS.items():
        assert f"## {section}\n" in written
        for case in cases:
            assert f"| {cell(case.what)} | {code(case.command)} | {case.code} | " in written
