"""What anonymous visitors, signed-in consultants and the website's server get when they ask."""

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection

from tests.api_roles import api_request
from tests.factories import (
    AvailabilityExceptionFactory,
    AvailabilityRuleFactory,
    BlockedDateFactory,
    BookingFactory,
    ConnectionFactory,
    ConsultantFactory,
    MeetingTypeFactory,
    SyncedEventFactory,
)
from tests.test_access import SECRET_COLUMNS
from tests.test_schema import PUBLIC_TABLES

pytestmark = pytest.mark.django_db

TABLES = sorted(PUBLIC_TABLES)
WRITES = ("INSERT INTO {} DEFAULT VALUES", "UPDATE {} SET id = id", "DELETE FROM {}")
PRIVATE_TABLES = ("consultants", "django_session", "django_migrations", "installation")
TODAY = date(2027, 3, 1)


def consultant_with_everything():
    """A consultant who has one row in every business table, and the rows by table."""
    user = ConsultantFactory()
    booking = BookingFactory(user=user)  # while its time is free
    calendar = ConnectionFactory(user=user)
    day = {"start_date": TODAY, "end_date": TODAY}
    rows = {
        "availability": AvailabilityRuleFactory(user=user),
        "availability_exceptions": AvailabilityExceptionFactory(user=user, **day),
        "blocked_dates": BlockedDateFactory(user=user, **day),
        "booking_settings": user.booking_settings,
        "bookings": booking,
        "calendar_connections": calendar,
        "meeting_types": MeetingTypeFactory(user=user),
        "sync_logs": calendar.sync_logs.create(operation="full"),
        "synced_events": SyncedEventFactory(connection=calendar),
        "webhook_endpoints": user.webhookendpoint_set.create(url="https://crm.example/calsync"),
    }
    return user, {table: row.pk for table, row in rows.items()}


def ids_seen(table: str, role: str, user=None) -> set:
    with api_request(role, user and user.pk) as cursor:
        cursor.execute(f"SELECT id FROM public.{table}")
        return {pk for (pk,) in cursor.fetchall()}


def refuses(statement: str, role: str, user=None) -> bool:
    """Whether the statement is refused for want of a right, and for no other reason."""
    try:
        with api_request(role, user and user.pk) as cursor:
            cursor.execute(statement)
    except DatabaseError as error:
        return error.__cause__.sqlstate == "42501"
    return False


@pytest.mark.parametrize("table", TABLES)
def test_a_signed_in_consultant_reads_exactly_their_own_rows(table):
    user, rows = consultant_with_everything()
    other, others_rows = consultant_with_everything()
    assert ids_seen(table, "authenticated", user) == {rows[table]}
    assert ids_seen(table, "authenticated", other) == {others_rows[table]}
    assert ids_seen(table, "service_role") == {rows[table], others_rows[table]}


@pytest.mark.parametrize("table", TABLES)
def test_a_token_of_nobody_here_reads_nothing(table):
    consultant_with_everything()
    assert ids_seen(table, "authenticated") == set()
    with api_request("authenticated", uuid4()) as cursor:
        cursor.execute(f"SELECT id FROM public.{table}")
        assert cursor.fetchall() == []


def test_a_spent_connection_of_the_pool_carries_no_identity():
    """After a request the claims read as an empty text, not as null."""
    consultant_with_everything()
    with api_request("authenticated") as cursor:
        cursor.execute("SELECT set_config('request.jwt.claims', '', true)")
        cursor.execute("SELECT id FROM public.bookings")
        assert cursor.fetchall() == []


@pytest.mark.parametrize("table", TABLES)
def test_a_visitor_is_refused_every_table(table):
    consultant_with_everything()
    for statement in ("SELECT FROM {}", "SELECT count(*) FROM {}", *WRITES):
        assert refuses(statement.format(f"public.{table}"), "anon"), statement


@pytest.mark.parametrize("table", TABLES)
def test_a_signed_in_consultant_writes_nothing_past_the_service(table):
    user, _ = consultant_with_everything()
    for statement in WRITES:
        assert refuses(statement.format(f"public.{table}"), "authenticated", user), statement


@pytest.mark.parametrize(
    ("table", "column"),
    [(table, column) for table, columns in SECRET_COLUMNS.items() for column in sorted(columns)],
)
def test_a_signed_in_consultant_reads_no_secret_of_their_own(table, column):
    user, _ = consultant_with_everything()
    assert refuses(f"SELECT {column} FROM public.{table}", "authenticated", user)
    assert refuses(f"SELECT FROM public.{table} WHERE {column} > ''", "authenticated", user)
    assert refuses(f"SELECT {table} FROM public.{table}", "authenticated", user)


@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role"])
@pytest.mark.parametrize("table", PRIVATE_TABLES)
def test_the_private_schema_is_closed_to_the_api(role, table):
    assert refuses(f"SELECT FROM calsync.{table}", role)


def test_the_role_does_not_outlive_the_request():
    with api_request("anon"):
        pass
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user = session_user")
        assert cursor.fetchall() == [(True,)]


@pytest.mark.parametrize("table", TABLES)
def test_the_websites_server_may_change_and_remove_what_is_there(table):
    consultant_with_everything()
    with api_request("service_role") as cursor:
        cursor.execute(f"UPDATE public.{table} SET id = id")
        cursor.execute(f"DELETE FROM public.{table}")
        assert cursor.rowcount == 1


@pytest.mark.parametrize(
    "insertion",
    [
        "availability (user_id, day_of_week, start_time, end_time) VALUES (%s, 0, '9:00', '17:00')",
        "availability_exceptions (user_id, start_date, end_date) VALUES (%s, now(), now())",
        "availability_exceptions (user_id, start_date, rrule) VALUES (%s, now(), 'FREQ=DAILY')",
        "blocked_dates (user_id, start_date, end_date) VALUES (%s, now(), now())",
        "calendar_connections (user_id, provider, calendar_id) VALUES (%s, 'apple', 'calendar')",
        "meeting_types (user_id, slug, title) VALUES (%s, 'talk', 'Talk')",
    ],
    ids=lambda insertion: insertion.partition(")")[0],
)
def test_the_websites_server_may_add_rows(insertion):
    """Triggers run with the rights of whoever writes, who may not look into our schema."""
    user = ConsultantFactory()
    with api_request("service_role") as cursor:
        cursor.execute(f"INSERT INTO public.{insertion}", [user.pk])
        assert cursor.rowcount == 1


def test_the_websites_server_may_set_the_zone():
    user = ConsultantFactory()
    with api_request("service_role") as cursor:
        cursor.execute(
            "UPDATE public.booking_settings SET time_zone = 'Europe/Berlin' WHERE user_id = %s",
            [user.pk],
        )
        assert cursor.rowcount == 1


def test_a_booking_from_the_websites_server_is_complete():
    user = ConsultantFactory()
    start = datetime(2027, 3, 1, 10, tzinfo=UTC)
    with api_request("service_role") as cursor:
        cursor.execute(
            "INSERT INTO public.bookings (user_id, start_time, end_time) VALUES (%s, %s, %s) "
            "RETURNING status, event_state, answers::text, invitee_time_zone, created_at <= now()",
            [user.pk, start, start + timedelta(minutes=30)],
        )
        assert cursor.fetchall() == [("confirmed", "due", "{}", "UTC", True)]
