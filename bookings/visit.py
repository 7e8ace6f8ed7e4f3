"""Somebody with the key to a booking looks at it: what has become of it, and what they may do."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from zoneinfo import ZoneInfo

from django.http import HttpRequest
from django.urls import reverse

from bookings.booking_mails import MailKind
from bookings.changes import is_movable, require_changeable
from bookings.models import Booking
from bookings.refusals import TooLate
from bookings.wording import consultant_name, invitee_zone, lacks_link, moment, span, title_of

# How a request ended that was never confirmed; the mails say which words were due to it.
ENDED_AS = {MailKind.REFUSAL: "declined", MailKind.WITHDRAWAL: "withdrawn"}


@dataclass(frozen=True)
class Visit:
    """The booking, the key it was opened with, and the moment of the visit."""

    request: HttpRequest
    booking: Booking
    token: str
    now: datetime

    @cached_property
    def state(self) -> str:
        """booked | waiting | declined | withdrawn | cancelled | over."""
        if self.booking.is_cancelled:
            return self._ended_as()
        if self.booking.end_time <= self.now:
            return "over"
        return "waiting" if self.booking.is_request else "booked"

    @property
    def is_open(self) -> bool:
        """Whether it stands and lies ahead, so that somebody may still want to change it."""
        return self.state in ("booked", "waiting")

    @cached_property
    def too_late(self) -> str:
        """Why the invitee may not change it any more; empty: they may."""
        try:
            require_changeable(self.booking, now=self.now)
        except TooLate as refusal:
            return str(refusal)
        return ""

    @property
    def may_change(self) -> bool:
        return self.is_open and not self.too_late

    @property
    def may_move(self) -> bool:
        return self.may_change and is_movable(self.booking)

    # --- in words -----------------------------------------------------------------------------

    @property
    def zone(self) -> ZoneInfo:
        return invitee_zone(self.booking)

    @property
    def title(self) -> str:
        return title_of(self.booking)

    @property
    def consultant_name(self) -> str:
        return consultant_name(self.booking.user)

    @property
    def when(self) -> str:
        return span(self.booking.start_time, self.booking.end_time, self.zone)

    @property
    def moved_from(self) -> str:
        """When it would have begun before it was moved; empty: it never was."""
        before = self.booking.moved_from
        return moment(before, self.zone) if before and self.is_open else ""

    @property
    def changeable_until(self) -> str:
        """The last moment for changes, where it is not the start itself."""
        until = self.booking.changeable_until
        return moment(until, self.zone) if until < self.booking.start_time else ""

    @property
    def lacks_link(self) -> bool:
        return lacks_link(self.booking)

    # --- addresses ----------------------------------------------------------------------------

    @property
    def page(self) -> str:
        return self._address("booking")

    @property
    def cancel_page(self) -> str:
        return self._address("booking-cancel")

    @property
    def move_page(self) -> str:
        return self._address("booking-move")

    @property
    def file(self) -> str:
        return reverse("booking-invite", args=[self.token])

    def _address(self, name: str) -> str:
        """What is embedded in another website stays so."""
        page = reverse(name, args=[self.token])
        return f"{page}?embed=1" if "embed" in self.request.GET else page

    def _ended_as(self) -> str:
        last_words = self.booking.mails.filter(
            sequence=self.booking.sequence, kind__in=ENDED_AS
        ).values_list("kind", flat=True)
        return ENDED_AS.get(last_words.first(), "cancelled")
