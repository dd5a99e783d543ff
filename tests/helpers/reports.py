"""Reports for tests: of small random networks, over hostile texts."""

import numpy as np

from charrnn.inspection.answer import Answer, Figure, Series, Table
from charrnn.inspection.effect import cell_ranges
from charrnn.inspection.reading import Signal, signals_of
from charrnn.inspection.recording import Recording, record
from charrnn.network.model import CharRNN
from charrnn.render.network import Network
from charrnn.render.report import Find, Report, Section
from charrnn.sampling import beginning
from charrnn.text.vocabulary import Vocabulary

#: Lines that would run or break in a page that read them as HTML, a script or a template.
HOSTILE = (
    "</script><script>window.__pwned=1</script>",
    "<img src=x onerror=window.__pwned=2>",
    "<!--<script>",
    "]]>&lt;&amp;",
    "{{ 7*7 }}{% raw %}",
    "\"onmouseover='window.__pwned=3' $x^{2$ \\u003c`${window.__pwned=4}`",
    "\x00\x1b[31m\x07\r\x85",
    "\u202eltr\u2066\u2069\u200f\u2028\u2029\ufeff",
    "\ud83d\ude00\ud800",  # two halves of a surrogate pair, side by side, and one alone
    "\U0001f600e\u0301\t한국\xa0",
)
TEXT = "\n".join(("A harbour at night:", *HOSTILE, 25 * "The ferry waits, the ferry leaves.\n"))
#: The position at which the harmless lines begin.
FERRY = TEXT.index("The ferry")


def sample(text=TEXT, cell="lstm", num_layers=2, hidden_size=6, spread=1.0):
    """A report of a random network on a text."""
    model = CharRNN(
        Vocabulary.of(text),
        layer_type=cell,
        num_layers=num_layers,
        hidden_size=hidden_size,
        dropout=0,
    )
    rng = np.random.default_rng(7)
    model.initialize(rng)
    model.parameters.flat[...] += spread * rng.standard_normal(model.parameters.flat.size)
    kind = model.layers[0]
    recording = record(model, text, signals_of(model, None, kind.signals), guesses=5)
    hostile = " ".join(HOSTILE)
    answer = Answer(
        f"Half of it is {hostile}.",
        (
            Figure(
                f"Loss {hostile}",
                hostile,
                "nats",
                (Series(HOSTILE[0], [1, 2, 3], [3.0, 2.0, 1.5]),),
            ),
        ),
        Table(
            ("kind", HOSTILE[0], ""),
            ((hostile, "0.42", "12 %"), *(((x, "1", "")) for x in HOSTILE)),
        ),
    )
    return Report(
        title=f"sample {HOSTILE[0]} {HOSTILE[1]} {HOSTILE[4]} {HOSTILE[8]}",
        introduction=(f"It has read {hostile}.",),
        summary=(("model", "lstm, 2 × 6"), *((line, line) for line in HOSTILE)),
        text=text,
        characters=model.vocabulary.ix_to_char,
        recording=recording,
        gates=kind.gates,
        headings=("feature", HOSTILE[1], "score"),
        found=(
            Find(("the ferry", "always", "0.91"), Signal(2, "h"), 3, FERRY),
            Find((HOSTILE[0], HOSTILE[1], "0.80"), Signal(1, "f"), 1, len(text) + 5),
            Find(("nothing", "never", "–"), None, 0, 0),
        ),
        sections=(Section("Learning", answer), Section(hostile, Answer("Nothing else.", ()))),
        network=Network(model, beginning(model, text)),
        text_name=hostile,
        ranges={
            signal: cell_ranges(recording.values[signal], kind.rectified)
            for signal in signals_of(model)
        },
    )


def noise(characters, cells, signal="h"):
    """A report of values that cannot be compressed, with no pictures."""
    rng = np.random.default_rng(3)
    letters = "abcdefghijklmnopqrstuvwxyz \n"
    indices = rng.integers(0, len(letters), characters)
    values = {
        Signal(layer, signal): rng.uniform(-1, 1, (characters, cells)).astype(np.float32)
        for layer in (1, 2)
    }
    recording = Recording(
        values,
        rng.exponential(1.0, characters - 1),
        rng.integers(0, len(letters), (characters, 5)),
        rng.uniform(0, 1, (characters, 5)),
    )
    text = "".join(letters[index] for index in indices)
    return Report("noise", (), (), text, letters, recording, frozenset(), (), (), ())
