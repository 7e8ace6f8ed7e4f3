"""Bookings on the consultant's desk. They are made and changed by the booking rules alone."""

from django.contrib import admin, messages
from django.contrib.admin import RelatedOnlyFieldListFilter
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.formats import localize
from django.utils.html import format_html_join
from django.views.decorators.http import require_safe

from bookings.desk import Choices, desk_urls
from bookings.desk_calendar import calendar_urls
from bookings.mail_previews import mail_names, preview
from bookings.models import Booking, BookingQuerySet
from bookings.states import BookingStatus
from bookings.webhook_admin import WebhookDeliveryAdmin, WebhookEndpointAdmin
from bookings.wording import answers_of
from bookings.writeback import requeue_unwritten
from connections.admin_filters import WhenFilter
from connections.buttons import button
from connections.owned_admin import ReadOnlyAdmin

__all__ = ["BookingAdmin", "WebhookDeliveryAdmin", "WebhookEndpointAdmin"]


class WaitingFilter(admin.SimpleListFilter):
    """Requests that wait for the consultant's approval."""

    title = "approval"
    parameter_name = "approval"

    def lookups(self, request: HttpRequest, model_admin) -> list:
        return [("waiting", "Waiting for approval")]

    def queryset(self, request: HttpRequest, rows: BookingQuerySet) -> BookingQuerySet:
        return rows.requests() if self.value() == "waiting" else rows


@admin.register(Booking)
class BookingAdmin(ReadOnlyAdmin):
    list_display = [
        "start_time",
        "invitee_name",
        "invitee_email",
        "meeting_type",
        "status",
        "event",
    ]
    list_filter = [
        WaitingFilter,
        WhenFilter,
        "status",
        "event_state",
        ("meeting_type", RelatedOnlyFieldListFilter),
    ]
    list_select_related = ["user", "meeting_type"]
    search_fields = ["invitee_name", "invitee_email", "title"]
    ordering = ["-start_time"]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    ("start_time", "end_time"),
                    ("status", "hold_expires_at"),
                    "meeting_type",
                    "title",
                    "location",
                    ("has_conference", "conference_url"),
                ]
            },
        ),
        (
            "Invitee",
            {
                "fields": [
                    "invitee_name",
                    "invitee_email",
                    "invitee_time_zone",
                    "invitee_notes",
                    "given_answers",
                ]
            },
        ),
        (
            "In your calendar",
            {"fields": ["event", "calendar", "event_attempts", "last_error", "next_try"]},
        ),
        (
            "History",
            {
                "fields": [
                    "created_at",
                    "changed_by",
                    ("moved_from", "reschedule_count"),
                    ("cancelled_at", "cancellation_reason"),
                    "sequence",
                ]
            },
        ),
    ]

    def get_urls(self) -> list:
        retry = self.admin_site.admin_view(self.retry_events)
        mails = self.admin_site.admin_view(self.mails)
        return [
            path("retry-events/", retry, name="bookings_booking_retry_events"),
            *desk_urls(self),
            *calendar_urls(self),
            path("mails/", mails, name="bookings_booking_mails"),
            path("mails/<str:kind>/<str:recipient>/", mails, name="bookings_booking_mail"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context=None
    ) -> HttpResponse:
        booking = self.get_object(request, object_id)
        shown = {"booking": booking, "choices": Choices(booking, timezone.now())} if booking else {}
        return super().change_view(request, object_id, form_url, shown | (extra_context or {}))

    @method_decorator(button())
    def retry_events(self, request: HttpRequest) -> HttpResponse:
        """Write now what could not be written to the calendar so far."""
        if requeue_unwritten(request.user.pk, now=timezone.now()):
            messages.success(request, "The bookings are written within the next seconds.")
        else:
            messages.warning(
                request, "Nothing can be written yet: no connected calendar receives bookings."
            )
        return redirect("admin:index")

    @method_decorator(require_safe)
    def mails(
        self, request: HttpRequest, kind: str = "confirmation", recipient: str = "invitee"
    ) -> HttpResponse:
        """One of the mails that the consultant's bookings bring about, as a sample."""
        try:
            letter = preview(request.user, kind, recipient, now=timezone.now())
        except KeyError:
            raise Http404("There is no such mail.") from None
        context = {
            "title": "Mails of a booking",
            "names": mail_names(),
            "chosen": (kind, recipient),
            "letter": letter,
        }
        context |= self.admin_site.each_context(request)
        return render(request, "admin/bookings/mails.html", context)

    @admin.display(description="calendar event", ordering="event_state")
    def event(self, booking: Booking) -> str:
        return booking.event_in_words

    @admin.display(description="calendar")
    def calendar(self, booking: Booking) -> str:
        return str(booking.event_connection or "–")

    @admin.display(description="last error")
    def last_error(self, booking: Booking) -> str:
        return booking.event_error or "–"

    @admin.display(description="next try")
    def next_try(self, booking: Booking) -> str:
        """In the consultant's zone, which is the desk's."""
        due = None if booking.status == BookingStatus.PENDING else booking.event_due_at
        return localize(timezone.localtime(due)) if due else "–"

    @admin.display(description="answers")
    def given_answers(self, booking: Booking) -> str:
        return format_html_join("\n", "<p>{}: {}</p>", answers_of(booking)) or "–"
