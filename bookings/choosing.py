"""Choosing a time: a month and the times of one of its days, or the time zone they are read in.

For a new booking and for a new time of one alike. An address says all of it, so every state can be
reached, reloaded and left by links alone: ``?day=`` or ``?month=`` the calendar, ``?choose=zone``
the time zones. ``more`` is what a page's template needs besides.
"""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from availability.hours import has_hours
from availability.slots import Slot
from bookings.month import (
    first_of_month,
    following_month,
    last_of_month,
    preceding_month,
    weeks_of_month,
)
from bookings.offer import Offer, instant_text
from bookings.zones import clock_times, label_of, zone_choices


class Time(NamedTuple):
    """A time to choose: its instant as the form sends it, and its wall clock."""

    start: str
    clock: str


def calendar_page(
    request: HttpRequest,
    offer: Offer,
    *,
    month: date | None = None,
    day: date | None = None,
    message: str = "",
    status: int = 200,
    **more,
) -> HttpResponse:
    """A month, and the times of one of its days: the one asked for, else the first with any."""
    month, free = _month_with_free_days(offer, month or day)
    chosen = day or min(free, default=None)
    context = more | {
        "offer": offer,
        "month": month,
        "weeks": weeks_of_month(month, free, chosen),
        "preceding": preceding_month(month) if month > offer.today else None,
        "following": following_month(month) if last_of_month(month) < offer.last_day else None,
        "chosen": chosen,
        "has_free_days": bool(free),
        "times": times_of(free.get(chosen, ()), offer),
        "zone_label": label_of(offer.zone, offer.now),
        "message": message,
    }
    if not free:
        context |= _why_nothing_is_free(offer, month)
    return render(request, "bookings/calendar.html", context, status=status)


def zones_page(request: HttpRequest, offer: Offer, **more) -> HttpResponse:
    kept = [(name, text) for name, text in request.GET.items() if name not in ("zone", "choose")]
    context = {
        "offer": offer,
        "choices": zone_choices(offer.zone, offer.now),
        "zone_label": label_of(offer.zone, offer.now),
        "kept": kept,
    }
    return render(request, "bookings/zones.html", more | context)


def times_of(slots: Iterable[Slot], offer: Offer) -> list[Time]:
    """The starts of these slots, as they are read in the offer's zone."""
    starts = [slot.start for slot in slots]
    return [
        Time(instant_text(start), clock)
        for start, clock in zip(starts, clock_times(starts, offer.zone), strict=True)
    ]


def _why_nothing_is_free(offer: Offer, month: date) -> dict:
    """Where to look instead: after this month, else before it."""
    later = offer.next_free_day(following_month(month))
    return {
        "next_free_day": later or offer.next_free_day(offer.today),
        "is_closed": offer.freshness().state == "closed",
        "has_hours": has_hours(offer.consultant),
    }


def _month_with_free_days(offer: Offer, wanted: date | None) -> tuple[date, dict[date, list[Slot]]]:
    """The month of the date wanted, within the booking window; else the first with free time."""
    month, free = _free_days_of_month(offer, wanted or offer.today)
    if free or wanted:
        return month, free
    later = offer.next_free_day(following_month(month))
    return _free_days_of_month(offer, later) if later else (month, free)


def _free_days_of_month(offer: Offer, day: date) -> tuple[date, dict[date, list[Slot]]]:
    day = min(max(day, offer.today), offer.last_day)
    month = first_of_month(day)
    return month, offer.free_days(month, last_of_month(month))
