"""Why a booking was not made, or not changed. Each text is fit for the person who asked."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import IntegrityError
from psycopg.errors import ExclusionViolation

NOT_FREE = "This time is not free any more. Please choose another one."
CALENDAR_NOT_FREE = "The calendar is not free at that time any more."
RETRY_SECONDS = 30  # until an unreadable calendar is worth another look


class BookingRefused(Exception):
    """Nothing was booked, and nothing was changed."""


class SlotTaken(BookingRefused):
    """The time is not offered, or not any more."""

    def __init__(self, message: str = NOT_FREE) -> None:
        super().__init__(message)


class CalendarUnverified(BookingRefused):
    """The consultant's calendars cannot be read now, so nobody knows whether the time is free."""

    def __init__(self) -> None:
        super().__init__(
            "The calendar cannot be checked at the moment. Please try again in a minute."
        )


class KeyReused(BookingRefused):
    """The idempotency key belongs to another request."""

    def __init__(self) -> None:
        super().__init__("This idempotency key was used for another request.")


class TooManyBookings(BookingRefused):
    """The invitee has as many bookings ahead as the consultant allows."""


class TooManyHolds(BookingRefused):
    """The client holds as many slots as one may; ``wait`` is in seconds, until one is let go."""

    def __init__(self, *, wait: int) -> None:
        super().__init__("You hold several slots already. Please release one of them first.")
        self.wait = wait


class HoldUnknown(BookingRefused):
    """There is no such hold, or it has expired, or it is for another slot."""


class TooLate(BookingRefused):
    """The start is too near, or past: the invitee may not change the booking any more."""


class NotChangeable(BookingRefused):
    """The booking is not in a state in which this could be done."""


@contextmanager
def refused_where_busy(message: str = NOT_FREE, *, or_twice: str = "") -> Iterator[None]:
    """``SlotTaken`` where the table's constraints or its guard say that the time is not free.

    ``or_twice`` names a unique constraint that says the same. Whatever else the table does not
    take is a bug, and is raised as it is.
    """
    try:
        yield
    except IntegrityError as error:
        is_busy = isinstance(error.__cause__, ExclusionViolation)
        if is_busy or (or_twice and error.__cause__.diag.constraint_name == or_twice):
            raise SlotTaken(message) from None
        raise
