"""The rate of false claims of `charrnn inspect --find`.

Every claim about an untrained model is false. For each layer type, many untrained models read a
text whose first half is prose (the given text) and whose second half is Python (from the standard
library), so that each half lacks many features of the other. Each model is then compared with ten
others, drawn many times, as `find_cells` compares a trained model with ten untrained ones. The rate
is the share of tables with a claim in any row, for a single cell or for a layer.
"""

from __future__ import annotations

import argparse as source
from pathlib import Path

import numpy as np
from common import Options, Result, Table, alone

from charrnn.arrays import Array
from charrnn.inspection.features.features import FEATURES, present
from charrnn.inspection.find.levels import read_levels
from charrnn.inspection.find.scores import halves, strength
from charrnn.inspection.find.scores import measure as measured_features
from charrnn.inspection.find.search import UNTRAINED_MODELS, best_cells, beyond, comparable
from charrnn.inspection.reading import signals_of
from charrnn.network.layers import LAYER_TYPES
from charrnn.network.model import CharRNN
from charrnn.text.vocabulary import Vocabulary

#: Cells of the models, untrained models of each layer type, and tables that are drawn of them.
HIDDEN_SIZE, MODELS, TABLES = 32, 60, 2_000
#: Characters of each half of the text.
HALF = 25_000


def measure(options: Options) -> Result:
    """Measure each layer type, a row each."""
    if not options.text.exists():
        reason = f"{options.text}: no such file: `make data/shakespeare.txt`, or name one by --text"
        print(f"left out: {reason}")
        return {"left_out": reason}
    prose = options.text.read_text(encoding="utf-8")[:HALF]
    text = prose + Path(source.__file__).read_text(encoding="utf-8")[:HALF]
    models = 15 if options.quick else MODELS
    table, rows = Table("layer type  ", "models", "features", "false claims"), []
    for layer_type in LAYER_TYPES:
        strengths = strengths_of_untrained(text, layer_type, models)
        rate = false_claims(strengths, 100 if options.quick else TABLES)
        row = {
            "type": layer_type,
            "hidden_size": HIDDEN_SIZE,
            "models": models,
            "features": strengths.shape[1] // 2,
            "rate": rate,
        }
        rows.append(row)
        table.row(layer_type, models, row["features"], f"{100 * rate:.1f} %")
    return {"characters": len(text), "rows": rows}


def strengths_of_untrained(text: str, layer_type: str, models: int) -> Array:
    """The strengths of the best cells and of the probes of untrained models, (models, 2 · F)."""
    vocabulary = Vocabulary.of(text)
    indices = vocabulary.encode(text)
    first, second = halves(indices)
    features = comparable(measured_features(text, present(text, FEATURES)[0]), first, second)
    rng = np.random.default_rng(0)
    found = []
    for _ in range(models):
        model = CharRNN(vocabulary, layer_type=layer_type, hidden_size=HIDDEN_SIZE)
        model.initialize(rng)
        best = best_cells(read_levels(model, indices, signals_of(model)), features, first, second)
        strong = [strength(scores, features.binary) for scores in (best.scores, best.probes)]
        found.append(np.concatenate(strong))
    return np.stack(found)


def false_claims(strengths: Array, tables: int) -> float:
    """The share of tables of untrained models that claim anything."""
    rng = np.random.default_rng(1)
    claims = 0
    for _ in range(tables):
        own, *others = strengths[rng.choice(len(strengths), UNTRAINED_MODELS + 1, replace=False)]
        claims += any(map(beyond, own, np.stack(others, axis=1)))
    return claims / tables


if __name__ == "__main__":
    alone(measure, __doc__)
