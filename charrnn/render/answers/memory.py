"""How long a network remembers, in words and pictures."""

from __future__ import annotations

import numpy as np

from charrnn.inspection.memory import Memory
from charrnn.render.figures import Answer, Figure, Series
from charrnn.render.wording import characters, rounded


def answer(result: Memory) -> Answer:
    """How much context is used, and how long the slowest cells remember."""
    if result.horizon is None:
        sentence = f"It uses more than {characters(int(result.contexts[-1]))} of context"
    else:
        sentence = f"It uses about {characters(rounded(result.horizon))} of context"
    slowest = max((float(tau.max()) for tau in result.time_constants.values()), default=None)
    if slowest is not None:
        sentence += f"; {_remembering(slowest)}"
    figures = [_loss(result), _time_constants(result)][: 2 if result.time_constants else 1]
    return Answer(f"{sentence}.", tuple(figures))


def _remembering(slowest: float) -> str:
    if np.isinf(slowest):
        return "its slowest cells never forget"
    return f"its slowest cells remember for about {characters(rounded(slowest))}"


def _loss(result: Memory) -> Figure:
    contexts = result.contexts.tolist()
    return Figure(
        title="Loss by context",
        x_label="characters since the state was emptied",
        y_label="nats a character",
        series=(
            Series("with carried state", contexts, [result.carried] * len(contexts)),
            Series("from an empty state", contexts, result.loss.tolist()),
        ),
        log_x=True,
    )


def _time_constants(result: Memory) -> Figure:
    series = []
    for signal, tau in result.time_constants.items():
        ordered = np.sort(tau)[::-1]
        ordered[np.isinf(ordered)] = np.nan
        ranks = list(range(1, len(tau) + 1))
        series.append(Series(f"layer {signal.layer}", ranks, ordered.tolist()))
    return Figure(
        title=f"Time constants by the mean of gate {result.gate}",
        x_label="cells, the slowest first",
        y_label="characters",
        series=tuple(series),
        log_y=True,
    )
