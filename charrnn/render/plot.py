"""Figures as image files, and as SVG for a page. Needs the extra `report`."""

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
from charrnn.extras import need
from charrnn.files import replacing
from charrnn.inspection.answer import ColoredText, Figure
from charrnn.render import axes, colored
from charrnn.render.wrap import one_line, wrapped

EXTRA = "report"
#: The maker of a picture in its metadata, which stand among its first or its last bytes.
MAKER, FEW_BYTES = "charrnn", 65_536
#: Metadata by suffix; None for what matplotlib leaves out, so that equal figures give equal files.
METADATA: dict[str, dict[str, Any]] = {
    ".png": {"Software": MAKER},
    ".svg": {"Date": None, "Creator": MAKER, "Format": None, "Type": None},
    ".pdf": {"CreationDate": None, "Creator": MAKER, "Producer": None},
}
#: The width of a picture in inches; the largest number in one column; inches around each.
WIDTH, MAX_IN_A_COLUMN, PAD = 7.0, 4, 0.1
#: The longest line of a caption, in characters, and its height in inches.
CAPTION, CAPTION_LINE = 95, 0.16
#: The colour that is drawn, which no data has, and the one that replaces it: that of the page.
INK, CURRENT = "#010203", "currentColor"
#: Settings of matplotlib; all others are its defaults, not those of the user.
SETTINGS = {
    "text.parse_math": False,  # dollars and backslashes of a text are no formula
    "svg.fonttype": "none",  # text that can be searched and copied
    "svg.hashsalt": "charrnn",
    "pdf.fonttype": 42,
}
#: Settings of the colour of the ink.
INKED = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")

TAG = re.compile("<[^<>]*>")
ID = re.compile(r' id="([^"]*)"')
REFERENCE = re.compile(r'(?:xlink:)?(href="|url\()#([^")]*)')


def check_suffix(path: str | Path) -> None:
    """Check that a picture can have the suffix of a path.

    Raises:
        SettingError: for the suffix of another format.
        MissingExtraError: if matplotlib is not installed.
    """
    if Path(path).suffix.lower() not in METADATA:
        *most, last = METADATA
        raise SettingError(f"{path}: a picture ends in {', '.join(most)} or {last}")
    need("matplotlib", EXTRA)


def is_own(path: Path) -> bool:
    """True for a picture that `save` has written, whose metadata name its maker."""
    content = path.read_bytes()
    return MAKER.encode() in content[:FEW_BYTES] or MAKER.encode() in content[-FEW_BYTES:]


def save(figures: Sequence[Figure | ColoredText], path: str | Path) -> None:
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
    across = 1 if len(figures) <= MAX_IN_A_COLUMN else 2
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

    Its text and axes have the colour of the text around it, its background is transparent, its
    ids are unique on the page, and it takes the full width. The page itself has the caption.

    Raises:
        MissingExtraError: if matplotlib is not installed.
    """
    drawn = StringIO()
    with _style(INK):
        _picture([figure], 1, INK, captions=False).savefig(
            drawn, format="svg", transparent=True, metadata=dict.fromkeys(METADATA[".svg"])
        )
    return _inline(drawn.getvalue(), figure.title)


@contextmanager
def _style(ink: str) -> Iterator[None]:
    """Apply our settings of matplotlib, and restore those of the user afterwards."""
    matplotlib = need("matplotlib", EXTRA)
    with matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(SETTINGS | dict.fromkeys(INKED, ink))
        # A box replaces characters that its font does not have, such as Hangul.
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        yield


def _picture(
    figures: Sequence[Figure | ColoredText], across: int, ink: str, *, captions: bool = True
) -> Any:
    """A figure of matplotlib with our figures, `across` of them side by side."""
    below = [
        wrapped(figure.caption, CAPTION) if captions and figure.caption else []
        for figure in figures
    ]
    heights = [
        _module(figure).height_of(figure) + CAPTION_LINE * len(lines)
        for figure, lines in zip(figures, below)
    ]
    of_rows = [max(heights[first : first + across]) for first in range(0, len(figures), across)]
    # Made without pyplot, which would keep the figure, and might open a window.
    picture = need("matplotlib.figure", EXTRA).Figure(
        figsize=(WIDTH * across, sum(of_rows)), layout="constrained"
    )
    parts = picture.subfigures(len(of_rows), across, height_ratios=of_rows, squeeze=False)
    picture.get_layout_engine().set(w_pad=PAD, h_pad=PAD)
    for figure, lines, part in zip(figures, below, parts.flat):
        _module(figure).draw(figure, part.add_subplot(), ink)
        if lines:
            part.supxlabel("\n".join(lines), x=0.01, ha="left", fontsize="small", color=ink)
    return picture


def _module(figure: Figure | ColoredText) -> Any:
    """The module that draws a figure."""
    return colored if isinstance(figure, ColoredText) else axes


def _inline(drawn: str, title: str) -> str:
    """Adapt the SVG of matplotlib to a page: see `svg`."""
    size = re.search('viewBox="([^"]*)"', drawn)
    assert size is not None
    # Without the prolog, and without the style sheet, which would apply to the whole page.
    body = re.sub("<style.*?</style>", "", drawn[drawn.index("<svg") :], flags=re.DOTALL)
    body = body[body.index(">") + 1 :]
    used = {match[2] for tag in TAG.findall(body) for match in REFERENCE.finditer(tag)}
    prefix = f"c{sha256(body.encode()).hexdigest()[:12]}-"

    def mend(match: re.Match[str]) -> str:
        """Adapt a tag; the text between tags is left alone."""
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
