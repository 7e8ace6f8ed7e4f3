"""An invitee's reservation of the consultant's time, and what is found out about it."""

from datetime import UTC, datetime, timedelta

from django.db import models, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now
from django.utils import timezone

from availability.models import MeetingType, OwnedModel
from bookings.booking_mails import BookingMail  # noqa: F401  Django looks here
from bookings.endpoints import WebhookDelivery, WebhookEndpoint  # noqa: F401  and here
from bookings.states import LEAVING, BookingStatus, ChangedBy, EventState
from connections.models import CalendarConnection, Consultant, uuid_key
from syncing.models import EventStatus, SyncedEvent

SAME_MOMENT = timedelta(minutes=1)  # calendars keep whole seconds, some of them whole minutes
# What the table takes: bookings_length, bookings_in_known_years.
SHORTEST, LONGEST = timedelta(minutes=1), timedelta(hours=24)
FURTHEST = datetime(9000, 1, 1, tzinfo=UTC)


class BookingQuerySet(models.QuerySet):
    def event_due(self, now: datetime):
        """Bookings whose calendar event is to be worked on; a hold has none."""
        due = self.filter(event_state=EventState.DUE, event_due_at__lte=now)
        return due.exclude(status=BookingStatus.PENDING).order_by("event_due_at")

    def event_startable(self, now: datetime):
        """Those that no worker is at, and whose provider need not be left alone."""
        due = self.filter(event_state=EventState.DUE).exclude(status=BookingStatus.PENDING)
        return due.filter(Q(event_not_before=None) | Q(event_not_before__lte=now))

    def event_in_doubt(self, now: datetime):
        """Bookings ahead whose event a later sync no longer shows where it was written.

        Nothing is due for them; and what is outside a calendar's window is in no doubt.
        """
        shown = SyncedEvent.objects.exclude(status=EventStatus.CANCELLED).filter(
            booking_id=OuterRef("pk"),
            connection=OuterRef("event_connection"),
            start_time__gt=OuterRef("start_time") - SAME_MOMENT,
            start_time__lt=OuterRef("start_time") + SAME_MOMENT,
            end_time__gt=OuterRef("end_time") - SAME_MOMENT,
            end_time__lt=OuterRef("end_time") + SAME_MOMENT,
        )
        ahead = self.filter(status=BookingStatus.CONFIRMED, start_time__gt=now)
        return ahead.filter(
            ~Exists(shown),
            event_state=EventState.WRITTEN,
            event_connection__is_active=True,
            event_connection__last_synced_at__gt=F("updated_at"),
            event_connection__synced_from__lte=F("start_time"),
            event_connection__synced_until__gte=F("end_time"),
        )

    def standing(self):
        """Those that keep their time, holds among them."""
        return self.filter(status__in=[BookingStatus.PENDING, BookingStatus.CONFIRMED])

    def holds(self, now: datetime):
        """Holds that have not expired."""
        return self.filter(status=BookingStatus.PENDING, hold_expires_at__gt=now)

    def expired_holds(self, now: datetime):
        return self.filter(status=BookingStatus.PENDING, hold_expires_at__lte=now)

    def requests(self):
        """Those that wait for the consultant's approval."""
        return self.filter(status=BookingStatus.PENDING, hold_expires_at=None)


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
    hold_token_hash = models.TextField(null=True, editable=False)
    holder_hash = models.TextField(null=True, editable=False)
    title = models.TextField(blank=True, default="", db_default="")
    location = models.TextField(blank=True, default="", db_default="")
    invitee_name = models.TextField("name", default="", db_default="")
    invitee_email = models.TextField("e-mail", default="", db_default="")
    invitee_time_zone = models.TextField("time zone", default="UTC", db_default="UTC")
    invitee_notes = models.TextField("notes", blank=True, default="", db_default="")
    answers = models.JSONField(
        default=dict, blank=True, db_default=models.Value({}, models.JSONField())
    )
    idempotency_key = models.TextField(null=True, editable=False)
    request_fingerprint = models.TextField(default="", db_default="", editable=False)
    manage_token_hash = models.TextField(null=True, editable=False)
    cancelled_at = models.DateTimeField(null=True, editable=False)
    cancellation_reason = models.TextField(blank=True, default="", db_default="")
    reschedule_count = models.IntegerField(default=0, db_default=0, editable=False)
    moved_from = models.DateTimeField(null=True, editable=False)
    changed_by = models.TextField(
        choices=ChangedBy, blank=True, default="", db_default="", editable=False
    )
    has_conference = models.BooleanField("video call", default=False, db_default=False)
    conference_url = models.TextField(default="", db_default="", editable=False)

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
    event_due_since = models.DateTimeField(db_default=Now(), editable=False)
    event_not_before = models.DateTimeField(null=True, editable=False)
    event_attempts = models.IntegerField(default=0, db_default=0, editable=False)
    event_error = models.TextField(default="", db_default="", editable=False)

    objects = BookingQuerySet.as_manager()

    class Meta:
        db_table = "bookings"

    def __str__(self) -> str:
        return f"{self.invitee_name} {timezone.localtime(self.start_time):%Y-%m-%d %H:%M}"

    @property
    def is_cancelled(self) -> bool:
        return self.status == BookingStatus.CANCELLED

    @property
    def is_confirmed(self) -> bool:
        return self.status == BookingStatus.CONFIRMED

    def is_held(self, now: datetime) -> bool:
        """Whether it is a hold that has not expired."""
        is_hold = self.status == BookingStatus.PENDING and self.hold_expires_at is not None
        return is_hold and self.hold_expires_at > now

    @property
    def is_request(self) -> bool:
        """Whether it waits for the consultant's approval."""
        return self.status == BookingStatus.PENDING and self.hold_expires_at is None

    @property
    def duration(self) -> timedelta:
        return self.end_time - self.start_time

    @property
    def event_in_words(self) -> str:
        """How its calendar event stands."""
        as_it_is = self.get_event_state_display()
        is_leaving = self.status == BookingStatus.CANCELLED
        return LEAVING.get(self.event_state, as_it_is) if is_leaving else as_it_is

    @property
    def changeable_until(self) -> datetime:
        """The last moment at which its invitee may cancel or move it."""
        own = self.meeting_type and self.meeting_type.change_notice
        notice = self.user.booking_settings.change_notice if own is None else own
        return self.start_time - timedelta(minutes=notice)


class EventFinding(models.TextChoices):
    """What a direct look at a booking's event found."""

    AS_BOOKED = "", "as booked"
    GONE = "gone", "deleted"
    ELSEWHERE = "elsewhere", "moved"


class EventDoubtQuerySet(models.QuerySet):
    def due(self, now: datetime):
        return self.filter(due_at__lte=now).order_by("due_at")

    def waiting(self, finding: EventFinding):
        """Those that wait for the consultant's word."""
        return self.filter(waits_for_word=True, finding=finding).select_related("booking")


class EventDoubt(models.Model):
    """A booking whose event is not seen where calsync wrote it, and what looking there found.

    It speaks of the booking as it was at ``as_of``: any change of the row makes it void.
    """

    booking = models.OneToOneField(
        Booking, models.CASCADE, primary_key=True, related_name="doubt", db_constraint=False
    )
    as_of = models.DateTimeField()
    finding = models.TextField(choices=EventFinding, blank=True, default="", db_default="")
    start_time = models.DateTimeField(null=True)
    end_time = models.DateTimeField(null=True)
    found_at = models.DateTimeField(null=True)
    waits_for_word = models.BooleanField(default=False, db_default=False)
    due_at = models.DateTimeField(db_default=Now())
    failures = models.IntegerField(default=0, db_default=0)

    objects = EventDoubtQuerySet.as_manager()

    class Meta:
        db_table = "event_doubts"

    def __str__(self) -> str:
        return f"{self.get_finding_display()} since {self.found_at}"

    @property
    def is_too_short(self) -> bool:
        """Whether the event was made shorter than any booking."""
        return self.start_time is not None and self.end_time - self.start_time < SHORTEST

    @property
    def is_too_long(self) -> bool:
        """Whether the event was made longer than any booking."""
        return self.start_time is not None and self.end_time - self.start_time > LONGEST

    @transaction.atomic
    def settle(self, **changes) -> int:
        """Change the booking, unless that has changed meanwhile; then forget the doubt.

        Says how many bookings it changed.
        """
        unchanged = Booking.objects.filter(pk=self.pk, updated_at=self.as_of)
        settled = unchanged.update(**changes)
        self.delete()
        return settled


class AuditFinding(models.Model):
    """Something that each ``audit_invariants()`` has found from ``found_at`` to the last one."""

    id = uuid_key()
    invariant = models.TextField()
    subject = models.UUIDField()
    user = models.ForeignKey(Consultant, models.CASCADE, null=True, db_constraint=False)
    detail = models.TextField()
    found_at = models.DateTimeField()

    class Meta:
        db_table = "audit_findings"
        constraints = [
            models.UniqueConstraint(fields=["invariant", "subject"], name="audit_findings_once")
        ]

    def __str__(self) -> str:
        return f"{self.invariant}: {self.detail}"
