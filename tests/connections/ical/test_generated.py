"""S10: nothing is read wrongly of objects whose occurrences are known without a rule engine."""

from collections import Counter

from tests.connections.ical.generate import KINDS, ZONES, misread, resources

MADE = list(resources(1_150, seed=1))


def test_no_occurrence_is_wrong_in_a_thousand_objects():
    assert [(resource.kind, resource.text) for resource in misread(MADE)] == []


def test_the_objects_are_worth_reading():
    """More than twenty kinds in several zones, many with many occurrences, few with none."""
    assert Counter(resource.kind for resource in MADE) == {kind.__name__: 50 for kind in KINDS}
    assert {resource.zone.key for resource in MADE} == set(ZONES)
    assert (len(KINDS) >= 20, len(ZONES) >= 3) == (True, True)
    shown = [len(resource.truth) for resource in MADE]
    assert sum(shown) > 50_000
    assert shown.count(0) < 100
