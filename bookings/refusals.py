"""Why a booking was not made, or not changed. Each text is fit for the person who asked."""


class BookingRefused(Exception):
    """Nothing was booked, and nothing was changed."""


class SlotTaken(BookingRefused):
    """The time is not offered, or not any more."""

    def __init__(
        self, message: str = "This time is not free any more. Please choose another one."
    ) -> None:
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
