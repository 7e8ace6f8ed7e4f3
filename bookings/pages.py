"""The states of a booking page: choosing a time, the form, and what a refused booking shows.

``?start=`` in the address leads to the form. To open it keeps no time: a page is also opened by
robots and previews, and a GET writes nothing. Whoever loses the race keeps all that they typed.
"""

from datetime import datetime
from functools import partial

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from bookings.answers import answer
from bookings.choosing import calendar_page, times_of, zones_page
from bookings.forms import BookingForm, PageAddress
from bookings.lifecycle import BookingRequest, book
from bookings.models import Booking
from bookings.offer import Offer, instant_text
from bookings.refusals import (
    RETRY_SECONDS,
    CalendarUnverified,
    KeyReused,
    SlotTaken,
    TooManyBookings,
)
from bookings.throttles import seconds_to_wait
from bookings.tokens import manage_token
from bookings.wording import span
from bookings.zones import label_of


def booking_page(request: HttpRequest, offer: Offer) -> HttpResponse:
    """The state that the address asks for."""
    address = PageAddress.read(request.GET)
    if request.method == "POST":
        return _book(request, offer)
    if address["choose"]:
        return zones_page(request, offer)
    if address["start"]:
        return _form_page_if_free(request, offer, address["start"])
    return calendar_page(request, offer, month=address["month"], day=address["day"])


def _form_page_if_free(request: HttpRequest, offer: Offer, start: datetime) -> HttpResponse:
    if offer.slot_at(start):
        form = BookingForm(initial={"start": instant_text(start)}, questions=offer.questions)
        return _form_page(request, offer, form, start)
    day = start.astimezone(offer.zone).date()
    return calendar_page(request, offer, day=day, message="slot_taken", status=409)


def _form_page(
    request: HttpRequest,
    offer: Offer,
    form: BookingForm,
    start: datetime,
    *,
    message: str = "",
    **how,
) -> HttpResponse:
    """The form for the time that starts at ``start``; ``how`` is as ``answer`` takes it."""
    context = {
        "offer": offer,
        "form": form,
        "when": span(start, start + offer.duration, offer.zone),
        "day": start.astimezone(offer.zone).date(),
        "message": message,
    }
    return answer(request, "bookings/form.html", context, **how)


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
    except TooManyBookings:
        return form_page(message="too_many_bookings", status=409)
    except KeyReused:
        return calendar_page(request, offer, message="form_used", status=409)
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
        "other_times": times_of(slots, offer),
        "zone_label": label_of(offer.zone, offer.now),
        "message": "slot_taken",
    }
    return render(request, "bookings/form.html", context, status=409)
