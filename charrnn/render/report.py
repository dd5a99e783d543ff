"""One HTML file that shows a model: no server, no network, nothing from outside."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np

from charrnn.arrays import Array
from charrnn.errors import SettingError
from charrnn.extras import need
from charrnn.files import replacing
from charrnn.inspection.answer import Answer, ColoredText, Figure
from charrnn.inspection.reading import Signal
from charrnn.inspection.recording import Recording
from charrnn.render.escape import printable
from charrnn.render.network import Network, network_data, packed_start, packed_weights
from charrnn.render.passage import SHADES, passage
from charrnn.render.plot import svg
from charrnn.render.shades import largest, shades

#: Steps for values on either side of zero. That is seven bits, finer than colours can show: noise
#: in 2 × 512 cells over 20,000 characters takes 24 MB.
LEVELS = 63
#: The units of surprisal, hundredths of a bit, and of probabilities, both in 16 bits.
PER_BIT, PER_ONE = 100, 10_000
#: The number in place of the surprisal of the first character, which nothing predicts.
UNPREDICTED = 0xFFFF
#: Entries that a table aligns to the right: 0.42, −3, 12,000, 7 %, +0.1 (−0.2 to +0.3), a dash.
NUMBER = re.compile(r"[+\-−]?[\d,.]+\s?%?(\s?\(.* to .*\))?|[–—-]")

#: The parts of the script, which is one module.
SCRIPTS = (
    *("page", "model", "text", "passages", "choosing", "reading", "why", "writing", "holding"),
    "start",
)


@dataclass(frozen=True)
class Section:
    """A section of the page: its heading and its answer."""

    heading: str
    answer: Answer


@dataclass(frozen=True)
class Find:
    """A row of the table of cells found.

    Attributes:
        columns: the entries of the row; the first becomes a link to the cell.
        signal, cell: the selection of the link; None for no link.
        position: the character that the link selects; beyond the text, only the cell is selected.
    """

    columns: tuple[str, ...]
    signal: Signal | None
    cell: int
    position: int


@dataclass(frozen=True)
class Report:
    """The contents of the page.

    Attributes:
        title: the title of the page.
        introduction: paragraphs on the text, the network, and how to read the page.
        summary: facts about the model, each with its label.
        text: the excerpt, N characters.
        characters: the character of each index, V characters.
        recording: values (N, H) of every signal to show, in order; losses (N − 1,), guesses
            (N, K) and probabilities (N, K). `charrnn.render.shades` maps values to colours.
        gates: the names of signals from 0 to 1, drawn from blue, closed, to red, open.
        headings: the headings of the table of cells found.
        found: the rows of the table.
        sections: the answers of the analyses, in order.
        network: the network that runs in the page; None for a page that only shows a recording.
        text_name: the name of the text.
        ranges: for each signal that can be held, the values to which the page can set each cell,
            as from `charrnn.inspection.effect.cell_ranges`: least, low, high, most, (H, 4).
    """

    title: str
    introduction: tuple[str, ...]
    summary: tuple[tuple[str, str], ...]
    text: str
    characters: str
    recording: Recording
    gates: frozenset[str]
    headings: tuple[str, ...]
    found: tuple[Find, ...]
    sections: tuple[Section, ...]
    network: Network | None = None
    text_name: str = "the text"
    ranges: Mapping[Signal, Array] = field(default_factory=dict)


def page(report: Report) -> str:
    """The page as HTML.

    Untrusted text is inert: the template escapes it and spells out control and bidi characters;
    the excerpt is a list of numbers of which the script makes text nodes; and the content
    security policy allows only the script with this hash, and loads nothing.

    Raises:
        MissingExtraError: where Jinja2 is not installed, or matplotlib for a page with figures.
    """
    template = _template()
    of_cells, sections = _divided(report)
    style = _asset("report.css")
    script = "\n".join(_asset(f"{name}.js") for name in SCRIPTS)
    signals = list(report.recording.values)
    rendered: str = template.render(
        report=report,
        policy=_policy(style, script),
        style=style,
        script=script,
        found=[find.columns for find in report.found],
        links=[_link(find, report) for find in report.found],
        of_cells=of_cells,
        sections=sections,
        draw=_markup,
        alignment=_alignment,
        data=_embedded(_page_data(report, signals)),
        guesses=report.recording.guesses.shape[1],
        half=report.network is not None and report.network.half,
        binary=report.network is not None and report.network.binary,
        weights=packed_weights(report.network) if report.network else "",
        start=packed_start(report.network) if report.network else "",
        packed=[_packed_cells(report, signal) for signal in signals],
        surprisal=_packed(_surprisal(report.recording.losses)),
        packed_guesses=_packed(report.recording.guesses.astype("<u4")),
        probabilities=_packed(_probabilities(report.recording.probabilities)),
    )
    return rendered


def save(report: Report, path: str | Path) -> None:
    """Write the page; a failure leaves the old file.

    Raises:
        SettingError: where the file cannot be written.
        MissingExtraError: as `page`.
    """
    content = page(report).encode()
    try:
        with replacing(path) as file:
            file.write(content)
    except OSError as error:
        raise SettingError(f"{path}: cannot be written: {error.strerror or error}") from error


def _template() -> Any:
    jinja2 = need("jinja2", "report")
    environment = jinja2.Environment(
        autoescape=True,
        finalize=_inert,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.from_string(_asset("report.html.j2"))


def _asset(name: str) -> str:
    return resources.files("charrnn.render").joinpath(f"assets/{name}").read_text(encoding="utf-8")


def _divided(report: Report) -> tuple[list[Section], list[Section]]:
    """The section of the search for cells, which stands beside the table; and the other ones."""
    found = tuple(find.columns for find in report.found)
    of_cells = [
        s for s in report.sections if found and s.answer.table and s.answer.table.rows == found
    ][:1]
    return of_cells, [section for section in report.sections if section not in of_cells]


def _markup(figure: Figure | ColoredText) -> str:
    """A figure or a coloured text as HTML."""
    return passage(figure) if isinstance(figure, ColoredText) else svg(figure)


def _inert(value: Any) -> Any:
    """Make a value printable unless it is marked as HTML."""
    return value if hasattr(value, "__html__") else printable(str(value))


def _policy(style: str, script: str) -> str:
    """The content security policy: the style and the script of this page alone."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src '{_digest(script)}'",
            f"style-src '{_digest(style)}'",
            "style-src-attr 'unsafe-inline'",  # in the pictures
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _digest(content: str) -> str:
    digest = hashlib.sha256(content.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def _embedded(value: Any) -> str:
    """A value as JSON that is safe inside a script element."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))  # U+2028 is escaped in it
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _page_data(report: Report, signals: list[Signal]) -> dict[str, Any]:
    """The data of the script besides the values.

    Characters are code points: in JavaScript, two adjacent halves of a surrogate pair would
    become one character.
    """
    values = report.recording.values
    return {
        "text": list(map(ord, report.text)),
        "characters": list(map(ord, report.characters)),
        "guesses": report.recording.guesses.shape[1],
        "levels": LEVELS,
        "perBit": PER_BIT,
        "perOne": PER_ONE,
        "unpredicted": UNPREDICTED,
        "shades": SHADES,
        "signals": [
            {
                "layer": signal.layer,
                "name": signal.name,
                "cells": values[signal].shape[1],
                "gate": signal.name in report.gates,
                "largest": largest(values[signal], signal.name),
            }
            for signal in signals
        ],
        "network": network_data(report.network) if report.network else None,
        "ranges": {
            f"{signal.layer}.{signal.name}": np.round(of_cells.astype(float), 3).tolist()
            for signal, of_cells in report.ranges.items()
        },
    }


def _alignment(rows: Sequence[Sequence[str]]) -> list[str]:
    """The class of each column of a table, for its alignment."""
    return ["number" if all(map(NUMBER.fullmatch, column)) else "words" for column in zip(*rows)]


def _packed_cells(report: Report, signal: Signal) -> str:
    """A line for each cell of a signal: its values as steps from 0 to 2·`LEVELS`, one byte each."""
    values = report.recording.values[signal]
    drawn = shades(values, signal.name, report.gates, largest(values, signal.name))
    levels = (np.rint(LEVELS * drawn) + LEVELS).astype(np.uint8)
    return "\n".join(_packed(cell) for cell in levels.T)


def _surprisal(losses: Array) -> Array:
    """Losses in nats, (N − 1,), as hundredths of a bit, (N,)."""
    hundredths = np.nan_to_num(np.rint(losses / np.log(2) * PER_BIT), nan=np.inf)
    return np.append(UNPREDICTED, np.clip(hundredths, 0, UNPREDICTED - 1)).astype("<u2")


def _probabilities(of_guesses: Array) -> Array:
    parts: Array = np.rint(np.nan_to_num(of_guesses) * PER_ONE).astype("<u2")
    return parts


def _packed(array: Array) -> str:
    """The bytes of an array, deflated, as characters that are safe in HTML."""
    return base64.b64encode(zlib.compress(array.tobytes(), 9)).decode()


def _link(find: Find, report: Report) -> str | None:
    """The fragment by which the script selects a cell; None without a cell."""
    if find.signal is None or find.signal not in report.recording.values:
        return None
    state: dict[str, Any] = {
        "layer": find.signal.layer,
        "signal": find.signal.name,
        "cell": find.cell,
    }
    if 0 <= find.position < len(report.text):
        state["position"] = find.position
    return f"#{urlencode(state)}"
