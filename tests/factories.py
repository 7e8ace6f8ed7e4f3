"""Rows for tests, complete and valid unless a test says otherwise."""

from datetime import UTC, datetime, time, timedelta

import factory
from factory.django import DjangoModelFactory

from availability.models import (
    AvailabilityException,
    AvailabilityRule,
    BlockedDate,
    BookingSettings,
    MeetingType,
)
from bookings.models import Booking
from connections.models import CalendarConnection, Consultant, SyncStatus
from syncing.models import SyncedEvent

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
FAR_AHEAD = datetime(2100, 1, 1, tzinfo=UTC)


class ConsultantFactory(DjangoModelFactory):
    """A consultant; ``time_zone`` and other booking settings may be given as ``settings__…``."""

    class Meta:
        model = Consultant
        skip_postgeneration_save = True

    email = factory.Sequence(lambda n: f"consultant{n}@example.com")
    name = factory.Sequence(lambda n: f"Consultant {n}")
    slug = factory.Sequence(lambda n: f"consultant-{n}")
    is_staff = True

    @factory.post_generation
    def settings(self, create, extracted, **changes):
        BookingSettings.objects.filter(user=self).update(**changes)


class ConnectionFactory(DjangoModelFactory):
    """An Apple calendar that was synced just now for all time."""

    class Meta:
        model = CalendarConnection

    user = factory.SubFactory(ConsultantFactory)
    provider = "apple"
    provider_email = factory.SelfAttribute("user.email")
    calendar_id = factory.Sequence(lambda n: f"https://caldav.example.com/calendars/{n}/")
    calendar_name = factory.Sequence(lambda n: f"Calendar {n}")
    app_specific_password = "app-password"
    caldav_url = "https://caldav.example.com/"
    sync_status = SyncStatus.SYNCED
    last_synced_at = factory.LazyFunction(lambda: datetime.now(UTC))
    synced_from = LONG_AGO
    synced_until = FAR_AHEAD


class SyncedEventFactory(DjangoModelFactory):
    class Meta:
        model = SyncedEvent

    connection = factory.SubFactory(ConnectionFactory)
    provider_event_id = factory.Sequence(lambda n: f"event-{n}")
    title = "Busy"
    start_time = datetime(2027, 3, 1, 10, tzinfo=UTC)
    end_time = factory.LazyAttribute(lambda event: event.start_time + timedelta(hours=1))


class AvailabilityRuleFactory(DjangoModelFactory):
    class Meta:
        model = AvailabilityRule

    user = factory.SubFactory(ConsultantFactory)
    day_of_week = 0
    start_time = time(9)
    end_time = time(17)


class AvailabilityExceptionFactory(DjangoModelFactory):
    class Meta:
        model = AvailabilityException

    user = factory.SubFactory(ConsultantFactory)


class BlockedDateFactory(DjangoModelFactory):
    class Meta:
        model = BlockedDate

    user = factory.SubFactory(ConsultantFactory)


class MeetingTypeFactory(DjangoModelFactory):
    class Meta:
        model = MeetingType

    user = factory.SubFactory(ConsultantFactory)
    slug = factory.Sequence(lambda n: f"meeting-{n}")
    title = "Meeting"


class BookingFactory(DjangoModelFactory):
    """A booking as the website would insert it; ``owes_mails=False`` forgets what it owes."""

    class Meta:
        model = Booking
        skip_postgeneration_save = True

    user = factory.SubFactory(ConsultantFactory)
    start_time = datetime(2027, 3, 1, 10, tzinfo=UTC)
    end_time = factory.LazyAttribute(lambda booking: booking.start_time + timedelta(minutes=30))
    title = "Meeting"
    invitee_name = "Ivy Invitee"
    invitee_email = "ivy@example.com"

    @factory.post_generation
    def owes_mails(self, create, extracted, **kwargs):
        if extracted is False:
            self.mails.all().delete()
