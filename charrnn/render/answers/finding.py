"""The cells found, in words, a table and a picture."""

from __future__ import annotations

from charrnn.inspection.finding import Findings, Found
from charrnn.render.figures import Answer, Figure, Series, Table
from charrnn.render.wording import folded, listed, share, signed

HEADINGS = (
    "feature",
    "holds",
    "cell",
    "score",
    "chance",
    "untrained",
    "probe",
    "untrained",
    "bits held",
    "others",
    "",
)
#: The sentence names so many of those found.
NAMED = 5
#: What the table says of each verdict.
WORDS = {
    "found": "found",
    "spread over the layer": "spread over the layer",
    "untrained as well": "as untrained",
    "chance": "by chance",
}


def answer(result: Findings) -> Answer:
    """Which features have a cell of their own; scores are AUC or Spearman's correlation."""
    found = [row for row in result.rows if row.verdict == "found"]
    lacks = f"The text has too little of: {', '.join(result.missing)}." if result.missing else ""
    if not result.rows:
        return Answer(f"There is nothing to find. {lacks}", ())
    sentence = f"Of {len(result.rows)} features {len(found) or 'none'} found in a single cell"
    if found:
        named = [f"{row.feature} in {name(row)}" for row in found[:NAMED]]
        more = [f"{len(found) - NAMED} more"] if len(found) > NAMED else []
        sentence += f": {listed(named + more)}"
    table = Table(HEADINGS, tuple(columns(row) for row in result.rows))
    return Answer(f"{sentence}. {lacks}".strip(), (_strengths(result),), table)


def name(row: Found) -> str:
    """`1.42 c`: layer, cell and signal."""
    return f"{row.signal.layer}.{row.cell} {row.signal.name}"


def columns(row: Found) -> tuple[str, ...]:
    """A row of the table, as `HEADINGS` names it.

    Of the cell's score also the sign; of the others that were held, the one that mattered most.
    """
    held, others = "–", "–"
    if row.clamp is not None and row.clamp.count:  # it ends somewhere
        held, others = f"{row.clamp.ends:+.2f}", f"{max(row.clamp.random, default=0):+.2f}"
    return (
        row.feature,
        share(row.share).replace("less than", "<") if row.share is not None else "graded",
        name(row),
        signed(row.score, row.measure),
        f"{folded(row.chance, row.measure):.2f}",
        f"{folded(row.untrained[0], row.measure):.2f}",
        f"{folded(row.probe, row.measure):.2f}",
        f"{folded(row.untrained_probe[0], row.measure):.2f}",
        held,
        others,
        WORDS[row.verdict],
    )


def _strengths(result: Findings) -> Figure:
    """How well cells and layers follow each feature, from 0, chance, to 1."""
    names = [row.feature for row in result.rows]
    series = {
        "best cell": [row.strong(row.score) for row in result.rows],
        "the whole layer": [row.strong(row.probe) for row in result.rows],
        "untrained": [row.strong(row.untrained[0]) for row in result.rows],
        "chance": [row.strong(row.chance) for row in result.rows],
    }
    return Figure(
        title="How well features are followed, given the current character",
        x_label="",
        y_label="0 is chance, 1 all there is to know",
        series=tuple(Series(what, names, values, "bars") for what, values in series.items()),
        y_range=(0, 1),
    )
