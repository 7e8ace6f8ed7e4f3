"""What is said of a booking in a word: how it stands, who decided, where its event is."""

from django.db import models


class BookingStatus(models.TextChoices):
    PENDING = "pending", "pending"
    CONFIRMED = "confirmed", "confirmed"
    CANCELLED = "cancelled", "cancelled"


class ChangedBy(models.TextChoices):
    """Who decided on a booking, moved or cancelled it last."""

    INVITEE = "invitee", "the invitee"
    CONSULTANT = "consultant", "the consultant"
    CALENDAR = "calendar", "the consultant, in the calendar"
    SYSTEM = "system", "calsync"


class EventState(models.TextChoices):
    DUE = "due", "to be written"
    WRITTEN = "written", "in the calendar"
    REMOVED = "removed", "removed from the calendar"
    FAILED = "failed", "could not be written"
    NONE = "none", "no calendar receives bookings"


# What is said of the event of a booking that is cancelled.
LEAVING = {EventState.DUE: "to be removed", EventState.FAILED: "could not be removed"}
UNWRITTEN = [EventState.DUE, EventState.FAILED]
