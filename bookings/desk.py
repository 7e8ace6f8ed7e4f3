"""What a consultant does with one of their bookings on the desk: each thing a POST of its own."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin import ModelAdmin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from bookings import changes, consultants_word
from bookings.booking_mails import BookingMail
from bookings.choosing import times_of
from bookings.forms import InstantForm, PageAddress, ReasonForm
from bookings.models import Booking
from bookings.offer import NewTime
from bookings.outbox import send_again
from bookings.refusals import BookingRefused
from bookings.states import ChangedBy, EventState
from bookings.wording import invitee_name
from bookings.writeback import write_again
from connections.buttons import View, button

DAYS_SHOWN = 14


def desk_urls(page: ModelAdmin) -> list[URLPattern]:
    """The addresses below a booking's own, for ``get_urls`` of its page."""
    return [
        own_booking(page, "confirm/", confirm),
        own_booking(page, "cancel/", cancel),
        own_booking(page, "move/", move),
        own_booking(page, "restore/", restore),
        own_booking(page, "take-back/", take_back),
        own_booking(page, "write-event/", write_event),
        own_booking(page, "mails/<uuid:mail_id>/send/", send_mail),
    ]


def own_booking(page: ModelAdmin, route: str, view: View) -> URLPattern:
    """The view's address, guarded, under ``bookings_booking_`` and the view's name."""
    guarded = page.admin_site.admin_view(partial(_of_own_booking, page, view))
    name = f"bookings_booking_{view.__name__}"
    return path(f"<uuid:booking_id>/{route}", guarded, name=name)


def _of_own_booking(
    page: ModelAdmin, view: View, request: HttpRequest, booking_id: UUID, **more
) -> HttpResponse:
    """Rows of others are not there; a superuser has all."""
    booking = page.get_object(request, str(booking_id))
    if booking is None:
        raise Http404("There is no such booking.")
    return view(request, booking, **more)


@dataclass(frozen=True)
class Choices:
    """What can be done with a booking as it is at ``now``."""

    booking: Booking
    now: datetime

    @property
    def is_ahead(self) -> bool:
        return self.booking.end_time > self.now

    @property
    def is_hold(self) -> bool:
        """Also one that has gone: it never was a booking."""
        return self.booking.hold_expires_at is not None

    @property
    def can_cancel(self) -> bool:
        return self.is_ahead and not self.booking.is_cancelled

    @property
    def can_move(self) -> bool:
        return self.can_cancel and not self.is_hold and changes.is_movable(self.booking)

    @property
    def can_restore(self) -> bool:
        return self.is_ahead and self.booking.is_cancelled and not self.is_hold

    @property
    def can_take_back(self) -> bool:
        """Whether the calendar moved it, from a time that still lies ahead."""
        by_calendar = self.booking.changed_by == ChangedBy.CALENDAR and self.booking.is_confirmed
        before = self.booking.moved_from
        return by_calendar and before is not None and before > self.now

    @property
    def can_write(self) -> bool:
        """Whether its event is not in the calendar, or not yet out of it, though it was tried."""
        tried = self.booking.event_state == EventState.DUE and self.booking.event_attempts > 0
        return tried or self.booking.event_state == EventState.FAILED

    @property
    def mails(self) -> QuerySet[BookingMail]:
        return self.booking.mails.order_by("created_at", "kind", "recipient")

    @property
    def unsent(self) -> list[BookingMail]:
        """Mails that were tried in vain, and that still hold."""
        tried = self.mails.filter(sent_at=None).exclude(error="")
        return [mail for mail in tried if not mail.is_outdated(self.now)]


def _back(request: HttpRequest, booking: Booking) -> HttpResponse:
    if request.POST.get("from") == "index":
        return redirect("admin:index")
    return redirect("admin:bookings_booking_change", booking.pk)


# --- at once --------------------------------------------------------------------------------------


@button(_back)
def confirm(request: HttpRequest, booking: Booking) -> HttpResponse:
    def act() -> str:
        changes.require_as_seen(booking, request.POST.get("sequence"))
        changes.confirm(booking)
        return f"Confirmed. {_told(booking)}"

    return _do(request, booking, act)


@button(_back)
def restore(request: HttpRequest, booking: Booking) -> HttpResponse:
    def act() -> str:
        changes.restore(booking, now=timezone.now())
        return f"The booking stands again. {_told(booking)}"

    return _do(request, booking, act)


@button(_back)
def take_back(request: HttpRequest, booking: Booking) -> HttpResponse:
    """Undo what a change in the calendar did."""

    def act() -> str:
        consultants_word.take_back(booking, now=timezone.now())
        return f"The booking is as it was before. {_told(booking)}"

    return _do(request, booking, act)


@button(_back)
def write_event(request: HttpRequest, booking: Booking) -> HttpResponse:
    if write_again(booking, now=timezone.now()):
        messages.success(request, "The calendar event is written within the next seconds.")
    else:
        messages.info(request, "The calendar event is as it should be.")
    return _back(request, booking)


@button(_back)
def send_mail(request: HttpRequest, booking: Booking, mail_id: UUID) -> HttpResponse:
    mail = get_object_or_404(booking.mails, pk=mail_id)
    if send_again(mail, now=timezone.now()):
        messages.success(request, "The mail is tried again within a minute.")
    else:
        messages.info(request, "This mail has gone out.")
    return _back(request, booking)


# --- after a question -----------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def cancel(request: HttpRequest, booking: Booking) -> HttpResponse:
    """Cancel a booking, or decline a request; the invitee reads the reason."""
    sent = request.POST if request.method == "POST" else None
    form = ReasonForm(sent, reader=invitee_name(booking))
    if not form.is_valid():
        title = "Decline the request" if booking.is_request else "Cancel the booking"
        return _page(request, booking, "cancel", {"form": form, "title": title})

    def act() -> str:
        word = "Declined" if booking.is_request else "Cancelled"
        reason = form.cleaned_data["reason"]
        changes.cancel(booking, by=ChangedBy.CONSULTANT, reason=reason, now=timezone.now())
        return f"{word}. {_told(booking)}"

    return _do(request, booking, act)


@require_http_methods(["GET", "HEAD", "POST"])
def move(request: HttpRequest, booking: Booking) -> HttpResponse:
    """Choose one of the free times, a fortnight at a time."""
    form = InstantForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return _times_page(request, booking, is_missing=form.is_bound)

    def act() -> str:
        start = form.cleaned_data["start"]
        changes.reschedule(booking, starts_at=start, by=ChangedBy.CONSULTANT, now=timezone.now())
        return f"Moved. {_told(booking)}"

    return _do(request, booking, act, else_to="admin:bookings_booking_move")


def _times_page(request: HttpRequest, booking: Booking, *, is_missing: bool) -> HttpResponse:
    """``is_missing``: the form was sent without a time."""
    offer = NewTime(
        consultant=booking.user,
        meeting_type=booking.meeting_type,
        booking=booking,
        zone=booking.user.zone,
        now=timezone.now(),
    )
    first = _first_day(request, offer)
    last = first + timedelta(days=DAYS_SHOWN - 1)
    days = offer.free_days(first, last) if Choices(booking, offer.now).can_move else {}
    context = {
        "title": "Move the booking",
        "is_missing": is_missing,
        "days": [(day, times_of(slots, offer)) for day, slots in days.items()],
        "first": first,
        "last": last,
        "earlier": max(first - timedelta(days=DAYS_SHOWN), offer.today),
        "later": last + timedelta(days=1),
        "today": offer.today,
        "last_day": offer.last_day,
    }
    return _page(request, booking, "move", context)


def _first_day(request: HttpRequest, offer: NewTime) -> date:
    wanted = PageAddress.read(request.GET)["day"] or offer.today
    return min(max(wanted, offer.today), offer.last_day)


# --- answers --------------------------------------------------------------------------------------


def _page(request: HttpRequest, booking: Booking, name: str, context: dict) -> HttpResponse:
    shared = {"booking": booking, "choices": Choices(booking, timezone.now())}
    template = f"admin/bookings/booking/{name}.html"
    return render(request, template, admin.site.each_context(request) | shared | context)


def _do(
    request: HttpRequest, booking: Booking, act: Callable[[], str], *, else_to: str = ""
) -> HttpResponse:
    """Do it and say so, or say why not; then it may go on at ``else_to``, the name of a page."""
    try:
        messages.success(request, act())
    except BookingRefused as refusal:
        messages.error(request, str(refusal))
        if else_to:
            return redirect(else_to, booking.pk)
    return _back(request, booking)


def _told(booking: Booking) -> str:
    return f"{invitee_name(booking)} gets a mail." if booking.invitee_email else ""
