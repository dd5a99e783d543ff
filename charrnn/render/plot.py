"""Figures as pictures: files of matplotlib, and SVG for a page. Needs the extra `report`."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from html import escape
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

from charrnn.errors import SettingError
from charrnn.files import replacing
from charrnn.render.axes import draw, height_of
from charrnn.render.extras import need
from charrnn.render.figures import Figure
from charrnn.render.wrap import one_line

EXTRA = "report"
#: What matplotlib would write into a file about itself and today: the same figures are to be
#: the same file, whenever it is made.
METADATA: dict[str, dict[str, Any]] = {
    ".png": {"Software": None},
    ".svg": {"Date": None, "Creator": None, "Format": None, "Type": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
#: Inches of a picture's width; how many at most stand in one column; inches around each.
WIDTH, IN_A_COLUMN, PAD = 7.0, 4, 0.1
#: Drawn in this colour, which no data has, and then in that of the text around it.
INK, CURRENT = "#010203", "currentColor"
#: Settings of matplotlib; all others are its own defaults, whatever the user has set.
SETTINGS = {
    "text.parse_math": False,  # a text may hold dollars and backslashes that are no formula
    "svg.fonttype": "none",  # text that can be found and copied
    "svg.hashsalt": "charrnn",
    "pdf.fonttype": 42,
}
#: Settings of colours that are to be that of the ink.
INKED = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")

TAG = re.compile("<[^<>]*>")
ID = re.compile(r' id="([^"]*)"')
REFERENCE = re.compile(r'(?:xlink:)?(href="|url\()#([^")]*)')


def check_suffix(path: str | Path) -> None:
    """Find out whether pictures can be written to a path, before any work is done for them.

    Raises:
        SettingError: if its suffix is of no kind that can be drawn.
        MissingExtraError: if matplotlib is not installed.
    """
    if Path(path).suffix.lower() not in METADATA:
        *most, last = METADATA
        raise SettingError(f"{path}: a picture ends in {', '.join(most)} or {last}")
    need("matplotlib", EXTRA)


def save(figures: Sequence[Figure], path: str | Path) -> None:
    """Draw figures into a file, one below the other; of many, two side by side.

    Args:
        figures: one or more.
        path: ends in .png, .svg or .pdf.

    Raises:
        SettingError: if it ends in anything else, or cannot be written.
        MissingExtraError: if matplotlib is not installed.
    """
    check_suffix(path)
    suffix = Path(path).suffix.lower()
    across = 1 if len(figures) <= IN_A_COLUMN else 2
    drawn = BytesIO()
    with _style("black"):
        _picture(figures, across, "black").savefig(
            drawn, format=suffix[1:], dpi=150, metadata=METADATA[suffix]
        )
    try:
        with replacing(path) as file:
            file.write(drawn.getvalue())
    except OSError as error:
        raise SettingError(f"{path}: cannot be written: {error.strerror}") from error


def svg(figure: Figure) -> str:
    """A figure as an `<svg>` element to stand in a page.

    Its text and axes have the colour of the text around it, its background is what is behind
    it, its names clash with those of no other, and it is as wide as there is room for.

    Raises:
        MissingExtraError: if matplotlib is not installed.
    """
    drawn = StringIO()
    with _style(INK):
        _picture([figure], 1, INK).savefig(
            drawn, format="svg", transparent=True, metadata=METADATA[".svg"]
        )
    return _inline(drawn.getvalue(), figure.title)


@contextmanager
def _style(ink: str) -> Iterator[None]:
    """The settings of matplotlib while something is drawn; the user's are left as they were."""
    matplotlib = need("matplotlib", EXTRA)
    with matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(SETTINGS | dict.fromkeys(INKED, ink))
        # Its font has no Hangul, for instance: a box in its place will do.
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        yield


def _picture(figures: Sequence[Figure], across: int, ink: str) -> Any:
    """A figure of matplotlib with figures of ours in it, so many side by side."""
    heights = [
        max(map(height_of, figures[first : first + across]))
        for first in range(0, len(figures), across)
    ]
    # Made without pyplot, which would keep it, and might open a window.
    picture = need("matplotlib.figure", EXTRA).Figure(
        figsize=(WIDTH * across, sum(heights)), layout="constrained"
    )
    parts = picture.subfigures(len(heights), across, height_ratios=heights, squeeze=False)
    picture.get_layout_engine().set(w_pad=PAD, h_pad=PAD)
    for figure, part in zip(figures, parts.flat):
        draw(figure, part.add_subplot(), ink)
    return picture


def _inline(drawn: str, title: str) -> str:
    """What matplotlib wrote, made fit for a page: see `svg`."""
    size = re.search('viewBox="([^"]*)"', drawn)
    assert size is not None
    # Without the prolog; without the style sheet too, which would hold for the whole page.
    body = re.sub("<style.*?</style>", "", drawn[drawn.index("<svg") :], flags=re.DOTALL)
    body = body[body.index(">") + 1 :]
    used = {match[2] for tag in TAG.findall(body) for match in REFERENCE.finditer(tag)}
    prefix = f"c{sha256(body.encode()).hexdigest()[:12]}-"

    def mend(match: re.Match[str]) -> str:
        """A tag; what stands between tags may look like anything."""
        tag = ID.sub(lambda id: f' id="{prefix}{id[1]}"' if id[1] in used else "", match[0])
        tag = REFERENCE.sub(rf"\1#{prefix}\2", tag)
        return re.sub('font-family: [^;"]*;? ?', "", tag).replace(INK, CURRENT)

    body = re.sub(r">\s+<", "><", TAG.sub(mend, body)).replace("<g/>", "")
    name = f"{prefix}title"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{size[1]}" role="img" '
        f'aria-labelledby="{name}" font-family="system-ui, sans-serif" stroke-linejoin="round">'
        f'<title id="{name}">{escape(one_line(title))}</title>{body.strip()}'
    )
