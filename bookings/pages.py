"""The states of a booking page: calendar, time zones, form, and what a refused booking shows.

An address says all of it, so every state can be reached, reloaded and left by links alone:
``?day=`` or ``?month=`` the calendar, ``?start=`` the form, ``?choose=zone`` the time zones.
"""

import math
from collections.abc import Iterable
from datetime import date, datetime
from functools import partial
from typing import NamedTuple

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from availability.slots import Slot
from bookings.forms import BookingForm, PageAddress
from bookings.lifecycle import BookingRequest, book
from bookings.models import Booking
from bookings.month import (
    first_of_month,
    following_month,
    last_of_month,
    preceding_month,
    weeks_of_month,
)
from bookings.offer import Offer, instant_text
from bookings.refusals import CalendarUnverified, KeyReused, SlotTaken
from bookings.throttles import seconds_to_wait
from bookings.tokens import manage_token
from bookings.wording import span
from bookings.zones import clock_times, label_of, zone_choices

RETRY_SECONDS = 30  # until an unreadable calendar is worth another look


class Time(NamedTuple):
    """A time to choose: its instant as the form sends it, and its wall clock."""

    start: str
    clock: str


def booking_page(request: HttpRequest, offer: Offer) -> HttpResponse:
    """The state that the address asks for."""
    address = PageAddress.read(request.GET)
    if request.method == "POST":
        return _book(request, offer)
    if address["choose"]:
        return _zones_page(request, offer)
    if address["start"]:
        return _form_page_if_free(request, offer, address["start"])
    return _calendar_page(request, offer, month=address["month"], day=address["day"])


# --- choosing -----------------------------------------------------------------------------------


def _calendar_page(
    request: HttpRequest,
    offer: Offer,
    *,
    month: date | None = None,
    day: date | None = None,
    message: str = "",
    status: int = 200,
) -> HttpResponse:
    """A month, and the times of one of its days: the one asked for, else the first with any."""
    month, free = _month_with_free_days(offer, month or day)
    chosen = day or min(free, default=None)
    context = {
        "offer": offer,
        "month": month,
        "weeks": weeks_of_month(month, free, chosen),
        "preceding": preceding_month(month) if month > offer.today else None,
        "following": following_month(month) if last_of_month(month) < offer.last_day else None,
        "chosen": chosen,
        "has_free_days": bool(free),
        "times": _times(free.get(chosen, ()), offer),
        "zone_label": label_of(offer.zone, offer.now),
        "message": message,
    }
    if not free:
        context |= _why_nothing_is_free(offer, month)
    return render(request, "bookings/calendar.html", context, status=status)


def _why_nothing_is_free(offer: Offer, month: date) -> dict:
    """Where to look instead: after this month, else before it."""
    later = offer.next_free_day(following_month(month))
    return {
        "next_free_day": later or offer.next_free_day(offer.today),
        "is_closed": offer.freshness().state == "closed",
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


def _times(slots: Iterable[Slot], offer: Offer) -> list[Time]:
    starts = [slot.start for slot in slots]
    return [
        Time(instant_text(start), clock)
        for start, clock in zip(starts, clock_times(starts, offer.zone), strict=True)
    ]


def _zones_page(request: HttpRequest, offer: Offer) -> HttpResponse:
    kept = [(name, text) for name, text in request.GET.items() if name not in ("zone", "choose")]
    context = {"offer": offer, "choices": zone_choices(offer.zone, offer.now), "kept": kept}
    return render(request, "bookings/zones.html", context)


# --- booking ------------------------------------------------------------------------------------


def _form_page_if_free(request: HttpRequest, offer: Offer, start: datetime) -> HttpResponse:
    if offer.slot_at(start):
        form = BookingForm(initial={"start": instant_text(start)}, questions=offer.questions)
        return _form_page(request, offer, form, start)
    day = start.astimezone(offer.zone).date()
    return _calendar_page(request, offer, day=day, message="slot_taken", status=409)


def _form_page(
    request: HttpRequest,
    offer: Offer,
    form: BookingForm,
    start: datetime,
    *,
    message: str = "",
    status: int = 200,
    retry_after: int = 0,
) -> HttpResponse:
    """The form for the time that starts at ``start``; ``retry_after`` is in seconds."""
    context = {
        "offer": offer,
        "form": form,
        "when": span(start, start + offer.duration, offer.zone),
        "day": start.astimezone(offer.zone).date(),
        "message": message,
        "retry_minutes": math.ceil(retry_after / 60),
    }
    response = render(request, "bookings/form.html", context, status=status)
    if retry_after:
        response.headers["Retry-After"] = str(retry_after)
    return response


def _book(request: HttpRequest, offer: Offer) -> HttpResponse:
    form = BookingForm(request.POST, questions=offer.questions)
    if not form.is_valid():
        return _invalid_form_page(request, offer, form)
    start = form.cleaned_data["start"]
    form_page = partial(_form_page, request, offer, form, start)
    if wait := seconds_to_wait(request):
        return form_page(message="too_many_attempts", status=429, retry_after=wait)
    try:
        booking = book(_booking_request(offer, form), now=offer.now)
    except SlotTaken:
        return _other_times_page(request, offer, form, start)
    except CalendarUnverified:
        return form_page(message="calendar_unverified", status=503, retry_after=RETRY_SECONDS)
    except KeyReused:
        return _calendar_page(request, offer, message="form_used", status=409)
    return redirect(_booked_address(request, booking))


def _booking_request(offer: Offer, form: BookingForm) -> BookingRequest:
    given = form.cleaned_data
    return BookingRequest(
        consultant=offer.consultant,
        meeting_type=offer.meeting_type,
        starts_at=given["start"],
        name=given["name"],
        email=given["email"],
        time_zone=offer.zone.key,
        notes=given["notes"],
        answers=form.answers,
        idempotency_key=given["key"],
    )


def _booked_address(request: HttpRequest, booking: Booking) -> str:
    page = reverse("booking", args=[manage_token(booking)])
    return f"{page}?embed=1" if "embed" in request.GET else page


def _invalid_form_page(request: HttpRequest, offer: Offer, form: BookingForm) -> HttpResponse:
    start = form.cleaned_data.get("start")
    if start is None:
        return _other_times_page(request, offer, form, offer.now)
    message = "looked_automated" if form.has_error("website") else "form_errors"
    return _form_page(request, offer, form, start, message=message, status=400)


def _other_times_page(
    request: HttpRequest, offer: Offer, form: BookingForm, start: datetime
) -> HttpResponse:
    """The same form with all that was typed, and fresh times instead of the lost one."""
    wanted_day = start.astimezone(offer.zone).date()
    other_day = offer.next_free_day(wanted_day) or offer.next_free_day(offer.today)
    slots = offer.free_slots(other_day) if other_day else []
    context = {
        "offer": offer,
        "form": form,
        "other_day": other_day,
        "other_times": _times(slots, offer),
        "zone_label": label_of(offer.zone, offer.now),
        "message": "slot_taken",
    }
    return render(request, "bookings/form.html", context, status=409)
