"""How far our busy time is from the provider's own word on it. Pure: values in, values out.

Spans are half-open and may overlap; minutes are counted once, and a part of one counts as a whole.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from connections.providers.base import Window

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Busy:
    """Our word: what must be busy at the provider too, and what may be."""

    certain: Sequence[Window]
    possible: Sequence[Window] = ()


@dataclass(frozen=True, slots=True)
class Drift:
    """``missing`` is busy at the provider alone: bookable by mistake. ``surplus`` is ours alone."""

    missing: Sequence[Window]
    surplus: Sequence[Window]

    @property
    def missing_minutes(self) -> int:
        return _minutes(self.missing)

    @property
    def surplus_minutes(self) -> int:
        return _minutes(self.surplus)

    def __bool__(self) -> bool:
        return bool(self.missing or self.surplus)


def compare(ours: Busy, theirs: Sequence[Window], *, window: Window) -> Drift:
    """What one side has and the other has not, within the window."""
    return Drift(
        missing=_clipped(without(theirs, [*ours.certain, *ours.possible]), window),
        surplus=_clipped(without(ours.certain, theirs), window),
    )


def without(spans: Iterable[Window], holes: Iterable[Window]) -> list[Window]:
    """The time of ``spans`` that is in none of ``holes``: in order, and without overlap."""
    # At each instant where something begins or ends: by how much the spans and holes change.
    steps = sorted([*_steps(spans, 1, 0), *_steps(holes, 0, 1)])
    left: list[Window] = []
    open_spans = open_holes = 0
    for (start, of_spans, of_holes), (end, *_) in pairwise(steps):
        open_spans += of_spans
        open_holes += of_holes
        if open_spans and not open_holes and start < end:
            _append(left, Window(start, end))
    return left


def _steps(spans: Iterable[Window], of_spans: int, of_holes: int) -> list[tuple]:
    return [
        step
        for span in spans
        if span.start < span.end
        for step in ((span.start, of_spans, of_holes), (span.end, -of_spans, -of_holes))
    ]


def _append(left: list[Window], span: Window) -> None:
    """Joined with the last one where they touch."""
    if left and left[-1].end == span.start:
        span = Window(left.pop().start, span.end)
    left.append(span)


def _clipped(spans: Iterable[Window], window: Window) -> list[Window]:
    inside = (Window(max(one.start, window.start), min(one.end, window.end)) for one in spans)
    return [span for span in inside if span.start < span.end]


def _minutes(spans: Iterable[Window]) -> int:
    seconds = sum((span.end - span.start for span in spans), timedelta())
    return -(-seconds // MINUTE)
