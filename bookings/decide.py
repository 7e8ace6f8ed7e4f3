"""The consultant decides on a request, from the mail that tells of it, without signing in.

To open the page decides nothing: mail programs and scanners open links by themselves.
"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from bookings.answers import answer
from bookings.changes import cancel, confirm, require_as_seen
from bookings.forms import ReasonForm
from bookings.models import Booking
from bookings.refusals import BookingRefused
from bookings.states import ChangedBy
from bookings.wording import answers_of, invitee_name, span, title_of


def decide(request: HttpRequest, booking: Booking) -> HttpResponse:
    """Show the request; on POST confirm or decline it. What is decided already says so.

    ``?decided=`` in the address says that the reader has just decided.
    """
    sent = request.POST if request.method == "POST" else None
    form = ReasonForm(sent, reader=f"If you decline, {invitee_name(booking)}")
    if request.method != "POST":
        return _request_page(request, booking, form)
    if not form.is_valid():
        return _request_page(request, booking, form, status=400)
    try:
        _decide(request, booking, reason=form.cleaned_data["reason"])
    except BookingRefused as refusal:
        return _request_page(request, booking, form, refusal=refusal, status=409)
    return redirect(request.path + ("?decided=now" if _is_as_sent(request, booking) else ""))


def _decide(request: HttpRequest, booking: Booking, *, reason: str) -> None:
    """Raises ``BookingRefused``. Anything else than a decision changes nothing."""
    if not booking.is_request:
        return
    require_as_seen(booking, request.POST.get("sequence"))
    if request.POST.get("decision") == "confirm":
        confirm(booking)
    elif request.POST.get("decision") == "decline":
        cancel(booking, by=ChangedBy.CONSULTANT, reason=reason, now=timezone.now())


def _is_as_sent(request: HttpRequest, booking: Booking) -> bool:
    """Whether it stands as the sender has decided, be it by the first of two clicks."""
    is_declined = booking.is_cancelled and booking.changed_by == ChangedBy.CONSULTANT
    stands = {"confirm": booking.is_confirmed, "decline": is_declined}
    return stands.get(request.POST.get("decision"), False)


def _request_page(
    request: HttpRequest,
    booking: Booking,
    form: ReasonForm,
    *,
    refusal: BookingRefused | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "booking": booking,
        "form": form,
        "title": title_of(booking),
        "invitee_name": invitee_name(booking),
        "when": span(booking.start_time, booking.end_time, booking.user.zone),
        "answers": answers_of(booking),
        "is_over": booking.end_time <= timezone.now(),
        "refusal": refusal,
    }
    return answer(request, "bookings/decide.html", context, status=status)
