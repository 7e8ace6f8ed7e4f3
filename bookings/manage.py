"""The invitee's page of their own booking, and the page on which they cancel it."""

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect

from bookings.answers import answer
from bookings.changes import cancel
from bookings.forms import ReasonForm
from bookings.refusals import BookingRefused, TooLate
from bookings.states import ChangedBy
from bookings.throttles import seconds_to_wait
from bookings.visit import Visit


def own_page(visit: Visit, *, refusal: BookingRefused | None = None) -> HttpResponse:
    """What has become of the booking; ``refusal`` says why it was not changed just now."""
    context = {"visit": visit, "booking": visit.booking, "refusal": refusal}
    status = 200 if refusal is None else 409
    return answer(visit.request, "bookings/booked.html", context, status=status)


def cancel_page(visit: Visit) -> HttpResponse:
    """Ask once more, then cancel. What cannot be cancelled any more says so on its own page."""
    if visit.request.method == "POST":
        return _cancel(visit)
    if not visit.may_change:
        return redirect(visit.page)
    return _question(visit, _form(visit))


def _cancel(visit: Visit) -> HttpResponse:
    form = _form(visit, visit.request.POST)
    if not form.is_valid():
        return _question(visit, form, message="form_errors", status=400)
    if wait := seconds_to_wait(visit.request):
        return _question(visit, form, message="too_many_changes", status=429, retry_after=wait)
    reason = form.cleaned_data["reason"]
    try:
        cancel(visit.booking, by=ChangedBy.INVITEE, reason=reason, now=visit.now)
    except TooLate as refusal:
        return own_page(visit, refusal=refusal)
    return redirect(visit.page)


def _form(visit: Visit, sent: QueryDict | None = None) -> ReasonForm:
    return ReasonForm(sent, reader=visit.consultant_name)


def _question(visit: Visit, form: ReasonForm, *, message: str = "", **how) -> HttpResponse:
    context = {"visit": visit, "booking": visit.booking, "form": form, "message": message}
    return answer(visit.request, "bookings/cancel.html", context, **how)
