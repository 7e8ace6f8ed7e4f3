"""What a consultant says on the desk to bookings whose events changed in a calendar."""

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils import timezone

from bookings import consultants_word
from connections.buttons import button


def calendar_urls(page: ModelAdmin) -> list[URLPattern]:
    """Each word is about all of the consultant's own bookings that wait for it."""
    guard = page.admin_site.admin_view
    return [
        path("cancel-deleted/", guard(cancel_deleted), name="bookings_booking_cancel_deleted"),
        path("write-back/", guard(write_back), name="bookings_booking_write_back"),
    ]


@button()
def cancel_deleted(request: HttpRequest) -> HttpResponse:
    count = consultants_word.cancel_deleted(request.user, now=timezone.now())
    messages.success(request, f"{_bookings(count)} cancelled; the invitees get a mail.")
    return redirect("admin:index")


@button()
def write_back(request: HttpRequest) -> HttpResponse:
    waiting = consultants_word.undecided(request.user)
    count = consultants_word.write_back(waiting, now=timezone.now())
    messages.success(request, f"{_bookings(count)} written to your calendar again.")
    return redirect("admin:index")


def _bookings(count: int) -> str:
    return "1 booking is" if count == 1 else f"{count} bookings are"
