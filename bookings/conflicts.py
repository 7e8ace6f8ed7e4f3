"""Bookings that something in the consultant's calendars stands over: flagged, never resolved here.

The consultant is told once of each, by a mail and on the desk, until one of the two has moved.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from bookings.booking_mails import BookingMail, MailKind, MailRecipient
from bookings.models import Booking
from connections.models import Consultant
from syncing.models import SyncedEvent

OWE_MAILS = """
INSERT INTO calsync.booking_mails (booking_id, kind, recipient, sequence, about, due_at)
SELECT booking_id, 'conflict', 'consultant', sequence, event_id::text, %(now)s
FROM calsync.conflicts(%(now)s)
WHERE noticed_at <= %(now)s - interval '1 minute'
ON CONFLICT DO NOTHING
"""
OF_CONSULTANT = """
SELECT booking_id, event_id FROM calsync.conflicts(%(now)s) WHERE user_id = %(consultant)s
ORDER BY booking_id, event_id
"""


@dataclass(frozen=True, slots=True)
class Conflict:
    """A booking, and an event that takes some of its time."""

    booking: Booking
    event: SyncedEvent


def owe_mails(*, now: datetime) -> int:
    """Mails for the conflicts that nobody was told of; what is dragged across a booking is none."""
    with connection.cursor() as cursor:
        cursor.execute(OWE_MAILS, {"now": now})
        return cursor.rowcount


def owe_conflict_mail(booking: Booking, *, about: str) -> None:
    """The mail of a conflict of another kind: ``about`` says which, once a revision."""
    mail = BookingMail(
        booking=booking,
        kind=MailKind.CONFLICT,
        recipient=MailRecipient.CONSULTANT,
        sequence=booking.sequence,
        about=about,
    )
    BookingMail.objects.bulk_create([mail], ignore_conflicts=True)


def conflicts_of(consultant: Consultant, *, now: datetime) -> list[Conflict]:
    """What the desk shows, the next booking first."""
    with connection.cursor() as cursor:
        cursor.execute(OF_CONSULTANT, {"now": now, "consultant": consultant.pk})
        pairs = cursor.fetchall()
    bookings = Booking.objects.in_bulk([booking_id for booking_id, _ in pairs])
    events = SyncedEvent.objects.select_related("connection").in_bulk([each for _, each in pairs])
    found = [
        Conflict(bookings[booking_id], events[event_id])
        for booking_id, event_id in pairs
        if booking_id in bookings and event_id in events
    ]
    return sorted(found, key=lambda one: (one.booking.start_time, one.event.start_time))
