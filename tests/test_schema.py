"""Where the tables are."""

import pytest
from django.db import connection

pytestmark = pytest.mark.django_db

PUBLIC_TABLES = {
    "availability",
    "availability_exceptions",
    "blocked_dates",
    "booking_settings",
    "bookings",
    "calendar_connections",
    "meeting_types",
    "sync_logs",
    "synced_events",
}


def test_only_the_business_tables_are_in_the_public_schema():
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        assert {name for (name,) in cursor.fetchall()} == PUBLIC_TABLES
