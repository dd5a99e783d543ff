"""Scales: the positions of values on an axis, and the ticks of the axis."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import SupportsFloat

import numpy as np

from charrnn.arrays import Array
from charrnn.inspection.answer import Figure

#: A value on an axis. Names of bars are text, and are not drawn by a scale.
Number = SupportsFloat | str
#: Ticks are these times a power of ten.
STEPS = (1, 2, 5)
#: Numbers in this range are written out, with commas; others as 2e-7.
SMALL, LARGE = 1e-4, 1e7
#: Numbers beyond this range are left out: differences and ratios of them would overflow.
TINY, HUGE = 1e-300, 1e300
#: A square drawing is this many times as wide as its contents.
AROUND = 1.05


@dataclass(frozen=True)
class Scale:
    """A map from the values between two ends to fractions from 0 to 1.

    Attributes:
        low, high: the values at 0 and at 1; low < high, and above 0 on a logarithmic scale.
        log: True for a logarithmic scale.
        whole: True if only whole numbers get a tick.
    """

    low: float
    high: float
    log: bool = False
    whole: bool = False

    def fractions(self, values: Iterable[Number]) -> Array:
        """The fractions of values, also beyond 0 to 1; NaN for values that cannot be shown."""
        array = np.array([float(value) for value in values])
        low, high = self.low, self.high
        array[[not fits(value, self.log) for value in array]] = np.nan
        if self.log:
            array, low, high = np.log10(array), log10(low), log10(high)
        fractions: Array = (array - low) / (high - low)
        return fractions

    def ticks(self, most: int) -> list[tuple[float, str]]:
        """At most this many round values within the scale, but at least one, with their labels."""
        chosen = self._log_ticks(most) if self.log else []
        # A logarithmic scale within a power of ten may have no tick.
        few = len(chosen) < 2 and self.high < 100 * self.low
        return self._even_ticks(most) if few or not self.log else chosen

    def _even_ticks(self, most: int) -> list[tuple[float, str]]:
        """Multiples of 1, 2 or 5 times a power of ten."""
        least = 1.0 if self.whole else 0.0
        for power, step in _round_steps((self.high - self.low) / (most + 1)):
            size = step * 10.0**power
            # Ticks that rounding alone puts beyond an end are within.
            slack = 1e-6 * min(1.0, (self.high - self.low) / size)
            first, last = ceil(self.low / size - slack), floor(self.high / size + slack)
            if size >= least and last - first < most:
                break
        values = [n * size for n in range(first, last + 1)]
        if SMALL <= max(abs(self.low), abs(self.high)) < LARGE:
            ticks = [(value, f"{value:,.{max(0, -power)}f}") for value in values]
        else:
            ticks = [(value, _by_powers(value)) for value in values]
        return ticks or [(self.low, f"{self.low:.3g}")]

    def _log_ticks(self, most: int) -> list[tuple[float, str]]:
        """Powers of ten, also 1, 2 and 5 times them; every second, third, … of many powers."""
        first, last = floor(log10(self.low)), ceil(log10(self.high))
        for every, steps in ((1, STEPS), *((every, (1,)) for every in range(1, last - first + 1))):
            chosen = [
                (step * 10.0**power, _of_power(step, power))
                for power in range(first, last + 1)
                if power % every == 0
                for step in steps
            ]
            within = [(value, label) for value, label in chosen if self._has(value)]
            if len(within) <= most:
                return within
        return []

    def _has(self, value: float) -> bool:
        return self.low * (1 - 1e-9) <= value <= self.high * (1 + 1e-9)


def fits(value: float, log: bool) -> bool:
    """True for a value that a scale can show."""
    return TINY < value < HUGE if log else abs(value) < HUGE


def scale_for(
    values: Iterable[float], *, log: bool = False, ends: tuple[float, float] | None = None
) -> Scale | None:
    """The scale that just fits some values; None without a value to show.

    Args:
        values: the values; those that are not finite, and on a logarithmic scale those that are
            not above zero, are left out.
        log: make the scale logarithmic.
        ends: the ends of the scale, lower first; None to fit the values.
    """
    fit = [value for value in values if fits(value, log)]
    if not fit:
        return None
    whole = all(value == round(value) for value in fit)
    low, high = ends or (min(fit), max(fit))
    if log and low <= 0:
        low = min(fit)
    if high - low < TINY:  # a single value, drawn in the middle
        away = abs(low) / 2 if abs(low) > TINY else 0.5
        low, high = (low / 2, low * 2) if log else (low - away, low + away)
    return Scale(float(low), float(high), log, whole)


def shown(figure: Figure) -> list[tuple[float, float]]:
    """The points of all series that both axes can show."""
    points: list[tuple[float, float]] = []
    for series in figure.series:
        xs: Iterable[Number] = series.x
        points += ((float(x), float(y)) for x, y in zip(xs, series.y))
    return [(x, y) for x, y in points if fits(x, figure.log_x) and fits(y, figure.log_y)]


def reach(figure: Figure) -> tuple[float, float]:
    """The ends of both axes of a figure with equal axes: the unit circle and all points fit."""
    most = max([1.0, *(abs(part) for point in shown(figure) for part in point)])
    return -AROUND * most, AROUND * most


def scales(figure: Figure) -> tuple[Scale, Scale] | None:
    """The scales of both axes; None without a point to show."""
    points = shown(figure)
    ends = reach(figure) if figure.equal else None
    xs, ys = [x for x, _ in points], [y for _, y in points]
    across = scale_for(xs, log=figure.log_x, ends=ends or figure.x_range)
    up = scale_for(ys, log=figure.log_y, ends=ends or figure.y_range)
    return None if across is None or up is None else (across, up)


def _round_steps(least: float) -> Iterator[tuple[int, int]]:
    """Powers of ten with steps, from about the least size up."""
    power = floor(log10(least))
    while True:
        for step in STEPS:
            yield power, step
        power += 1


def _of_power(step: int, power: int) -> str:
    """A multiple of a power of ten, in short."""
    value = step * 10.0**power
    return f"{value:,.{max(0, -power)}f}" if SMALL <= value < LARGE else _by_powers(value)


def _by_powers(value: float) -> str:
    """2e-7."""
    mantissa, exponent = f"{value:.6e}".split("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}" if value else "0"
