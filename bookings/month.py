"""A month as a calendar page shows it: weeks of days, each with what is free on it."""

from calendar import Calendar, monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

MONDAY_FIRST = Calendar()


@dataclass(frozen=True, slots=True)
class Day:
    """One cell of the page. ``free`` counts the times that can be booked."""

    date: date
    free: int
    is_in_month: bool
    is_chosen: bool


def first_of_month(day: date) -> date:
    return day.replace(day=1)


def last_of_month(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


def following_month(day: date) -> date:
    """The first day of the month after."""
    return last_of_month(day) + timedelta(days=1)


def preceding_month(day: date) -> date:
    """The first day of the month before."""
    return first_of_month(first_of_month(day) - timedelta(days=1))


def weeks_of_month(
    month: date, free: Mapping[date, Sequence], chosen: date | None
) -> list[list[Day]]:
    """The weeks, Monday first, that hold the days of ``month``."""
    return [
        [Day(day, len(free.get(day, ())), day.month == month.month, day == chosen) for day in week]
        for week in MONDAY_FIRST.monthdatescalendar(month.year, month.month)
    ]
