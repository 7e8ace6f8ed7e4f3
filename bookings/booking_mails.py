"""The mails that a booking owes: each a row, and sent once."""

from datetime import datetime
from uuid import UUID

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from bookings.states import UNWRITTEN, BookingStatus
from connections.models import uuid_key


class MailKind(models.TextChoices):
    """What a mail is about. Which happening owes which mails stands in ``sql/owed_mails.sql``."""

    CONFIRMATION = "confirmation", "confirmation"
    CONSULTANT_NOTICE = "consultant_notice", "new booking"
    REQUEST = "request", "request received"
    APPROVAL = "approval", "request for approval"
    REFUSAL = "refusal", "request declined"
    WITHDRAWAL = "withdrawal", "request withdrawn"
    CHANGE = "change", "move"
    CANCELLATION = "cancellation", "cancellation"
    REMINDER = "reminder", "reminder"
    CONFERENCE = "conference", "link of the video call"
    CALENDAR_TROUBLE = "calendar_trouble", "calendar trouble"
    CONFLICT = "conflict", "conflict"


SAID_OF = {
    MailKind.REQUEST: BookingStatus.PENDING,
    MailKind.APPROVAL: BookingStatus.PENDING,
    MailKind.REFUSAL: BookingStatus.CANCELLED,
    MailKind.WITHDRAWAL: BookingStatus.CANCELLED,
    MailKind.CANCELLATION: BookingStatus.CANCELLED,
}  # all others speak of confirmed bookings


class MailRecipient(models.TextChoices):
    INVITEE = "invitee", "invitee"
    CONSULTANT = "consultant", "consultant"


OUTDATED = "The booking was changed before this mail was sent."


class BookingMailQuerySet(models.QuerySet):
    def due(self, now: datetime):
        return self.filter(due_at__lte=now).order_by("due_at")

    def waiting_for_event(self, booking_id: UUID):
        """Those that were to tell the link of a video call, once it is known."""
        told = [MailKind.CONFIRMATION, MailKind.CONSULTANT_NOTICE, MailKind.CHANGE]
        return self.filter(booking=booking_id, kind__in=told, not_before=None).exclude(due_at=None)

    def undelivered(self):
        """Those that could not be sent so far, or ever; not those that were none to send."""
        return self.filter(sent_at=None).exclude(error__in=["", OUTDATED])

    def startable(self, now: datetime):
        """Those that no worker is at, and whose mail server need not be left alone."""
        owed = self.exclude(due_at=None)
        return owed.filter(Q(not_before=None) | Q(not_before__lte=now))


class BookingMail(models.Model):
    """A mail that a booking owes, sent once.

    One row per kind, recipient, revision, and what it is ``about`` where there are several: a
    reminder's minutes before the start.
    """

    id = uuid_key()
    booking = models.ForeignKey(
        "bookings.Booking", models.CASCADE, related_name="mails", db_constraint=False
    )
    kind = models.TextField(choices=MailKind)
    recipient = models.TextField(choices=MailRecipient)
    sequence = models.IntegerField(default=0, db_default=0)
    about = models.TextField(default="", db_default="")
    due_at = models.DateTimeField(null=True, db_default=Now())
    not_before = models.DateTimeField(null=True)
    attempts = models.IntegerField(default=0, db_default=0)
    sent_at = models.DateTimeField(null=True)
    error = models.TextField(default="", db_default="")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = BookingMailQuerySet.as_manager()

    class Meta:
        db_table = "booking_mails"
        verbose_name = "mail"
        constraints = [
            models.UniqueConstraint(
                fields=["booking", "kind", "recipient", "sequence", "about"],
                name="booking_mails_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} (to the {self.recipient})"

    def is_outdated(self, now: datetime) -> bool:
        """Whether it would tell of what is no longer so."""
        if self.booking.sequence != self.sequence:
            return True
        if self.kind == MailKind.CALENDAR_TROUBLE:
            return self.booking.event_state not in UNWRITTEN
        if self.kind == MailKind.REMINDER and self.booking.start_time <= now:
            return True
        return self.booking.status != SAID_OF.get(self.kind, BookingStatus.CONFIRMED)
