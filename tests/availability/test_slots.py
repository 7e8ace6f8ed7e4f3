"""The callers in Python, and what the website's functions refuse to answer."""

from datetime import UTC, date, datetime, time, timedelta
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection

from availability.slots import (
    Freshness,
    Reason,
    Slot,
    SlotQueryRefused,
    explain,
    freshness,
    offered_days,
)
from connections.models import Consultant
from tests.availability.website import offered_slots
from tests.factories import (
    AvailabilityRuleFactory,
    ConnectionFactory,
    ConsultantFactory,
    MeetingTypeFactory,
    SyncedEventFactory,
)

pytestmark = pytest.mark.django_db

TODAY = datetime.now(UTC).date()
TOMORROW = TODAY + timedelta(days=1)
HOUR = timedelta(hours=1)


def at(hour: int, day: date = TOMORROW) -> datetime:
    return datetime.combine(day, time(hour), UTC)


@pytest.fixture
def consultant() -> Consultant:
    """Free from 9 to 12 UTC on every day."""
    user = ConsultantFactory(settings__minimum_notice=0, settings__duration=60)
    for weekday in range(7):
        AvailabilityRuleFactory(user=user, day_of_week=weekday, end_time=time(12))
    return user


def ask(**question) -> list[Slot]:
    """The slots of tomorrow, or of the days asked for."""
    usual = {"consultant_id": None, "start": TOMORROW, "days": 1}
    return [slot for _, slots in offered_days(**usual | question) for slot in slots]


# --- answers --------------------------------------------------------------------------------------


def test_slots_of_a_day(consultant):
    assert ask() == [Slot(at(hour), at(hour) + HOUR) for hour in (9, 10, 11)]


def test_slots_of_days_come_with_days_that_have_none(consultant):
    MeetingTypeFactory(user=consultant, slug="workshop", duration=180)
    yesterday = TODAY - timedelta(days=1)
    days = offered_days(consultant_id=None, start=yesterday, days=3, meeting_type="workshop")
    assert days[0] == (yesterday, [])
    assert days[2] == (TOMORROW, [Slot(at(9), at(12))])


def test_a_slot_belongs_to_the_date_on_which_it_starts_in_the_zone_asked_for(consultant):
    day = TOMORROW + timedelta(days=1)
    question = {"consultant_id": None, "start": day, "days": 1, "time_zone": "Pacific/Kiritimati"}
    slots = [Slot(start, start + HOUR) for start in (at(10), at(11), at(9, day))]  # UTC+14
    assert offered_slots(**question) == slots
    assert offered_days(**question) == [(day, slots)]


def test_freshness_is_that_of_the_calendar_longest_unread(consultant):
    newer = ConnectionFactory(user=consultant)
    older = ConnectionFactory(
        user=consultant,
        last_synced_at=newer.last_synced_at - 2 * HOUR,
        synced_until=newer.synced_until + HOUR,
    )
    ConnectionFactory(user=consultant, blocks_time=False, last_synced_at=None)
    assert freshness(consultant.pk) == Freshness(older.last_synced_at, newer.synced_until, "stale")


def test_freshness_without_calendars_is_fresh(consultant):
    assert freshness(consultant.pk) == Freshness(None, None, "fresh")


def test_freshness_of_a_calendar_never_read_is_closed(consultant):
    ConnectionFactory(user=consultant, last_synced_at=None, synced_from=None, synced_until=None)
    assert freshness(consultant.pk) == Freshness(None, None, "closed")


def test_freshness_is_closed_where_the_policy_says_so(consultant):
    ConnectionFactory(user=consultant, last_synced_at=at(0, TODAY - timedelta(days=1)))
    assert freshness(consultant.pk).state == "stale"
    consultant.booking_settings.stale_policy = "close"
    consultant.booking_settings.save()
    assert freshness(consultant.pk).state == "closed"


def test_reasons_for_a_slot(consultant):
    assert explain(consultant_id=consultant.pk, starts_at=at(9)) == []
    grid = "Slots start every 60 minutes from 09:00."
    assert explain(consultant_id=consultant.pk, starts_at=at(9) + HOUR / 2) == [
        Reason("off_grid", grid, at(9), at(12))
    ]


# --- who is meant ---------------------------------------------------------------------------------


def test_the_primary_consultant_is_meant_where_none_is_named(consultant):
    ConsultantFactory()
    Consultant.objects.filter(pk=consultant.pk).update(is_primary=True)
    assert len(ask()) == 3


def test_the_only_active_consultant_is_meant_where_none_is_named(consultant):
    ConsultantFactory(is_active=False, is_primary=True)
    assert len(ask()) == 3


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ({"days": 0}, "days must be from 1 to 92"),
        ({"days": 93}, "days must be from 1 to 92"),
        ({"days": None}, "days must be from 1 to 92"),
        ({"start": None}, "date must be from 1970-01-01 to 9000-01-01"),
        ({"start": date(1969, 12, 31)}, "date must be from 1970-01-01 to 9000-01-01"),
        ({"start": date(9999, 1, 1)}, "date must be from 1970-01-01 to 9000-01-01"),
        ({"duration": 4}, "slot_duration must be from 5 to 1440 minutes"),
        ({"duration": 1441}, "slot_duration must be from 5 to 1440 minutes"),
        ({"meeting_type": "nothing"}, "the consultant has no such meeting type"),
        ({"meeting_type": "retired"}, "the consultant has no such meeting type"),
        ({"meeting_type": "others"}, "the consultant has no such meeting type"),
        ({"consultant_id": uuid4()}, "there is no such consultant"),
        ({"time_zone": "Europe/Berlni"}, 'time zone "Europe/Berlni" not recognized'),
        ({"time_zone": "Europe/Berlin1"}, 'time zone "Europe/Berlin1" not recognized'),
        ({"time_zone": "CEST"}, 'time zone "CEST" not recognized'),
        ({"time_zone": ""}, 'time zone "" not recognized'),
    ],
)
def test_a_question_without_an_answer_is_refused_with_a_sentence(consultant, question, sentence):
    MeetingTypeFactory(user=consultant, slug="retired", is_active=False)
    MeetingTypeFactory(user=ConsultantFactory(), slug="others")
    with pytest.raises(SlotQueryRefused) as refused:
        ask(**({"consultant_id": consultant.pk} | question))
    assert str(refused.value) == sentence
    assert len(ask(consultant_id=consultant.pk)) == 3  # the transaction goes on


def test_dates_at_the_ends_of_what_may_be_asked_are_answered(consultant):
    assert ask(start=date(1970, 1, 1), days=92) == []
    assert ask(start=date(9000, 1, 1), days=92) == []


def test_no_consultant_at_all_is_refused():
    with pytest.raises(SlotQueryRefused, match="there is no such consultant"):
        ask()


def test_several_consultants_without_a_primary_one_are_refused(consultant):
    ConsultantFactory()
    with pytest.raises(SlotQueryRefused, match="there are several consultants"):
        ask()


def test_an_inactive_consultant_is_refused(consultant):
    Consultant.objects.update(is_active=False)
    with pytest.raises(SlotQueryRefused, match="there is no such consultant"):
        ask(consultant_id=consultant.pk)


def test_other_errors_of_the_database_are_no_refusals(consultant):
    with connection.cursor() as cursor:
        cursor.execute("DROP FUNCTION get_calendar_freshness")
    with pytest.raises(DatabaseError):
        freshness(consultant.pk)


@pytest.mark.parametrize("buffer", [-1, 1441])
def test_a_buffer_of_more_than_a_day_is_refused(consultant, buffer):
    with (
        pytest.raises(DatabaseError, match="buffer must be from 0 to 1440 minutes"),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT get_available_slots(%s, buffer => %s)", [TOMORROW, buffer])


# --- what a booking asks --------------------------------------------------------------------------

OFFERED_SLOT = "SELECT * FROM calsync.offered_slot(%s, %s, %s, NULL, NULL, %s, now())"


def offered_slot(consultant, meeting_type, starts_at, ignored=None) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(
            OFFERED_SLOT, [consultant.pk, meeting_type and meeting_type.pk, starts_at, ignored]
        )
        return cursor.fetchall()


def test_a_booking_is_given_its_end_and_buffers(consultant):
    talk = MeetingTypeFactory(user=consultant, duration=45, buffer_before=5, buffer_after=90)
    assert offered_slot(consultant, None, at(10)) == [(at(10), at(11), 0, 0)]
    assert offered_slot(consultant, talk, at(9)) == [(at(9), at(9) + HOUR * 3 / 4, 5, 90)]
    assert offered_slot(consultant, talk, at(10)) == []


def test_a_booking_needs_its_buffers_free_as_well(consultant):
    near = MeetingTypeFactory(user=consultant, buffer_before=15, buffer_after=15)
    calendar = ConnectionFactory(user=consultant)
    half = HOUR / 2
    SyncedEventFactory(connection=calendar, start_time=at(8), end_time=at(9) - half / 2)
    assert len(offered_slot(consultant, near, at(9))) == 1
    SyncedEventFactory(connection=calendar, start_time=at(8), end_time=at(9) - half / 3)
    assert offered_slot(consultant, near, at(9)) == []
    SyncedEventFactory(connection=calendar, start_time=at(11) + half / 3, end_time=at(12))
    assert offered_slot(consultant, near, at(10)) == []


def test_a_meeting_type_of_another_consultant_is_an_error(consultant):
    with pytest.raises(DatabaseError):
        offered_slot(consultant, MeetingTypeFactory(), at(9))


def test_an_inactive_meeting_type_serves_only_a_booking_that_exists(consultant):
    retired = MeetingTypeFactory(user=consultant, is_active=False)
    assert offered_slot(consultant, retired, at(9)) == []
    assert len(offered_slot(consultant, retired, at(9), uuid4())) == 1


@pytest.mark.parametrize("starts_at", [None, "infinity", "-infinity"])
def test_no_time_is_not_offered(consultant, starts_at):
    assert offered_slot(consultant, None, starts_at) == []
