"""The rate of false claims of `charrnn inspect --cell CELL --effect`.

A cell of an untrained model has no special effect on what the model writes. For each layer type,
all cells of some untrained models are held high and low, and each cell is compared with twenty
others, drawn many times, as `effect` compares a cell. The rate is the share of answers that claim
anything, for any measure.
"""

from __future__ import annotations

import numpy as np
from common import Options, Result, Table, alone

from charrnn.arrays import Array
from charrnn.inspection.effect import (
    CONTROLS,
    NAMES,
    STREAMS,
    Measure,
    cell_ends,
    differences,
    written,
)
from charrnn.inspection.reading import Signal
from charrnn.inspection.recording import record
from charrnn.network.holding import Held
from charrnn.network.layers import LAYER_TYPES
from charrnn.network.model import CharRNN
from charrnn.sampling import beginning
from charrnn.text.vocabulary import Vocabulary

#: Cells of the models, untrained models of each layer type, and comparisons of each cell.
UNITS, MODELS, DRAWS = 40, 8, 20
#: Characters of the text that the models read for the ends of their cells.
CHARACTERS = 20_000


def measure(options: Options) -> Result:
    """Measure each layer type, a row each."""
    if not options.text.exists():
        reason = f"{options.text}: no such file: `make data/shakespeare.txt`, or name one by --text"
        print(f"left out: {reason}")
        return {"left_out": reason}
    text = options.text.read_text(encoding="utf-8")[:CHARACTERS]
    models = 1 if options.quick else MODELS
    table, rows = Table("layer type  ", "models", "answers", "false claims"), []
    for layer_type in LAYER_TYPES:
        claims = [claim for seed in range(models) for claim in false_claims(text, layer_type, seed)]
        rate = float(np.mean(claims))
        rows.append({"layer_type": layer_type, "models": models, "units": UNITS, "rate": rate})
        table.row(layer_type, models, len(claims), f"{100 * rate:.1f} %")
    return {"characters": len(text), "rows": rows}


def false_claims(text: str, layer_type: str, seed: int) -> list[bool]:
    """True for each comparison of a cell of an untrained model that claims anything."""
    rng = np.random.default_rng(seed)
    model = CharRNN(Vocabulary.of(text), layer_type=layer_type, hidden_size=UNITS)
    model.initialize(rng)
    means, errors = effects(model, model.vocabulary.encode(text), seed)
    claims = []
    for cell in range(len(means)):
        for _ in range(DRAWS):
            others = rng.choice(np.delete(np.arange(len(means)), cell), CONTROLS, replace=False)
            rows = zip(NAMES, means[cell], errors[cell], means[others].T)
            claims.append(
                any(Measure(name, high, 0, 0, *more).stands_out for name, high, *more in rows)
            )
    return claims


def effects(model: CharRNN, indices: Array, seed: int) -> tuple[Array, Array]:
    """The differences that all cells whose values vary make, and their errors, (n, M) each."""
    signal = Signal(1, "h")
    low, high = cell_ends(record(model, indices, [signal]).values[signal])
    held = [
        Held(1, int(cell), "h", float(end[cell]))
        for cell in np.flatnonzero(low < high)
        for end in (high, low)
    ]
    seeds = np.random.SeedSequence(seed).spawn(STREAMS)
    measures = written(model, beginning(model), held, seeds)
    return differences(measures.reshape(-1, 2, *measures.shape[1:]))


if __name__ == "__main__":
    alone(measure, __doc__)
