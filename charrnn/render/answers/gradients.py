"""How far back gradients reach, in words and a picture."""

from __future__ import annotations

from math import isfinite

from charrnn.inspection.gradients import WHOLE, GradientByLag
from charrnn.inspection.reading import Signal
from charrnn.render.figures import Answer, Figure, Series
from charrnn.render.wording import characters, listed, of_layers

#: What has grown more often than this is only said to have.
MOST = 1_000_000


def answer(result: GradientByLag) -> Answer:
    """When the gradient has fallen to a tenth, and its curves, a figure a layer.

    The sentence is about what a layer is meant to remember with: c where there is one.
    """
    layers = sorted({signal.layer for signal in result.norms})
    chosen = [_remembering(result, layer) for layer in layers]
    sentence = f"Gradients {_said(result, chosen)}"
    if result.untrained and len(layers) == 1:
        sentence += f"; with random weights they {_fate(result.untrained, chosen[0])}"
    elif result.untrained:
        sentence += f"; with random weights they {_said(result.untrained, chosen)}"
    return Answer(f"{sentence}.", tuple(_figure(result, layer) for layer in layers))


def _remembering(result: GradientByLag, layer: int) -> Signal:
    return [signal for signal in result.norms if signal.layer == layer and signal.name != WHOLE][-1]


def _said(result: GradientByLag, signals: list[Signal]) -> str:
    """What becomes of the gradients of some layers."""
    tenths = [result.tenth[signal] for signal in signals]
    if any(result.explodes[signal] for signal in signals) or None in tenths:
        return listed([f"{_fate(result, signal)} {_of([signal])}" for signal in signals])
    after = f"{listed([f'{tenth:,}' for tenth in tenths])} character{'s' * (tenths != [1])}"
    return f"fall to a tenth after {after} {_of(signals)}"


def _fate(result: GradientByLag, signal: Signal) -> str:
    curve, tenth = result.norms[signal], result.tenth[signal]
    if result.explodes[signal]:
        lag = int(curve.argmax())
        if not isfinite(curve[0]):
            return "explode: they are beyond all numbers from the first character on"
        times = float(curve[lag] / curve[curve > 0][0])
        often = f"{times:,.0f} times" if times <= MOST else "more than a million times"
        return f"explode: {characters(int(result.lags[lag]))} back they are {often} as large"
    if tenth is None:
        return f"do not fall to a tenth within {characters(int(result.lags[-1]))}"
    return f"fall to a tenth after {characters(tenth)}"


def _of(signals: list[Signal]) -> str:
    """`(layers 1 and 2, c)`."""
    return f"({of_layers([signal.layer for signal in signals])}, {signals[0].name})"


def _figure(result: GradientByLag, layer: int) -> Figure:
    series = []
    for of, what in ((result.untrained, ", random weights"), (result, "")):
        if of is not None:
            series += [
                Series(signal.name + what, of.lags.tolist(), curve.tolist())
                for signal, curve in of.norms.items()
                if signal.layer == layer and signal.name != WHOLE
            ]
    return Figure(
        title=f"The gradient of one loss on its way back, layer {layer}",
        x_label="characters back",
        y_label="norm of the gradient",
        series=tuple(series),
        log_y=True,
    )
