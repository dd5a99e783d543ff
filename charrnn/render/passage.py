"""A coloured text as HTML, in the classes of colours of the page."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from itertools import groupby
from operator import itemgetter

from charrnn.inspection.answer import ColoredText
from charrnn.render.escape import printable

#: The classes of colours on either side of zero, in report.css: b1 … b12 and r1 … r12.
SHADES = 12
#: White space as it is shown.
VISIBLE = {"\n": "↵\n", "\t": "⇥\t"}


def passage(picture: ColoredText) -> str:
    """A coloured text with its title and the key of its colours, as HTML."""
    text = ((VISIBLE.get(char, char), float(s)) for char, s in zip(picture.text, picture.shades))
    labels = ((f" {label} ", shade) for shade, label in picture.stops)
    return (
        f"<h3>{_safe(picture.title)}</h3>"
        f'<p class="passage">{_spans(text)}</p><p class="passage">{_spans(labels)}</p>'
    )


def _spans(pieces: Iterable[tuple[str, float]]) -> str:
    """Pieces of text, each on the colour of its shade; neighbours of one colour in one element."""
    classed = ((piece, _class(shade)) for piece, shade in pieces)
    spans = []
    for name, run in groupby(classed, key=itemgetter(1)):
        text = _safe("".join(piece for piece, _ in run))
        spans.append(f'<span class="{name}">{text}</span>' if name else text)
    return "".join(spans)


def _class(shade: float) -> str:
    step = round(min(1.0, abs(shade)) * SHADES)
    return f"{'b' if shade < 0 else 'r'}{step}" if step else ""


def _safe(text: str) -> str:
    return escape(printable(text))
