"""S10: calendar objects read to occurrences: right or wrong, and how fast.

1,000 objects of 20 kinds in four zones over 12 months, whose occurrences are known without a rule
engine; beside ours, in turns, recurring-ical-events.
"""

from statistics import median
from time import perf_counter

import icalendar
import recurring_ical_events

from tests.connections.ical.generate import WINDOW, misread, reading_of, resources

OBJECTS, ROUNDS, OTHERS = 1000, 5, 100


def run() -> dict:
    """Microseconds per object, medians of rounds in turn; the other library reads every tenth."""
    made = list(resources(OBJECTS, seed=1))
    wrong = len(misread(made))
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(_microseconds(reading_of, made))
        theirs.append(_microseconds(_other, made[:OTHERS]))
    return {
        "objects": OBJECTS,
        "occurrences": sum(len(each.truth) for each in made),
        "objects read wrong": wrong,
        "ours, microseconds per object": median(ours),
        "recurring-ical-events, microseconds per object": median(theirs),
    }


def _microseconds(read, objects: list) -> float:
    began = perf_counter()
    for each in objects:
        read(each)
    return (perf_counter() - began) / len(objects) * 1e6


def _other(resource) -> list:
    calendar = icalendar.Calendar.from_ical(resource.text)
    return recurring_ical_events.of(calendar).between(WINDOW.start, WINDOW.end)
