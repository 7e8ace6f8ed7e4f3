"""Mails that become owed by what did not happen in time: everything else is owed by triggers.

Each is one statement that may be repeated: a mail that is owed already is not owed twice.
"""

from datetime import timedelta

from django.db import connection

from bookings.models import Booking

ALARM_AFTER = timedelta(minutes=15)


def owe_alarms() -> None:
    """Tell the consultants of events that were refused, or have been due for too long.

    By the database's clock, which says since when they have been due.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT calsync.owe_alarms(%s)", [ALARM_AFTER])


def owe_link(booking: Booking) -> None:
    """Tell the invitee the link of the video call, if it is known and they were mailed without."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT calsync.owe_link(%s)", [booking.pk])
