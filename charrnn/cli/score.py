"""`charrnn inspect --score`: the bits of each line, word, character or file of a text."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import click

from charrnn.checkpoint import Checkpoint
from charrnn.cli.console import notice, refuse_terminal, terminal_width
from charrnn.cli.options import need_text, read_checkpoint, refuse_beside
from charrnn.cli.progress import Bar
from charrnn.cli.reading import read_later
from charrnn.inspection.analyses import ANALYSES, ON_REQUEST
from charrnn.inspection.scoring import Item, Scorer, score_items
from charrnn.inspection.wording import unseen
from charrnn.render.escape import MAX_NAME, one_line, readable_bytes
from charrnn.render.wrap import cut, padded
from charrnn.text import corpus as corpora
from charrnn.text.corpus import Corpus
from charrnn.text.vocabulary import listed

#: Options of `charrnn inspect` that do other work than scoring, or have no effect on it.
OTHERS = (
    *(*ANALYSES, *ON_REQUEST, "feature", "cell", "dynamic", "html", "plot", "export"),
    *("save_weights", "seed", "color"),
)
#: Checkpoints that are compared.
MAX_CHECKPOINTS = 2
#: A notice names at most this many unknown characters.
MAX_LISTED = 8
#: Decimal places of bits.
PLACES = 6
#: Characters of a name for which a terminal has room, however narrow it is.
MIN_NAME = 12
#: Columns of a terminal that are left for the text of an item.
MIN_TEXT = 16
#: The columns of a terminal for a number, and for the scores by one model.
NUMBER, CHARACTERS, UNKNOWN, BITS, BPC = 8, 10, 7, 10, 8


@dataclass(frozen=True)
class Model:
    """A model that scores.

    Attributes:
        path: of its checkpoint.
        checkpoint: the checkpoint.
        scorer: the scorer.
    """

    path: str
    checkpoint: Checkpoint
    scorer: Scorer

    @property
    def reading(self) -> dict[str, object]:
        """The settings of reading a text, by the option of `charrnn train` that sets each."""
        return {
            "--binary": self.checkpoint.binary,
            "--newlines": self.checkpoint.newlines,
            "--normalize": self.checkpoint.normalize,
        }


def score_texts(options: dict[str, Any]) -> None:
    """Score the items of the texts, and write a row for each."""
    check(options)
    unit, texts = options["score"], options["text"]
    models = [model_of(path, options) for path in options["checkpoint"]]
    check_same_reading(models)
    first = models[0].checkpoint
    need_text(options["checkpoint"][0], first, *texts)
    corpora.check_files(texts)
    names = texts or (first.excerpt_name,)
    write = Rows(unit, models, names, options["as_json"])
    unknown = [0] * len(models)
    unseen: list[set[str]] = [set() for _ in models]
    for name in names:
        vocabularies = [model.scorer.model.vocabulary for model in models]
        corpus = read_later(name if texts else None, first, options, *vocabularies)
        if not corpus.length and unit != "file":
            notice(f"{name}: an empty text: nothing to score")
        for seen, model in zip(unseen, models):
            seen.update(model.scorer.model.vocabulary.unknown(corpus.characters))
        for item in scored(corpus, models, unit):
            unknown = [total + n for total, n in zip(unknown, item.unknown)]
            write.row(name, item)
    sys.stdout.flush()
    for model, number, seen in zip(models, unknown, unseen):
        if number:
            say_unknown(model, number, sorted(seen), len(models) > 1)


def check(options: dict[str, Any]) -> None:
    """Check the options.

    Raises:
        click.UsageError: for an option that `--score` excludes, for a third checkpoint, and for two
            checkpoints without a text.
    """
    refuse_beside("score", OTHERS, options)
    if len(options["checkpoint"]) > MAX_CHECKPOINTS:
        raise click.UsageError("-c: --score compares two checkpoints: name one or two")
    if len(options["checkpoint"]) > 1 and not options["text"]:
        raise click.UsageError("--score compares two checkpoints on a text: add --text FILE")
    refuse_terminal(options["text"])
    if options["text"].count("-") > 1:
        raise click.UsageError("--text -: stdin can be read once: leave out one of them")


def model_of(path: Any, options: dict[str, Any]) -> Model:
    """Read the model in a checkpoint."""
    checkpoint = read_checkpoint(path)
    model = checkpoint.build(options["weights"])
    carried = options["score"] != "line" or options["carried"]
    return Model(str(path), checkpoint, Scorer(model, checkpoint.excerpt, carried=carried))


def check_same_reading(models: Sequence[Model]) -> None:
    """Check that two models read the same characters in a file.

    Raises:
        click.UsageError: where one of them was trained with other settings.
    """
    one, other = models[0], models[-1]
    for option, value in one.reading.items():
        if value != other.reading[option]:
            raise click.UsageError(
                f"{one.path} and {other.path}: read a text differently, as {option} of their "
                "trainings differs: score with each alone, by one -c"
            )


def scored(corpus: Corpus, models: Sequence[Model], unit: str) -> Iterator[Item]:
    """Score the items of a text; a bar shows the progress.

    On a terminal, rows of parts of a text show the progress themselves.
    """
    with Bar(
        quiet=sys.stdout.isatty() and unit != "file",
        total=corpus.length or None,
        desc="scoring",
        leave=False,
        delay=1,
    ) as bar:
        scorers, binary = [model.scorer for model in models], models[0].checkpoint.binary
        items = score_items(corpus.pieces(), scorers, unit, binary=binary, done=bar.update)
        if unit != "file":
            yield from items
            return
        (whole,) = items
    yield whole


def say_unknown(model: Model, number: int, seen: list[str], several: bool) -> None:
    """Say that characters cost nothing."""
    vocabulary = model.scorer.model.vocabulary
    read = "were read as U+FFFD and cost nothing" if vocabulary.replaces else "cost nothing"
    name = f"{model.path}: " if several else ""
    notice(
        f"{name}{unseen(number)} {read} ("
        f"{listed(seen, MAX_LISTED)}): do not compare scores with such characters to others"
    )


class Rows:
    """Writes items to stdout: aligned on a terminal, else with tabs, or as JSON.

    Args:
        unit: the items.
        models: the models that score.
        texts: the names of the texts.
        as_json: write a JSON object for each item.
    """

    def __init__(
        self, unit: str, models: Sequence[Model], texts: Sequence[str], as_json: bool
    ) -> None:
        self._unit, self._models, self._json = unit, models, as_json
        self._several = len(texts) > 1
        self._binary = models[0].checkpoint.binary
        self._width = terminal_width() if sys.stdout.isatty() and not as_json else None
        self._headed = False
        self._name = MAX_NAME if self._width is None else max(MIN_NAME, self._width // 3)
        names = max(len(one_line(text, self._name)) for text in texts)
        if unit == "file":
            self._first = max(NUMBER, names)
        else:
            self._first = NUMBER + (names + 1) * self._several

    def row(self, name: str, item: Item) -> None:
        """Write an item of a text."""
        if self._json:
            line = json.dumps(self._record(name, item), allow_nan=False)
        elif self._width is None:
            line = "\t".join(self._cells(name, item, PLACES))
        else:
            if not self._headed:
                sys.stdout.write(self._aligned(self._headings()) + "\n")
                self._headed = True
            line = self._aligned(self._cells(name, item, 2))
        sys.stdout.write(line + "\n")

    def _record(self, name: str, item: Item) -> dict[str, Any]:
        """An item for JSON; the scores of two models are lists."""
        record: dict[str, Any] = {"file": name}
        if self._unit != "file":
            record["number"] = item.number
        bits = [round(bits, PLACES) for bits in item.bits]
        bpc = [None if each is None else round(each, PLACES) for each in item.bpc]
        scores: dict[str, list[Any]] = {"unknown": list(item.unknown), "bits": bits, "bpc": bpc}
        record["characters"] = item.characters
        if len(self._models) == 1:
            record |= {key: values[0] for key, values in scores.items()}
        else:
            record |= scores
            record["difference"] = round(item.bits[0] - item.bits[1], PLACES)
        if self._unit != "file":
            record["text"] = item.text
        return record

    def _cells(self, name: str, item: Item, places: int) -> list[str]:
        """The columns of an item."""
        cells = [str(item.number), str(item.characters)]
        if self._unit == "file":
            cells[0] = one_line(name, self._name)
        elif self._several:
            cells[0] = f"{one_line(name, self._name)}:{item.number}"
        for unknown, bits, bpc in zip(item.unknown, item.bits, item.bpc):
            per_character = "nan" if bpc is None else f"{bpc:.{places}f}"
            cells += [str(unknown), f"{bits:.{places}f}", per_character]
        if len(self._models) > 1:
            cells.append(f"{item.bits[0] - item.bits[1]:.{places}f}")
        if self._unit != "file":
            cells.append(self._shown(item))
        return cells

    def _shown(self, item: Item) -> str:
        """The text of an item in one line, with its control characters escaped.

        The newline at the end of a line, and the whitespace after a word, are left out.
        """
        text = item.text
        if self._unit == "line":
            text = text.removesuffix("\n")
        elif self._unit == "word":
            text = text.rstrip(" \t\n\r\f\v" if self._binary else None)
        if self._binary:
            text = "".join(readable_bytes([text]))
        dots = "…" if len(item.text) < item.characters else ""
        return one_line(text, len(text)) + dots

    def _headings(self) -> list[str]:
        """The headings of the columns."""
        names = ["file" if self._unit == "file" else self._unit, "characters"]
        for number in range(1, len(self._models) + 1):
            which = f" {number}" if len(self._models) > 1 else ""
            names += ["unknown", f"bits{which}", f"a char{which}"]
        if len(self._models) > 1:
            names.append("difference")
        return names if self._unit == "file" else [*names, "text"]

    @cached_property
    def _columns(self) -> list[tuple[int, int]]:
        """The number and the width of each column of numbers for which the terminal has room."""
        assert self._width is not None
        several = len(self._models) > 1
        kinds = ["name", "characters", *("unknown", "bits", "bpc") * len(self._models)]
        widths = [self._first, CHARACTERS, *(UNKNOWN, BITS, BPC) * len(self._models)]
        columns = list(enumerate([*widths, *[BITS] * several]))
        room = self._width - (0 if self._unit == "file" else MIN_TEXT)
        for left_out in ("unknown", "bpc", "characters"):  # what tells least goes first
            if sum(width + 2 for _, width in columns) <= room:
                break
            columns = [
                (column, width)
                for column, width in columns
                if column >= len(kinds) or kinds[column] != left_out
            ]
        return columns

    def _aligned(self, cells: list[str]) -> str:
        """The columns of a row, cut to the width of the terminal."""
        assert self._width is not None
        *numbers, text = cells if self._unit != "file" else [*cells, ""]
        left = self._unit == "file"
        parts = [
            padded(numbers[column], width, right=bool(column) or not left)
            for column, width in self._columns
        ]
        # A text of a width has no more characters than twice its columns, as marks have none.
        return cut("  ".join([*parts, text[: 2 * self._width]]).rstrip(), self._width)
