"""Recurring exceptions become dates that the database can use."""

from datetime import date, time, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.utils import timezone

from availability.models import NEVER, AvailabilityException
from availability.recurring import HORIZON, starts
from availability.tasks import expand_exceptions
from tests.factories import AvailabilityExceptionFactory, ConsultantFactory

pytestmark = pytest.mark.django_db

YEAR_END = date(2027, 12, 31)
FIRST_FRIDAYS = "FREQ=MONTHLY;BYDAY=1FR"


def dates(exception: AvailabilityException, column: str, first: date, last: date) -> set[date]:
    """The dates from ``first`` to ``last`` that the row covers, or is closed on."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT day::date FROM availability_exceptions, "
            f"generate_series(%s::date, %s, '1 day') day WHERE id = %s AND day::date <@ {column}",
            [first, last, exception.pk],
        )
        return {day for (day,) in cursor.fetchall()}


def insert_as_the_website(**row) -> AvailabilityException:
    """A row that no Python has seen."""
    row = {"user_id": ConsultantFactory().pk} | row
    marks = ", ".join(["%s"] * len(row))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO availability_exceptions ({', '.join(row)}) VALUES ({marks}) RETURNING id",
            list(row.values()),
        )
        [key] = cursor.fetchone()
    return AvailabilityException.objects.get(pk=key)


@pytest.mark.parametrize(
    ("rule", "first", "expected"),
    [
        (FIRST_FRIDAYS, date(2027, 1, 2), [date(2027, 2, 5), date(2027, 3, 5)]),
        ("FREQ=WEEKLY;INTERVAL=2", date(2027, 3, 1), [date(2027, 3, 1), date(2027, 3, 15)]),
        ("FREQ=YEARLY", date(2024, 2, 29), [date(2024, 2, 29)]),
        ("FREQ=DAILY;COUNT=2", date(2027, 1, 30), [date(2027, 1, 30), date(2027, 1, 31)]),
        ("FREQ=DAILY;UNTIL=20270131", date(2027, 1, 31), [date(2027, 1, 31)]),
        ("FREQ=DAILY", date(2028, 1, 1), []),
        ("FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30", date(2027, 1, 1), []),
    ],
)
def test_rule_starts_anew_on_the_dates_of_the_standard(rule, first, expected):
    assert starts(rule, first, until=date(2027, 3, 28)) == expected


def test_recurring_span_is_covered_wherever_it_starts():
    exception = AvailabilityExceptionFactory(
        start_date=date(2027, 1, 29), end_date=date(2027, 1, 31), rrule="FREQ=MONTHLY;BYMONTHDAY=29"
    )
    january = {date(2027, 1, day) for day in (29, 30, 31)}
    march = {date(2027, 3, day) for day in (29, 30, 31)}
    assert dates(exception, "covered", date(2027, 1, 1), date(2027, 4, 1)) == january | march
    assert dates(exception, "closed", date(2027, 1, 1), date(2027, 4, 1)) == january | march


def test_open_hours_that_recur_are_not_closed():
    exception = AvailabilityExceptionFactory(
        start_date=date(2027, 3, 1),
        is_closed=False,
        start_time=time(8),
        end_time=time(10),
        rrule="FREQ=WEEKLY;COUNT=2",
    )
    both = {date(2027, 3, 1), date(2027, 3, 8)}
    assert dates(exception, "covered", date(2027, 1, 1), YEAR_END) == both
    assert dates(exception, "closed", date(2027, 1, 1), YEAR_END) == set()


def test_dates_beyond_the_horizon_are_closed():
    exception = AvailabilityExceptionFactory(start_date=date(2020, 1, 1), rrule="FREQ=YEARLY")
    horizon = timezone.now().date() + HORIZON
    next_days = [horizon + timedelta(days=number) for number in (1, 2, 3)]
    assert exception.expanded_until == horizon
    assert dates(exception, "closed", next_days[0], next_days[-1]) == set(next_days)


def test_span_that_does_not_recur_is_covered_by_the_database_itself():
    exception = insert_as_the_website(start_date=date(2027, 3, 1), end_date=date(2027, 3, 2))
    assert dates(exception, "closed", date(2027, 1, 1), YEAR_END) == {
        date(2027, 3, 1),
        date(2027, 3, 2),
    }


def test_recurring_row_of_the_website_is_closed_until_the_worker_expands_it():
    exception = insert_as_the_website(start_date=date(2027, 3, 5), rrule=FIRST_FRIDAYS)
    march = (date(2027, 3, 1), date(2027, 3, 31))
    assert len(dates(exception, "closed", *march)) == 27

    assert expand_exceptions() == 1
    assert dates(exception, "closed", *march) == {date(2027, 3, 5)}
    assert expand_exceptions() == 0


def test_worker_moves_the_horizon_on():
    exception = AvailabilityExceptionFactory(start_date=date(2020, 1, 1), rrule="FREQ=YEARLY")
    today = timezone.now().date()
    AvailabilityException.objects.update(expanded_until=today + HORIZON - timedelta(days=31))

    assert expand_exceptions() == 1
    exception.refresh_from_db()
    assert exception.expanded_until == today + HORIZON


def test_rule_that_cannot_be_followed_stays_closed_is_reported_once_and_stops_nobody(caplog):
    bad = insert_as_the_website(start_date=date(2027, 3, 1), rrule="FREQ=SECONDLY")
    insert_as_the_website(start_date=date(2027, 3, 5), rrule=FIRST_FRIDAYS)

    assert expand_exceptions() == 1
    assert expand_exceptions() == 0
    [record] = caplog.records
    assert str(bad.pk) in record.getMessage()
    bad.refresh_from_db()
    assert bad.expanded_until == NEVER
    assert len(dates(bad, "closed", date(2027, 3, 1), date(2027, 3, 31))) == 31


def test_changed_row_is_closed_until_it_is_expanded_anew():
    exception = AvailabilityExceptionFactory(start_date=date(2027, 3, 5), rrule=FIRST_FRIDAYS)
    AvailabilityException.objects.update(rrule="FREQ=WEEKLY")  # as the website would
    exception.refresh_from_db()

    assert exception.expanded_until is None
    assert len(dates(exception, "closed", date(2027, 3, 1), date(2027, 3, 31))) == 27


def test_expanding_leaves_a_row_alone_that_changed_meanwhile():
    exception = AvailabilityExceptionFactory(start_date=date(2027, 3, 5), rrule=FIRST_FRIDAYS)
    AvailabilityException.objects.update(rrule="FREQ=WEEKLY")

    exception.expand(timezone.now().date())
    exception.refresh_from_db()
    assert exception.expanded_until is None


def test_exception_with_a_bad_rule_is_not_saved():
    with pytest.raises(ValidationError):
        AvailabilityExceptionFactory(start_date=date(2027, 3, 5), rrule="FREQ=HOURLY")
    assert AvailabilityException.objects.count() == 0
