"""What Prometheus is told, counted in the database when it asks: every process says the same.

Labels hold ids and states, never a name, an address or a title.
https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime

from django.core.cache import cache
from django.db.models import Case, Count, F, Min, TextField, Value, When
from django.db.models.functions import Coalesce
from django_q.brokers import get_broker
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from bookings.audit import EXPLANATIONS
from bookings.booking_mails import BookingMail
from bookings.endpoints import WebhookDelivery
from bookings.models import AuditFinding, Booking
from bookings.states import UNWRITTEN, BookingStatus
from calsync.sweeper import LAST_SWEEP
from connections.models import CalendarConnection, Departure
from syncing import cadence

# "off" is not in use, "reconnect" waits for its consultant; else how the last sync went.
STATE = Case(
    When(is_active=False, then=Value("off")),
    When(reconnect_needed_at__isnull=False, then=Value("reconnect")),
    default=F("sync_status"),
    output_field=TextField(),
)
FOLLOWED = {cadence.BY_PUSH: "push", cadence.BY_POLL: "fast_poll", cadence.NOT_FOLLOWED: "neither"}


def exposition(*, now: datetime) -> bytes:
    """All numbers, in the Prometheus text format."""
    registry = CollectorRegistry()
    registry.register(Numbers(now))
    return generate_latest(registry)


class Numbers(Collector):
    """What the rows say at ``now``."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield self._connections()
        yield from self._followed()
        yield from self._drift()
        yield from self._freshness()
        yield from self._waiting()
        yield self._broken()

    def _connections(self) -> GaugeMetricFamily:
        labels = ("provider", "state")
        counted = CalendarConnection.objects.annotate(state=STATE).values_list(*labels)
        rows = counted.annotate(number=Count("pk")).order_by(*labels)
        gauge = GaugeMetricFamily("calsync_connections", "Known calendars.", labels=labels)
        for *values, number in rows:
            gauge.add_metric(values, number)
        return gauge

    def _followed(self) -> Iterator[GaugeMetricFamily]:
        calendars = CalendarConnection.objects.reachable()
        ways = Counter(cadence.followed_by(row, now=self.now) for row in calendars)
        counts = {name: ways[way] for way, name in FOLLOWED.items()}
        yield _by("calsync_calendars", "Calendars in use, by what shows their changes.", counts)
        share = 1 - ways[cadence.NOT_FOLLOWED] / max(ways.total(), 1)
        yield _one("calsync_calendars_followed_ratio", "Watched or in fast poll: 1 is all.", share)

    def _drift(self) -> Iterator[GaugeMetricFamily]:
        labels = ("connection", "direction")
        help_text = "Minutes by which busy time differed from the provider's own word."
        minutes = GaugeMetricFamily("calsync_drift_minutes", help_text, labels=labels)
        age = GaugeMetricFamily(
            "calsync_drift_age_seconds", "Since that was found.", labels=("connection",)
        )
        for row in CalendarConnection.objects.reachable().exclude(drift_missing_minutes=None):
            minutes.add_metric([str(row.pk), "missing"], row.drift_missing_minutes)
            minutes.add_metric([str(row.pk), "surplus"], row.drift_surplus_minutes)
            age.add_metric([str(row.pk)], self._since(row.verified_at))
        yield from (minutes, age)

    def _freshness(self) -> Iterator[GaugeMetricFamily]:
        """Without a calendar, or a sweep, there is no age to tell."""
        last_known = Min(Coalesce("last_synced_at", "created_at"))
        oldest = CalendarConnection.objects.reachable().aggregate(oldest=last_known)["oldest"]
        if oldest:
            help_text = "Since the last sync of the calendar that waits longest."
            yield _one("calsync_oldest_sync_age_seconds", help_text, self._since(oldest))
        if last_sweep := cache.get(LAST_SWEEP):
            help_text = "Since a worker last looked for what is due."
            yield _one("calsync_last_sweep_age_seconds", help_text, self._since(last_sweep))

    def _waiting(self) -> Iterator[GaugeMetricFamily]:
        due = CalendarConnection.objects.due(self.now).count()
        yield _one("calsync_syncs_due", "Calendars that are due and not yet read.", due)
        yield _by("calsync_bookings_undone", "Bookings whose event is to be done.", _undone())
        unsent = BookingMail.objects.filter(sent_at=None)
        mails = {
            "due": unsent.exclude(due_at=None).count(),
            "given_up": unsent.undelivered().filter(due_at=None).count(),
        }
        yield _by("calsync_mails_unsent", "Mails that bookings owe.", mails)
        deliveries = {
            "due": WebhookDelivery.objects.exclude(due_at=None).count(),
            "given_up": WebhookDelivery.objects.given_up().count(),
        }
        yield _by("calsync_deliveries_undone", "What webhooks are to be told.", deliveries)
        departures = Departure.objects.count()
        yield _one("calsync_departures", "Disconnections to tell a provider of.", departures)
        yield _one("calsync_queue_length", "Tasks waiting for a worker.", get_broker().queue_size())

    def _broken(self) -> GaugeMetricFamily:
        """Each invariant, also those that hold: an alarm needs a value to wait for."""
        found = Counter(AuditFinding.objects.values_list("invariant", flat=True))
        gauge = GaugeMetricFamily(
            "calsync_broken", "What the last audit found.", labels=("invariant",)
        )
        for invariant in EXPLANATIONS:
            gauge.add_metric([invariant], found[invariant])
        return gauge

    def _since(self, moment: datetime) -> float:
        return (self.now - moment).total_seconds()


def _undone() -> dict[str, int]:
    rows = Booking.objects.filter(event_state__in=UNWRITTEN).exclude(status=BookingStatus.PENDING)
    found = Counter(rows.values_list("event_state", flat=True))
    return {str(state): found[state] for state in UNWRITTEN}


def _one(name: str, help_text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, help_text, value=value)


def _by(name: str, help_text: str, counts: Mapping[str, int]) -> GaugeMetricFamily:
    gauge = GaugeMetricFamily(name, help_text, labels=("state",))
    for state, number in counts.items():
        gauge.add_metric([state], number)
    return gauge
