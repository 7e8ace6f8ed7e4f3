"""The addresses of the invitee's pages: which offer or booking each one shows."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe
from django.views.static import serve

from availability.models import MeetingType
from bookings.decide import decide
from bookings.forms import PageAddress
from bookings.guard import open_page
from bookings.ics import invitation
from bookings.manage import cancel_page, own_page
from bookings.models import Booking
from bookings.moving import move_page
from bookings.offer import Offer
from bookings.pages import booking_page
from bookings.tokens import booking_by_decision_token, booking_by_token
from bookings.visit import Visit
from connections.models import Consultant


@open_page
@require_http_methods(["GET", "HEAD", "POST"])
def consultant_page(request: HttpRequest, consultant_slug: str) -> HttpResponse:
    """The meeting types, where there are several; else straight to the calendar."""
    consultant = _consultant(consultant_slug)
    types = list(_active_types(consultant).order_by("created_at", "title"))
    if not types:
        return booking_page(request, _offer(request, consultant, None))
    if len(types) == 1:
        page = reverse("book-meeting-type", args=[consultant.slug, types[0].slug])
        return redirect(f"{page}?{request.GET.urlencode()}" if request.GET else page)
    offers = [_offer(request, consultant, meeting_type) for meeting_type in types]
    return render(request, "bookings/meeting_types.html", {"offers": offers})


@open_page
@require_http_methods(["GET", "HEAD", "POST"])
def meeting_type_page(
    request: HttpRequest, consultant_slug: str, meeting_type_slug: str
) -> HttpResponse:
    consultant = _consultant(consultant_slug)
    meeting_type = get_object_or_404(_active_types(consultant), slug=meeting_type_slug)
    return booking_page(request, _offer(request, consultant, meeting_type))


@open_page
@require_safe
def booked_page(request: HttpRequest, token: str) -> HttpResponse:
    """The invitee's own page. Whoever has its address may see the booking, and change it."""
    return own_page(_visit(request, token))


@open_page
@require_http_methods(["GET", "HEAD", "POST"])
def cancel_booking_page(request: HttpRequest, token: str) -> HttpResponse:
    return cancel_page(_visit(request, token))


@open_page
@require_http_methods(["GET", "HEAD", "POST"])
def move_booking_page(request: HttpRequest, token: str) -> HttpResponse:
    return move_page(_visit(request, token))


@open_page
@require_http_methods(["GET", "HEAD", "POST"])
def decision_page(request: HttpRequest, token: str) -> HttpResponse:
    """The consultant's own page of a request, from the mail that tells of it."""
    try:
        booking = booking_by_decision_token(token)
    except Booking.DoesNotExist:
        raise Http404("booking") from None
    return decide(request, booking)


@open_page
@require_safe
def invite_file(request: HttpRequest, token: str) -> HttpResponse:
    """The booking as a file for the invitee's own calendar."""
    booking = _booking(token)
    return HttpResponse(
        invitation(booking, method="CANCEL" if booking.is_cancelled else "PUBLISH"),
        content_type="text/calendar; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="invite.ics"'},
    )


@require_safe
def embed_script(request: HttpRequest) -> HttpResponse:
    """The custom element for other websites, at an address that never changes."""
    response = serve(request, "embed.js", document_root=settings.BASE_DIR / "static")
    response.headers["Content-Type"] = "text/javascript; charset=utf-8"
    response.headers["Cache-Control"] = "public, max-age=3600"
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


def _consultant(slug: str) -> Consultant:
    bookable = Consultant.objects.filter(is_active=True).select_related("booking_settings")
    return get_object_or_404(bookable, slug=slug)


def _active_types(consultant: Consultant):
    return MeetingType.objects.filter(user=consultant, is_active=True)


def _offer(request: HttpRequest, consultant: Consultant, meeting_type: MeetingType | None) -> Offer:
    return Offer(
        consultant=consultant,
        meeting_type=meeting_type,
        zone=PageAddress.read(request.GET)["zone"] or consultant.zone,
        now=timezone.now(),
    )


def _booking(token: str) -> Booking:
    try:
        return booking_by_token(token)
    except Booking.DoesNotExist:
        raise Http404("booking") from None


def _visit(request: HttpRequest, token: str) -> Visit:
    return Visit(request, _booking(token), token, timezone.now())
