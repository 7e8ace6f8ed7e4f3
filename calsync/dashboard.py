"""What the desk's first page shows: read-only questions about one consultant's rows."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from django.conf import settings
from django.db.models import Q, QuerySet
from django.urls import reverse

from availability.models import AvailabilityRule, StalePolicy
from bookings import consultants_word
from bookings.audit import Finding, findings
from bookings.booking_mails import BookingMail
from bookings.conflicts import Conflict, conflicts_of
from bookings.endpoints import WebhookDelivery
from bookings.models import Booking, EventDoubt, EventFinding
from bookings.states import BookingStatus, EventState
from connections.models import CalendarConnection, Consultant
from connections.oauth.offers import OFFERS, Offer, configured_offers
from connections.push import PUSH
from connections.state import State, describe, describe_drift
from syncing import cadence
from syncing.models import SyncedEvent

UPCOMING_SHOWN = 10
REQUESTS_SHOWN = 50
PROBLEMS_SHOWN = 20
GIVEN_UP_SHOWN = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Calendar:
    """A calendar and how it is doing."""

    connection: CalendarConnection
    state: State
    drift: str


class Desk:
    """One consultant's desk at ``now``; each part is asked for when the page shows it."""

    def __init__(self, consultant: Consultant, *, now: datetime) -> None:
        self.consultant = consultant
        self.now = now

    @cached_property
    def booking_page(self) -> str:
        return settings.PUBLIC_URL + reverse("book", args=[self.consultant.slug])

    # --- first steps ------------------------------------------------------------------------

    @cached_property
    def needs_calendar(self) -> bool:
        return not self.calendars

    @cached_property
    def needs_time_zone(self) -> bool:
        """UTC is where everybody starts; who has saved the settings since means it."""
        chosen = self.consultant.booking_settings
        return chosen.time_zone == "UTC" and chosen.updated_at == chosen.created_at

    @cached_property
    def needs_hours(self) -> bool:
        return not AvailabilityRule.objects.filter(user=self.consultant).exists()

    @property
    def is_new(self) -> bool:
        return self.needs_calendar or self.needs_time_zone or self.needs_hours

    # --- calendars --------------------------------------------------------------------------

    @cached_property
    def calendars(self) -> list[Calendar]:
        rows = CalendarConnection.objects.active().filter(user=self.consultant)
        return [
            Calendar(row, describe(row, now=self.now), describe_drift(row))
            for row in rows.order_by("provider_email", "calendar_name", "pk")
        ]

    @property
    def offers(self) -> list[Offer]:
        """The providers at which accounts can be connected by consent."""
        return configured_offers()

    @property
    def offers_missing(self) -> list[str]:
        """The others, by name: this installation is not registered there."""
        return [offer.name for offer in OFFERS.values() if not offer.is_configured]

    @property
    def reachable(self) -> list[CalendarConnection]:
        """The calendars whose sign-in is accepted."""
        rows = [one.connection for one in self.calendars]
        return [row for row in rows if row.reconnect_needed_at is None]

    @property
    def followed(self) -> int:
        """How many of them have their changes seen soon; it should be all of them."""
        return self.followed_by.total()

    @cached_property
    def followed_by(self) -> Counter[str]:
        ways = (cadence.followed_by(row, now=self.now) for row in self.reachable)
        return Counter(way for way in ways if way != cadence.NOT_FOLLOWED)

    @property
    def lacks_push(self) -> bool:
        """Whether providers would tell of changes if they could reach calsync by https."""
        return not settings.PUSH_ADDRESS and any(row.provider in PUSH for row in self.reachable)

    @property
    def to_reconnect(self) -> list[CalendarConnection]:
        """One row of each account whose sign-in is no longer accepted; if any, one that blocks."""
        rows = [one.connection for one in self.calendars if one.connection.reconnect_needed_at]
        rows.sort(key=lambda row: row.blocks_time)  # the last one of an account is kept
        return list(
            {(row.provider, row.provider_email, row.caldav_url): row for row in rows}.values()
        )

    @property
    def closes_when_stale(self) -> bool:
        return self.consultant.booking_settings.stale_policy == StalePolicy.CLOSE

    @property
    def needs_destination(self) -> bool:
        """Whether bookings have nowhere to be written to."""
        return bool(self.calendars) and not any(one.connection.is_primary for one in self.calendars)

    @cached_property
    def unreadable_events(self) -> list[SyncedEvent]:
        """Still to come, and blocking time without having been read in full."""
        rows = SyncedEvent.objects.filter(
            connection__user=self.consultant, connection__is_active=True, end_time__gt=self.now
        ).exclude(problem="")
        return list(rows.select_related("connection").order_by("start_time")[:PROBLEMS_SHOWN])

    # --- bookings that need their consultant --------------------------------------------------

    @cached_property
    def requests(self) -> list[Booking]:
        """What waits for approval, the next first."""
        return list(self._bookings().requests().order_by("start_time")[:REQUESTS_SHOWN])

    @cached_property
    def undecided(self) -> list[EventDoubt]:
        return list(consultants_word.undecided(self.consultant))

    @property
    def has_deleted(self) -> bool:
        return any(doubt.finding == EventFinding.GONE for doubt in self.undecided)

    @cached_property
    def brought_by_calendar(self) -> list[Booking]:
        return list(consultants_word.brought_by_calendar(self.consultant, now=self.now))

    @cached_property
    def conflicts(self) -> list[Conflict]:
        return conflicts_of(self.consultant, now=self.now)

    @cached_property
    def findings(self) -> list[Finding]:
        return findings(self.consultant)

    # --- bookings ---------------------------------------------------------------------------

    @cached_property
    def upcoming(self) -> list[Booking]:
        """The next bookings; a hold counts while it lasts."""
        rows = self._bookings().filter(end_time__gt=self.now)
        wanted = rows.holds(self.now) | rows.filter(status=BookingStatus.CONFIRMED)
        return list(wanted.order_by("start_time")[:UPCOMING_SHOWN])

    @cached_property
    def unwritten(self) -> list[Booking]:
        """Bookings still to come whose calendar event was tried and is not as it should be."""
        tried = Q(event_state=EventState.DUE, event_attempts__gt=0)
        stuck = tried | Q(event_state__in=[EventState.FAILED, EventState.NONE])
        rows = self._bookings().filter(stuck, end_time__gt=self.now)
        rows = rows.exclude(status=BookingStatus.CANCELLED, event_state=EventState.NONE)
        rows = rows.exclude(event_error="", event_state=EventState.DUE)
        return list(rows.order_by("start_time")[:PROBLEMS_SHOWN])

    @cached_property
    def unsent_mails(self) -> list[BookingMail]:
        """Mails that could not be sent so far."""
        rows = BookingMail.objects.undelivered().filter(booking__user=self.consultant)
        rows = rows.select_related("booking")
        return list(rows.order_by("created_at")[:PROBLEMS_SHOWN])

    @cached_property
    def failing_deliveries(self) -> list[WebhookDelivery]:
        """What the consultant's own systems did not take, of each webhook the newest."""
        rows = WebhookDelivery.objects.failing(self.now - GIVEN_UP_SHOWN)
        rows = rows.filter(endpoint__user=self.consultant, endpoint__is_active=True)
        newest = rows.order_by("endpoint", "-created_at").distinct("endpoint")
        return list(newest.select_related("endpoint")[:PROBLEMS_SHOWN])

    @property
    def needs_attention(self) -> bool:
        return bool(
            self.unwritten or self.unsent_mails or self.unreadable_events or self.failing_deliveries
        )

    def _bookings(self) -> QuerySet:
        return Booking.objects.filter(user=self.consultant).select_related("meeting_type")
