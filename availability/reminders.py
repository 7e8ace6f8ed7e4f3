"""When invitees are reminded, as a person writes it: ``1 day, 2 hours``.

Stored are minutes before the start, the earliest reminder first.
"""

import re

from django import forms
from django.core.exceptions import ValidationError

from availability.models import EARLIEST_REMINDER, LATEST_REMINDER, MOST_REMINDERS

NONE = "none"
EXAMPLE = "1 day, 2 hours or 30 minutes"
UNITS = {"week": 10_080, "day": 1440, "hour": 60, "minute": 1}  # in minutes, the longest first
SPAN = re.compile(r"(\d{1,5})\s*([a-z]*)")


class RemindersField(forms.CharField):
    """``absent`` is what an empty field means: a meeting type's default (None), or none ([])."""

    def __init__(self, *, absent: list[int] | None, **kwargs) -> None:
        self.absent = absent
        super().__init__(required=False, **kwargs)

    def prepare_value(self, value: list[int] | str | None) -> str:
        if isinstance(value, str):
            return value  # as it was typed
        if value == []:
            return "" if self.absent == [] else NONE
        return to_text(value or [])

    def clean(self, value: str) -> list[int] | None:
        text = super().clean(value)
        return from_text(text) if text else self.absent

    def has_changed(self, initial: list[int] | None, data: str | None) -> bool:
        return self.prepare_value(initial) != (data or "")


def to_text(minutes: list[int]) -> str:
    return ", ".join(_words(each) for each in minutes)


def from_text(text: str) -> list[int]:
    """Raises ``ValidationError`` for what cannot be read, and for what cannot be done."""
    if text.strip().lower() == NONE:
        return []
    reminders = {_minutes(part) for part in text.lower().split(",")}
    if len(reminders) > MOST_REMINDERS:
        raise ValidationError(f"Give at most {MOST_REMINDERS} reminders.")
    return sorted(reminders, reverse=True)


def _words(minutes: int) -> str:
    """In the longest unit that fits: ``90 minutes``, ``2 hours``."""
    unit, length = next((unit, length) for unit, length in UNITS.items() if minutes % length == 0)
    count = minutes // length
    return f"{count} {unit}{'s' if count > 1 else ''}"


def _minutes(span: str) -> int:
    found = SPAN.fullmatch(span.strip())
    length = _length(found[2]) if found else None
    if length is None:
        raise ValidationError(f"“{span.strip()}” is not a time such as {EXAMPLE}.")
    minutes = int(found[1]) * length
    if not LATEST_REMINDER <= minutes <= EARLIEST_REMINDER:
        limits = f"{_words(LATEST_REMINDER)} and {_words(EARLIEST_REMINDER)}"
        raise ValidationError(f"“{span.strip()}”: a reminder goes out between {limits} before.")
    return minutes


def _length(unit: str) -> int | None:
    """Of a unit by its name or how it begins, in minutes; without one it is minutes."""
    singular = unit.removesuffix("s") or unit or "minute"
    known = (length for name, length in UNITS.items() if name.startswith(singular))
    return next(known, None)
