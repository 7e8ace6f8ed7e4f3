"""An invitee moves their booking: the calendar of a new booking, and one question at the end."""

from datetime import datetime

from django.http import HttpResponse
from django.shortcuts import redirect
from rest_framework.exceptions import Throttled

from bookings.answers import answer
from bookings.changes import reschedule
from bookings.choosing import calendar_page, zones_page
from bookings.forms import InstantForm, PageAddress
from bookings.manage import own_page
from bookings.offer import NewTime, instant_text
from bookings.refusals import (
    RETRY_SECONDS,
    CalendarUnverified,
    NotChangeable,
    SlotTaken,
    TooLate,
)
from bookings.states import ChangedBy
from bookings.throttles import require_quiet_mailbox, seconds_to_wait
from bookings.visit import Visit
from bookings.wording import span


def move_page(visit: Visit) -> HttpResponse:
    """The state that the address asks for: ``?start=`` asks whether to move it to that time."""
    address = PageAddress.read(visit.request.GET)
    if visit.request.method == "POST":
        return _move(visit)
    if not visit.may_move:
        return redirect(visit.page)
    if address["choose"]:
        return zones_page(visit.request, _offer(visit), visit=visit)
    if address["start"] == visit.booking.start_time:
        return redirect(visit.page)  # who goes back after a move
    if address["start"]:
        return _question_if_free(visit, address["start"])
    return _calendar(visit, month=address["month"], day=address["day"])


def _offer(visit: Visit) -> NewTime:
    return NewTime(
        consultant=visit.booking.user,
        meeting_type=visit.booking.meeting_type,
        booking=visit.booking,
        zone=PageAddress.read(visit.request.GET)["zone"] or visit.zone,
        now=visit.now,
    )


def _calendar(visit: Visit, **state) -> HttpResponse:
    return calendar_page(visit.request, _offer(visit), visit=visit, **state)


def _other_times(visit: Visit, start: datetime) -> HttpResponse:
    day = start.astimezone(_offer(visit).zone).date()
    return _calendar(visit, day=day, message="slot_taken", status=409)


def _question_if_free(visit: Visit, start: datetime) -> HttpResponse:
    return _question(visit, start) if _offer(visit).slot_at(start) else _other_times(visit, start)


def _question(visit: Visit, start: datetime, *, message: str = "", **how) -> HttpResponse:
    offer = _offer(visit)
    context = {
        "visit": visit,
        "offer": offer,
        "start": instant_text(start),
        "day": start.astimezone(offer.zone).date(),
        "old_time": span(visit.booking.start_time, visit.booking.end_time, offer.zone),
        "new_time": span(start, start + offer.duration, offer.zone),
        "message": message,
    }
    return answer(visit.request, "bookings/move.html", context, **how)


def _move(visit: Visit) -> HttpResponse:
    form = InstantForm(visit.request.POST)
    if not form.is_valid():
        return redirect(visit.move_page)
    start = form.cleaned_data["start"]
    if wait := _seconds_to_wait(visit):
        return _question(visit, start, message="too_many_changes", status=429, retry_after=wait)
    try:
        reschedule(visit.booking, starts_at=start, by=ChangedBy.INVITEE, now=visit.now)
    except (TooLate, NotChangeable) as refusal:
        return own_page(visit, refusal=refusal)
    except SlotTaken:
        return _other_times(visit, start)
    except CalendarUnverified:
        return _question(
            visit, start, message="not_moved_yet", status=503, retry_after=RETRY_SECONDS
        )
    return redirect(visit.page)


def _seconds_to_wait(visit: Visit) -> int:
    """Each move sends its invitee a mail, so their mailbox is counted as well."""
    try:
        require_quiet_mailbox(visit.booking.invitee_email)
    except Throttled as refusal:
        return refusal.wait
    return seconds_to_wait(visit.request)
