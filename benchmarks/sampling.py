"""Characters sampled a second, one stream and 32 at once, beside a loop in PyTorch.

charrnn draws with `sample` (one stream, like `charrnn sample`) and with `generate` and 32 seeds;
PyTorch with a step of the layer, a linear layer, softmax and multinomial in inference mode, with
its one-hot input in reused memory. PyTorch has two ways to take a step, `nn.LSTM` over a window of
one and `nn.LSTMCell`. PyTorch and charrnn are tried with one thread and with a thread per core. All
take turns, and the best of each side counts.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

from common import VOCABULARY_SIZE, Options, Result, Table, alone, fastest, ratio
from contenders import Contender, Step, contenders, interleaved
from products import REPEATS, character_products

from charrnn.machine import cores

TEMPERATURE = 0.8
#: Characters of each stream drawn between two readings of the clock.
AT_ONCE = 16
#: The threads of each contender; for PyTorch also True for `nn.LSTMCell` and the like.
OURS = {f"charrnn, {n} thread{'s' if n > 1 else ''}": n for n in (1, cores())}
THEIRS = {
    f"torch, {kind}, {n} thread{'s' if n > 1 else ''}": (n, kind == "cell")
    for kind in ("layer", "cell")
    for n in (1, cores())
}


@contextmanager
def charrnn_sampling(layer_type: str, hidden_size: int, streams: int) -> Iterator[Step]:
    """A step that draws `AT_ONCE` characters of each stream with charrnn."""
    import numpy as np

    from charrnn.network.model import CharRNN
    from charrnn.sampling import Choice, Reader, beginning, generate, sample
    from charrnn.text.vocabulary import Vocabulary

    vocabulary = Vocabulary(map(chr, range(33, 33 + VOCABULARY_SIZE)))
    model = CharRNN(vocabulary, layer_type=layer_type, hidden_size=hidden_size)
    model.initialize(np.random.default_rng(0))
    start, choice = beginning(model), Choice(temperature=TEMPERATURE)
    text: Iterator[object]
    if streams == 1:
        (only,) = sample(model, start, sys.maxsize, choice, seed=0)
        text = iter(only)
    else:
        seeds = np.random.SeedSequence(0).spawn(streams)
        text = generate(Reader(model, streams), start, sys.maxsize, choice, seeds)

    def step() -> None:
        for _ in range(AT_ONCE):
            next(text)

    yield step


@contextmanager
def torch_sampling(
    layer_type: str, hidden_size: int, streams: int, by_cell: bool
) -> Iterator[Step]:
    """A step that draws `AT_ONCE` characters of each stream with PyTorch."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    kinds = {
        "lstm": (nn.LSTM, nn.LSTMCell),
        "gru": (nn.GRU, nn.GRUCell),
        "vanilla": (nn.RNN, nn.RNNCell),
    }
    layer = kinds[layer_type][by_cell](VOCABULARY_SIZE, hidden_size)
    output = nn.Linear(hidden_size, VOCABULARY_SIZE)
    window = torch.zeros(1, streams, VOCABULARY_SIZE)
    one_hot = window[0]
    carried = [None]

    def step() -> None:
        with torch.inference_mode():
            state = carried[0]
            for _ in range(AT_ONCE):
                if by_cell:
                    state = layer(one_hot, state)
                    h = state[0] if layer_type == "lstm" else state
                else:
                    outputs, state = layer(window, state)
                    h = outputs[0]
                p = torch.softmax(output(h) / TEMPERATURE, dim=-1)
                chosen = torch.multinomial(p, 1)
                one_hot.zero_()
                if streams == 1:
                    one_hot[0, int(chosen)] = 1
                else:
                    one_hot.scatter_(1, chosen, 1)
            carried[0] = state

    yield step


def measure(options: Options) -> Result:
    """Measure every layer type in every size."""
    theirs = THEIRS if "torch" in options.libraries else {}
    threads = {**OURS, **{name: number for name, (number, _) in theirs.items()}}
    print("Characters a second, of all streams together.\n")
    rows = []
    columns = "type   ", "cells", "streams", "charrnn", "best with     ", "PyTorch"
    table = Table(*columns, "best with       ", "ratio")
    with contenders(threads) as who:
        for layer_type in options.layer_types:
            for hidden_size in (128,) if options.quick else (128, 256, 512):
                for streams in (1, 32):
                    row = compare(who, options, layer_type, hidden_size, streams)
                    rows.append(
                        {"type": layer_type, "hidden_size": hidden_size, "streams": streams, **row}
                    )
                    names = "charrnn", "charrnn_best", "torch", "torch_best", "ratio"
                    table.row(layer_type, hidden_size, streams, *(row.get(name) for name in names))
    print()
    for one, many in zip(rows[::2], rows[1::2]):
        many["times_one_stream"] = many["charrnn"] / one["charrnn"]
        print(
            f"{one['type']} {one['hidden_size']}: 32 streams at once draw "
            f"{many['times_one_stream']:.1f} times as many characters as one"
        )
    return {"temperature": TEMPERATURE, "rows": rows, "one_character": character(options)}


def character(options: Options) -> list[Result]:
    """The parts of the time of a character of one stream.

    A network of one cell has the calls of NumPy and the choice of the character, and hardly any
    products; the products alone have no calls beside them.
    """
    print("\nMicroseconds a character of one stream, one thread.\n")
    table = Table("type   ", "cells", "a character", "with one cell", "products alone")
    rows = []
    with contenders(dict.fromkeys(("whole", "one cell", "products"), 1)) as who:
        for layer_type in options.layer_types:
            who["one cell"].prepare(charrnn_sampling, layer_type, 1, 1)
            for hidden_size in (128,) if options.quick else (128, 256, 512):
                who["whole"].prepare(charrnn_sampling, layer_type, hidden_size, 1)
                who["products"].prepare(character_products, layer_type, hidden_size)
                times = interleaved(who, options.turns, options.seconds)
                each = {
                    "whole": 1e6 * median(times["whole"]) / AT_ONCE,
                    "one_cell": 1e6 * median(times["one cell"]) / AT_ONCE,
                    "products": 1e6 * median(times["products"]) / REPEATS,
                }
                rows.append({"type": layer_type, "hidden_size": hidden_size, **each})
                table.row(layer_type, hidden_size, *each.values())
    return rows


def compare(
    who: dict[str, Contender], options: Options, layer_type: str, hidden_size: int, streams: int
) -> Result:
    """The characters a second of both libraries, and the ratio."""
    for name, contender in who.items():
        if name in OURS:
            contender.prepare(charrnn_sampling, layer_type, hidden_size, streams)
        else:
            contender.prepare(torch_sampling, layer_type, hidden_size, streams, THEIRS[name][1])
    times = interleaved(who, options.turns, options.seconds)
    row: Result = {"seconds": times}
    bests = []
    for library in ("charrnn", "torch"):
        own = {name: values for name, values in times.items() if name.startswith(library)}
        if own:
            best = fastest(own)
            bests.append(own[best])
            row[library] = AT_ONCE * streams / median(own[best])
            row[f"{library}_best"] = best.partition(", ")[2]
    if len(bests) == 2:
        row["ratio"] = ratio(bests[1], bests[0])
    return row


if __name__ == "__main__":
    alone(measure, __doc__)
