"""How exceptions repeat."""

from datetime import date

import pytest
from django.core.exceptions import ValidationError

from availability.repeats import Repeats, name_of_rule, refuse_bad_rule, rule_for

USUAL = [way for way in Repeats if way != Repeats.OTHER]


@pytest.mark.parametrize(
    ("first", "rule"),
    [
        (date(2027, 3, 5), "FREQ=MONTHLY;BYDAY=1FR"),
        (date(2027, 3, 7), "FREQ=MONTHLY;BYDAY=1SU"),
        (date(2027, 3, 8), "FREQ=MONTHLY;BYDAY=2MO"),
        (date(2027, 3, 28), "FREQ=MONTHLY;BYDAY=4SU"),
        (date(2027, 3, 29), "FREQ=MONTHLY;BYDAY=-1MO"),
    ],
)
def test_monthly_counts_the_weekday_in_its_month(first, rule):
    assert rule_for(Repeats.MONTHLY, first) == rule


@pytest.mark.parametrize("way", USUAL)
def test_usual_ways_are_recognised_and_can_be_followed(way):
    first = date(2027, 3, 5)
    rule = rule_for(way, first)

    refuse_bad_rule(rule)
    assert name_of_rule(rule, first) == way


def test_rule_of_another_first_day_is_another_rule():
    assert name_of_rule("FREQ=MONTHLY;BYDAY=1FR", date(2027, 3, 12)) == Repeats.OTHER


@pytest.mark.parametrize(
    "rule", ["", "FREQ=DAILY;UNTIL=20270401", "FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=24,31"]
)
def test_rule_over_whole_days_is_accepted(rule):
    refuse_bad_rule(rule)


@pytest.mark.parametrize(
    "rule",
    [
        "WEEKLY",
        "FREQ=SECONDLY",
        "FREQ=DAILY;BYHOUR=9",
        "FREQ=DAILY;BYDAY=XX",
        "FREQ=DAILY;COUNT=2;UNTIL=20270401",
        "FREQ=DAILY\nEXRULE:FREQ=DAILY",
        "RRULE:FREQ=DAILY",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=-1",
        "FREQ=DAILY;INTERVAL=00",
        "freq=daily",
    ],
)
def test_anything_else_is_refused(rule):
    with pytest.raises(ValidationError):
        refuse_bad_rule(rule)
