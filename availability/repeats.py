"""How an exception repeats: the usual ways by name, any other as a rule of RFC 5545 §3.3.10."""

import re
from datetime import date, datetime

from dateutil.rrule import rrulestr
from django.core.exceptions import ValidationError
from django.db.models import TextChoices

WEEKDAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
WHOLE_DAYS = {"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}
NOT_A_RULE = (
    "This is not a rule that calsync can follow. An example: FREQ=MONTHLY;BYDAY=1FR for every "
    "first Friday."
)


class Repeats(TextChoices):
    NEVER = "", "does not repeat"
    WEEKLY = "weekly", "every week"
    FORTNIGHTLY = "fortnightly", "every two weeks"
    MONTHLY = "monthly", "every month on this weekday (first Friday, last Monday …)"
    YEARLY = "yearly", "every year on this date"
    OTHER = "other", "another rule"


def rule_for(repeats: str, first: date) -> str:
    """The rule that repeats ``first`` in one of the usual ways."""
    week_of_month = (first.day - 1) // 7 + 1
    nth = week_of_month if week_of_month <= 4 else -1  # the fifth, where there is one, is the last
    return {
        Repeats.NEVER: "",
        Repeats.WEEKLY: "FREQ=WEEKLY",
        Repeats.FORTNIGHTLY: "FREQ=WEEKLY;INTERVAL=2",
        Repeats.MONTHLY: f"FREQ=MONTHLY;BYDAY={nth}{WEEKDAYS[first.weekday()]}",
        Repeats.YEARLY: "FREQ=YEARLY",
    }[repeats]


def name_of_rule(rule: str, first: date | None) -> str:
    """Which of the usual ways a rule is, if any."""
    usual = [way for way in Repeats if way != Repeats.OTHER]
    if first is None:
        return Repeats.OTHER if rule else Repeats.NEVER
    return next((way for way in usual if rule_for(way, first) == rule), Repeats.OTHER)


def refuse_bad_rule(rule: str) -> None:
    """Raise ``ValidationError`` unless ``rule`` is empty or a rule over whole days."""
    if not rule:
        return
    parts = dict(part.partition("=")[::2] for part in rule.split(";"))
    if (
        parts.get("FREQ") not in WHOLE_DAYS
        or parts.keys() & {"BYHOUR", "BYMINUTE", "BYSECOND"}
        or parts.keys() >= {"COUNT", "UNTIL"}
        or not re.fullmatch("[1-9][0-9]{0,3}", parts.get("INTERVAL", "1"))
    ):
        raise ValidationError(NOT_A_RULE)
    try:
        rrulestr(rule, dtstart=datetime(2000, 1, 1))  # noqa: DTZ001 (wall-clock dates)
    except ValueError:
        raise ValidationError(NOT_A_RULE) from None
