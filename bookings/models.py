"""An invitee's reservation of the consultant's time."""

from django.db import models
from django.db.models.functions import Now

from availability.models import MeetingType, OwnedModel
from connections.models import CalendarConnection


class BookingStatus(models.TextChoices):
    PENDING = "pending", "pending"
    CONFIRMED = "confirmed", "confirmed"
    CANCELLED = "cancelled", "cancelled"


class EventState(models.TextChoices):
    DUE = "due", "to be written"
    WRITTEN = "written", "in the calendar"
    REMOVED = "removed", "removed from the calendar"
    FAILED = "failed", "could not be written"
    NONE = "none", "no calendar receives bookings"


class Booking(OwnedModel):
    """A reservation, and the state of its event in the consultant's calendar."""

    meeting_type = models.ForeignKey(
        MeetingType, models.SET_NULL, null=True, blank=True, db_constraint=False
    )
    start_time = models.DateTimeField("start")
    end_time = models.DateTimeField("end")
    buffer_before = models.IntegerField(default=0, db_default=0, help_text="Minutes.")
    buffer_after = models.IntegerField(default=0, db_default=0, help_text="Minutes.")
    status = models.TextField(
        choices=BookingStatus, default=BookingStatus.CONFIRMED, db_default=BookingStatus.CONFIRMED
    )
    hold_expires_at = models.DateTimeField(null=True, blank=True)
    title = models.TextField(blank=True, default="", db_default="")
    location = models.TextField(blank=True, default="", db_default="")
    invitee_name = models.TextField("name", default="", db_default="")
    invitee_email = models.TextField("e-mail", default="", db_default="")
    invitee_time_zone = models.TextField("time zone", default="UTC", db_default="UTC")
    invitee_notes = models.TextField("notes", blank=True, default="", db_default="")
    answers = models.JSONField(
        default=dict, blank=True, db_default=models.Value("{}", models.JSONField())
    )
    idempotency_key = models.TextField(null=True, editable=False)
    request_fingerprint = models.TextField(default="", db_default="", editable=False)
    manage_token_hash = models.TextField(null=True, editable=False)
    cancelled_at = models.DateTimeField(null=True, editable=False)
    cancellation_reason = models.TextField(blank=True, default="", db_default="")
    reschedule_count = models.IntegerField(default=0, db_default=0, editable=False)

    event_connection = models.ForeignKey(
        CalendarConnection,
        models.SET_NULL,
        null=True,
        related_name="bookings",
        db_constraint=False,
        editable=False,
    )
    provider_event_id = models.TextField(default="", db_default="", editable=False)
    ical_uid = models.TextField(default="", db_default="", editable=False)
    sequence = models.IntegerField(default=0, db_default=0, editable=False)
    event_state = models.TextField(
        "calendar event", choices=EventState, default=EventState.DUE, db_default=EventState.DUE
    )
    event_due_at = models.DateTimeField(null=True, db_default=Now(), editable=False)
    event_attempts = models.IntegerField(default=0, db_default=0, editable=False)
    event_error = models.TextField(default="", db_default="", editable=False)

    class Meta:
        db_table = "bookings"

    def __str__(self) -> str:
        return f"{self.invitee_name} {self.start_time:%Y-%m-%d %H:%M}"
