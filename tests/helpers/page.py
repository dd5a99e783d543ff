"""The visible state of a report in a browser, compared with the report."""

import re

import numpy as np
import pytest

from charrnn.inspection.reading import Signal
from helpers.reports import TEXT

SHOWN = {"\n": "↵", " ": "␣", "\t": "⇥"}


def wait_for_cell(page, layer, signal, cell):
    page.wait_for_selector(f'#text[aria-label$=" cell {cell} of layer {layer}, {signal}"]')


def classes(page, text="text"):
    spans = f"document.querySelectorAll('#{text} span')"
    return page.evaluate(f"[...{spans}].map(s => s.className)")


def background(page, position):
    return (
        page.locator("#text span")
        .nth(position)
        .evaluate("s => getComputedStyle(s).backgroundColor")
    )


def drawn(report, layer, signal, cell):
    """The values of a cell as they are coloured, from −1 to 1."""
    values = report.recording.values[Signal(layer, signal)][:, cell]
    if signal == "c":
        return np.tanh(values)
    return 2 * values - 1 if signal in report.gates else values


def check_colours(page, report, layer, signal, cell):
    """Every character has the shade of its value, or one beside it where it is between two."""
    values = drawn(report, layer, signal, cell)
    found = classes(page)
    assert len(found) == len(values)
    for name, value in zip(found, values):
        step = (-1 if name[:1] == "b" else 1) * int(name[1:] or 0)
        assert step / 12 == pytest.approx(value, abs=0.5 / 12 + 0.5 / 63 + 1e-6)
        assert name == "" or name[0] in "br"
    for position in (int(values.argmin()), int(values.argmax())):
        red, _, blue = map(float, re.findall(r"[\d.]+", background(page, position))[:3])
        assert (blue > red) == (values[position] < 0)


def shown(page):
    """The contents of the panel: character, surprisal, value, and successors with probabilities."""
    return page.evaluate(
        """() => ({
            character: document.getElementById("character").textContent,
            surprisal: document.getElementById("surprisal-here").textContent,
            value: document.getElementById("value-here").textContent,
            came: document.getElementById("came").textContent,
            successors: [...document.querySelectorAll("#successors li")].map((item) => [
                item.querySelector("code").textContent,
                item.querySelector("data").textContent,
                item.hasAttribute("aria-current")])})"""
    )


def number(text):
    return float(text.removesuffix(" bits").removesuffix(" %").replace("−", "-"))


def check_panel(page, report, position, layer, signal, cell):
    """The panel has the numbers of the recording."""
    found, recording = shown(page), report.recording
    assert found["character"] == SHOWN.get(TEXT[position], TEXT[position])
    if position == 0:  # nothing predicts the first character
        assert found["surprisal"] == "–"
    else:
        bits = recording.losses[position - 1] / np.log(2)
        assert number(found["surprisal"]) == pytest.approx(bits, abs=0.0051)
    values = drawn(report, layer, signal, cell)
    value = (values[position] + 1) / 2 if signal in report.gates else values[position]
    assert number(found["value"]) == pytest.approx(value, abs=0.5 / 63 + 0.0051)
    assert len(found["successors"]) == 5
    for rank, (character, probability, came) in enumerate(found["successors"]):
        guess = report.characters[recording.guesses[position, rank]]
        if guess.isprintable() and guess != " ":
            assert character.removeprefix("◌") == guess
        expected = 100 * recording.probabilities[position, rank]
        assert number(probability) == pytest.approx(expected, abs=0.061)
        assert came == (guess == TEXT[position + 1])
