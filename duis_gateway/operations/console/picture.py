"""The picture of a release's activations over time: where its bars, its line and its dates stand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate

from duis_gateway.operations.console.counts import Activations

WIDTH, HEIGHT = 1000, 240
_LEAST_BAR = 2.0


@dataclass(frozen=True, slots=True)
class Bar:
    """The activations of one step of time."""

    x: float
    y: float
    width: float
    height: float
    start: datetime
    number: int
    total: int


@dataclass(frozen=True, slots=True)
class Date:
    """A date of the release that lies within the picture."""

    x: float
    at: datetime
    name: str


@dataclass(frozen=True, slots=True)
class Picture:
    """What is drawn, in units of a picture of 1,000 by 240; `line` is the total so far, as SVG points."""

    bars: Sequence[Bar]
    line: str
    dates: Sequence[Date]
    start: datetime
    end: datetime
    highest: int
    total: int
    step: timedelta


def draw(activations: Activations, dates: Iterable[tuple[str, datetime]], now: datetime) -> Picture:
    """Return the picture from the first activation to the last, with what dates are near, and now if it is."""
    start, step, numbers = activations.start, activations.step, activations.numbers
    end = start + len(numbers) * step
    room = (end - start) / 2
    near = [at for _, at in dates if start - room <= at <= end + room]
    begin = min([start, *near])
    finish = max([end, *near, *([now] if end < now <= end + room else [])])
    span = finish - begin

    def x(at: datetime) -> float:
        return round((at - begin) / span * WIDTH, 2)

    highest, totals = max(numbers), list(accumulate(numbers))
    bars = []
    for place, (number, total) in enumerate(zip(numbers, totals, strict=True)):
        at = start + place * step
        height = max(_LEAST_BAR, number / highest * HEIGHT) if number else 0.0
        bars.append(
            Bar(x(at), round(HEIGHT - height, 2), round(step / span * WIDTH, 2), round(height, 2), at, number, total)
        )
    points = [(x(start), float(HEIGHT))]
    points += [(round(bar.x + bar.width, 2), round(HEIGHT - bar.total / totals[-1] * HEIGHT, 2)) for bar in bars]
    points.append((float(WIDTH), points[-1][1]))
    shown = [Date(x(at), at, name) for name, at in dates if begin <= at <= finish]
    line = " ".join(f"{across},{down}" for across, down in points)
    return Picture(bars, line, shown, begin, finish, highest, totals[-1], step)
