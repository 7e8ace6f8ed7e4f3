"""The functions the website calls: their signatures, who may call them, what they withstand."""

from datetime import UTC, datetime, time, timedelta

import pytest
from django.db import DatabaseError, connection

from tests.api_roles import api_request, read_only_request
from tests.factories import (
    AvailabilityRuleFactory,
    ConnectionFactory,
    ConsultantFactory,
    MeetingTypeFactory,
)

pytestmark = pytest.mark.django_db

WHO_AND_WHAT = (
    "consultant uuid DEFAULT NULL::uuid, meeting_type text DEFAULT NULL::text, "
    "timezone text DEFAULT NULL::text"
)
LENGTHS = "slot_duration integer DEFAULT NULL::integer, buffer integer DEFAULT NULL::integer"
INSTANT = "timestamp with time zone"
SIGNATURES = {
    "get_available_slots": (
        f"date date, {LENGTHS}, days integer DEFAULT 1, {WHO_AND_WHAT}",
        f"TABLE(slot_start {INSTANT}, slot_end {INSTANT})",
    ),
    "get_available_days": (
        f"date date, days integer DEFAULT 31, {LENGTHS}, {WHO_AND_WHAT}",
        f"TABLE(day date, slots {INSTANT}[])",
    ),
    "get_calendar_freshness": (
        "consultant uuid DEFAULT NULL::uuid",
        f"TABLE(data_as_of {INSTANT}, covered_until {INSTANT}, state text)",
    ),
    "explain_slot": (
        f"starts_at {INSTANT}, slot_duration integer DEFAULT NULL::integer, "
        "consultant uuid DEFAULT NULL::uuid, meeting_type text DEFAULT NULL::text",
        f"TABLE(reason text, detail text, from_time {INSTANT}, to_time {INSTANT})",
    ),
    "audit_invariants": ("", "TABLE(invariant text, subject uuid, detail text)"),
}
DAY = (datetime.now(UTC) + timedelta(days=7)).date()
NINE = datetime.combine(DAY, time(9), UTC)


@pytest.fixture
def consultant():
    """One who is free from 9 to 17 UTC on every day."""
    user = ConsultantFactory(settings__minimum_notice=0, settings__booking_window=365)
    ConnectionFactory(user=user)
    for weekday in range(7):
        AvailabilityRuleFactory(user=user, day_of_week=weekday)
    MeetingTypeFactory(user=user, slug="talk", duration=60)
    return user


def ask(cursor, question: str, *arguments) -> list[tuple]:
    cursor.execute(question, arguments)
    return cursor.fetchall()


def starts(*, minutes: int, count: int) -> list[datetime]:
    return [NINE + number * timedelta(minutes=minutes) for number in range(count)]


# --- what they look like ------------------------------------------------------------------------


def test_each_function_exists_once_with_its_signature():
    """A second overload would make every call by name ambiguous."""
    with connection.cursor() as cursor:
        found = ask(
            cursor,
            "SELECT proname, pg_get_function_arguments(oid), pg_get_function_result(oid) "
            "FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY proname",
        )
    assert found == sorted((name, *signature) for name, signature in SIGNATURES.items())


def test_they_read_only_and_with_the_owners_rights():
    with connection.cursor() as cursor:
        found = ask(
            cursor,
            "SELECT proname, provolatile::text, prosecdef FROM pg_proc "
            "WHERE pronamespace = 'public'::regnamespace ORDER BY proname",
        )
    assert found == [(name, "s", True) for name in sorted(SIGNATURES)]


# --- what a visitor gets ------------------------------------------------------------------------


def test_a_visitor_asks_by_date_alone(consultant):
    with read_only_request("anon") as cursor:
        slots = ask(cursor, "SELECT * FROM get_available_slots(date => %s)", DAY)
    half = timedelta(minutes=30)
    assert slots == [(start, start + half) for start in starts(minutes=30, count=16)]


def test_a_visitor_asks_with_every_argument_by_name(consultant):
    with read_only_request("anon") as cursor:
        slots = ask(
            cursor,
            "SELECT slot_start FROM get_available_slots(date => %s, slot_duration => 60, "
            "buffer => 0, days => 1, consultant => %s, meeting_type => 'talk', timezone => 'UTC')",
            DAY,
            consultant.pk,
        )
    assert slots == [(start,) for start in starts(minutes=60, count=8)]


def test_a_visitor_sees_whole_months_and_the_age_of_the_data(consultant):
    with read_only_request("anon") as cursor:
        [(day, slots)] = ask(cursor, "SELECT * FROM get_available_days(date => %s, days => 1)", DAY)
        [(as_of, until, state)] = ask(cursor, "SELECT * FROM get_calendar_freshness()")
    calendar = consultant.connections.get()
    assert (day, slots) == (DAY, starts(minutes=30, count=16))
    assert (as_of, until, state) == (calendar.last_synced_at, calendar.synced_until, "fresh")


def test_a_visitor_cannot_put_tables_of_their_own_in_place_of_ours(consultant):
    """The definer's rights meet the caller's search path: it must not matter."""
    question = "SELECT count(*) FROM public.get_available_slots(date => %s)"
    with api_request("anon") as cursor:
        for table in ("bookings", "synced_events", "availability", "calendar_connections"):
            cursor.execute(f"CREATE TEMP TABLE {table} ()")
        cursor.execute("SET LOCAL search_path = pg_temp, calsync, public, pg_catalog")
        assert ask(cursor, question, DAY) == [(16,)]


def test_too_many_slots_are_refused_and_never_cut(consultant):
    question = (
        "SELECT count(*) FROM get_available_slots(date => %s, slot_duration => %s, days => %s)"
    )
    with read_only_request("anon") as cursor:
        [(fitting,)] = ask(cursor, question, DAY, 30, 62)
        assert fitting == 62 * 16
    with (
        pytest.raises(DatabaseError, match="get_available_days"),
        read_only_request("anon") as cursor,
    ):
        ask(cursor, question, DAY, 30, 63)


# --- what only some get -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "question"),
    [
        ("anon", "SELECT FROM explain_slot(now())"),
        ("anon", "SELECT FROM audit_invariants()"),
        ("authenticated", "SELECT FROM audit_invariants()"),
    ],
)
def test_what_tells_more_is_refused(role, question):
    with pytest.raises(DatabaseError) as caught, read_only_request(role) as cursor:
        cursor.execute(question)
    assert caught.value.__cause__.sqlstate == "42501"


def test_the_server_may_explain_and_audit(consultant):
    with read_only_request("service_role") as cursor:
        assert ask(cursor, "SELECT * FROM explain_slot(%s)", NINE) == []
        assert ask(cursor, "SELECT * FROM audit_invariants()") == []


def test_a_consultant_explains_their_own_slots_and_nobody_elses(consultant):
    other = ConsultantFactory()
    question = "SELECT FROM explain_slot(starts_at => %s, consultant => %s)"
    with read_only_request("authenticated", consultant.pk) as cursor:
        assert ask(cursor, question, NINE, consultant.pk) == []
    with (
        pytest.raises(DatabaseError) as caught,
        read_only_request("authenticated", consultant.pk) as cursor,
    ):
        ask(cursor, question, NINE, other.pk)
    assert caught.value.__cause__.sqlstate == "42501"
