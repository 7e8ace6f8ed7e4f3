"""Spans that the database itself refuses, whoever inserts."""

import pytest
from django.db import DatabaseError, connection, transaction

from tests.factories import ConsultantFactory

pytestmark = pytest.mark.django_db


def is_refused(table: str, **row) -> bool:
    """Whether the table refuses this row of a consultant."""
    row["user_id"] = ConsultantFactory().pk
    marks = ", ".join(["%s"] * len(row))
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", list(row.values())
            )
    except DatabaseError:
        return True
    return False


def hours(start, end, **row) -> dict:
    return {"start_time": start, "end_time": end} | row


def days(start, end, **row) -> dict:
    return {"start_date": start, "end_date": end} | row


DAY, NEXT_DAY = "2027-03-01", "2027-03-02"
MORNING, NOON = f"{DAY} 09:00+00", f"{DAY} 12:00+00"


@pytest.mark.parametrize(
    ("row", "refused"),
    [
        (hours(MORNING, NOON), False),
        (days(DAY, DAY), False),
        (days(DAY, NEXT_DAY), False),
        ({}, True),
        (hours(MORNING, MORNING), True),
        (hours(NOON, MORNING), True),
        (hours(MORNING, None), True),
        (hours(None, NOON), True),
        (hours(MORNING, "infinity"), True),
        (hours("-infinity", NOON), True),
        (days(NEXT_DAY, DAY), True),
        (days(DAY, None), True),
        (days(None, DAY), True),
        (days(DAY, "infinity"), True),
        (hours(MORNING, NOON, **days(DAY, DAY)), True),
        (hours(MORNING, None, **days(None, DAY)), True),
    ],
)
def test_blocked_time_is_one_whole_span(row, refused):
    assert is_refused("blocked_dates", **row) == refused


@pytest.mark.parametrize(
    ("row", "refused"),
    [
        (hours("09:00", "17:00"), False),
        (hours("09:00", "00:00"), False),
        (hours("00:00", "00:00"), False),
        (hours("09:00", "17:00", valid_from=DAY, valid_until=DAY), False),
        (hours("09:00", "09:00"), True),
        (hours("17:00", "09:00"), True),
        (hours("09:00", "24:00"), True),
        (hours("24:00", "00:00"), True),
        (hours("09:00", "17:00", valid_from=NEXT_DAY, valid_until=DAY), True),
        (hours("09:00", "17:00", valid_until="infinity"), True),
        (hours("09:00", "17:00", valid_from="-infinity"), True),
        (hours("09:00", "17:00", day_of_week=7), True),
        (hours("09:00", "17:00", day_of_week=-1), True),
    ],
)
def test_weekly_hours_are_within_a_day(row, refused):
    assert is_refused("availability", **({"day_of_week": 0} | row)) == refused


@pytest.mark.parametrize(
    ("row", "refused"),
    [
        (days(DAY, None), False),
        (days(DAY, NEXT_DAY), False),
        (days(DAY, None, is_closed=False, **hours("09:00", "00:00")), False),
        (days(NEXT_DAY, DAY), True),
        (days(DAY, "infinity"), True),
        (days("-infinity", None), True),
        (days(DAY, None, **hours("09:00", "17:00")), True),
        (days(DAY, None, is_closed=False), True),
        (days(DAY, None, is_closed=False, **hours("09:00", None)), True),
        (days(DAY, None, is_closed=False, **hours("17:00", "09:00")), True),
        (days(DAY, None, is_closed=False, **hours("09:00", "24:00")), True),
    ],
)
def test_an_exception_is_closed_or_has_hours(row, refused):
    assert is_refused("availability_exceptions", **row) == refused


@pytest.mark.parametrize("zone", ["Europe/Berlni", "", None])
def test_an_unknown_zone_is_refused(zone):
    settings = ConsultantFactory().booking_settings
    with pytest.raises(DatabaseError), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE booking_settings SET time_zone = %s WHERE id = %s", [zone, settings.pk]
        )
