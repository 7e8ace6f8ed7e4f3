"""Random calendars in the database, many at a time, and what the SQL core says of them."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import date, datetime, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from django.db import connection, transaction

from availability.recurring import expand
from tests.availability.calendars import Calendar, OtherHours, Values

CONSULTANTS = """
INSERT INTO calsync.consultants
  (id, email, name, slug, password, is_superuser, is_staff, is_active, date_joined)
SELECT id, id || '@example.com', '', id::text, '', false, true, true, now()
FROM unnest(%s::uuid[]) AS id
"""
COPIES = {
    "availability": "user_id, day_of_week, start_time, end_time, valid_from, valid_until",
    "availability_exceptions": "id, user_id, is_closed, start_date, end_date, start_time, "
    "end_time, rrule",
    "blocked_dates": "user_id, start_time, end_time, start_date, end_date",
    "meeting_types": "id, user_id, slug, title, duration, buffer_before, buffer_after, "
    "minimum_notice, booking_window, slot_interval, daily_limit, weekly_limit",
    "calendar_connections": "id, user_id, provider, calendar_id, is_active, blocks_time, "
    "tentative_blocks, synced_from, synced_until, last_synced_at",
    "bookings": "id, user_id, start_time, end_time, buffer_before, buffer_after, status, "
    "hold_expires_at",
    "synced_events": "connection_id, provider_event_id, start_time, end_time, status, "
    "transparency, booking_id",
}
SETTINGS = """
UPDATE booking_settings SET time_zone = %s, stale_policy = %s, max_data_age = %s, duration = %s,
  buffer_before = %s, buffer_after = %s, minimum_notice = %s, booking_window = %s,
  slot_interval = %s, daily_limit = %s, weekly_limit = %s
WHERE user_id = %s
"""
RULES = """
calsync.effective_rules(%(consultant)s, %(meeting_type)s, %(duration)s, %(buffer)s, %(asked_at)s)
"""
OFFERED = f"""
SELECT calsync.offered_starts(
  {RULES}, calsync.wall_clock_to_instant(%(date)s::timestamp, %(zone)s),
  calsync.wall_clock_to_instant((%(date)s + %(days)s)::timestamp, %(zone)s),
  %(ignored)s, %(asked_at)s)
"""
EVERY_MINUTE = f"""
SELECT minute,
       calsync.is_offered(%(consultant)s, %(meeting_type)s, minute, %(duration)s, %(buffer)s, NULL,
                          %(asked_at)s),
       EXISTS (SELECT FROM calsync.refusals({RULES}, minute, %(asked_at)s))
FROM generate_series(%(first)s::timestamptz, %(last)s, interval '1 minute') AS minute
"""
ZONES_AGREE = """
SELECT zone FROM unnest(%s::text[], %s::timestamptz[], %s::interval[]) AS of (zone, at, python)
WHERE (at AT TIME ZONE CASE zone WHEN 'CET' THEN 'Europe/Brussels' WHEN 'MET' THEN 'Europe/Brussels'
  WHEN 'EET' THEN 'Europe/Athens' WHEN 'WET' THEN 'Europe/Lisbon' ELSE zone END)
  - (at AT TIME ZONE 'UTC') <> python
"""


class Undo(Exception):
    """Ends a block whose rows are not to stay."""


def starts_by_sql(calendars: list[Calendar]) -> list[list[datetime]]:
    """What the database offers for each calendar; nothing of them stays in it."""
    answers = []
    with suppress(Undo), transaction.atomic():
        meeting_types = store(calendars)
        with connection.cursor() as cursor:
            for calendar in calendars:
                cursor.execute(OFFERED, question(calendar, meeting_types))
                answers.append(cursor.fetchone()[0])
        raise Undo
    return answers


def every_minute_by_sql(
    calendar: Calendar, first: datetime, last: datetime
) -> list[tuple[datetime, bool, bool]]:
    """Each minute, whether a booking may start then, and whether there are reasons against it."""
    answers = []
    with suppress(Undo), transaction.atomic(), connection.cursor() as cursor:
        asked = question(calendar, store([calendar])) | {"first": first, "last": last}
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")  # as in explain_slot
        cursor.execute(EVERY_MINUTE, asked)
        answers = cursor.fetchall()
        raise Undo
    return answers


def question(calendar: Calendar, meeting_types: dict[UUID, UUID]) -> dict:
    """The calendar's question, as arguments of the statements above."""
    return {
        "consultant": calendar.id,
        "meeting_type": meeting_types.get(calendar.id),
        "duration": calendar.duration,
        "buffer": calendar.buffer,
        "asked_at": calendar.asked_at,
        "date": calendar.date,
        "days": calendar.days,
        "zone": calendar.display_zone or calendar.zone,
        "ignored": calendar.ignored_booking,
    }


def store(calendars: list[Calendar]) -> dict[UUID, UUID]:
    """Write the rows; gives the meeting type of each consultant that has one."""
    meeting_types = {calendar.id: uuid4() for calendar in calendars if calendar.meeting_type}
    recurring = {
        uuid4(): (calendar, other) for calendar in calendars for other in _weekly(calendar)
    }
    rows = {
        "availability": _rules(calendars),
        "availability_exceptions": _exceptions(calendars, recurring),
        "blocked_dates": _blocks(calendars),
        "meeting_types": _meeting_types(calendars, meeting_types),
        "calendar_connections": _connections(calendars),
        "bookings": _bookings(calendars),
        "synced_events": _events(calendars),
    }
    with connection.cursor() as cursor:
        cursor.execute(CONSULTANTS, [[calendar.id for calendar in calendars]])
        cursor.executemany(SETTINGS, [_settings(calendar) for calendar in calendars])
        # Bookings are put where none should be, too, and in other years than the guard's.
        cursor.execute("ALTER TABLE bookings DISABLE TRIGGER USER")
        for table, columns in COPIES.items():
            with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                for row in rows[table]:
                    copy.write_row(row)
        cursor.execute("ALTER TABLE bookings ENABLE TRIGGER USER")
    for key, (_, other) in recurring.items():
        _expand(key, other)
    return meeting_types


def agreeing(calendars: list[Calendar]) -> list[Calendar]:
    """Those whose zones Python and the database know the same rules of.

    The two may have time zone databases of different years.
    """
    samples = [
        (zone, at)
        for calendar in calendars
        for zone in {calendar.zone, calendar.display_zone} - {None}
        for at in _midnights(calendar.date, calendar.days)
    ]
    zones, instants = zip(*samples, strict=True)
    offsets = [at.astimezone(ZoneInfo(zone)).utcoffset() for zone, at in samples]
    with connection.cursor() as cursor:
        cursor.execute(ZONES_AGREE, [list(zones), list(instants), offsets])
        disputed = {zone for (zone,) in cursor.fetchall()}
    return [
        calendar for calendar in calendars if not {calendar.zone, calendar.display_zone} & disputed
    ]


def _midnights(day: date, days: int) -> Iterable[datetime]:
    first = datetime.fromisoformat(f"{day}T00:00:00+00:00") - timedelta(days=2)
    return (first + timedelta(days=number) for number in range(days + 5))


def _settings(calendar: Calendar) -> list:
    policy = "close" if calendar.closes_when_stale else "keep"
    values = _values(calendar.settings)
    return [calendar.zone, policy, calendar.max_data_age, *values, calendar.id]


def _values(values: Values) -> list[int | None]:
    return [
        values.duration,
        values.buffer_before,
        values.buffer_after,
        values.minimum_notice,
        values.booking_window,
        values.slot_interval,
        values.daily_limit,
        values.weekly_limit,
    ]


def _weekly(calendar: Calendar) -> list[OtherHours]:
    return [other for other in calendar.exceptions if other.every_weeks]


def _rrule(other: OtherHours) -> str:
    return f"FREQ=WEEKLY;INTERVAL={other.every_weeks}" if other.every_weeks else ""


def _expand(key: UUID, other: OtherHours) -> None:
    if other.expanded_until:
        expand(
            id=key,
            rrule=_rrule(other),
            first=other.first,
            last=other.last,
            until=other.expanded_until,
        )


def _rules(calendars: list[Calendar]) -> Iterable[tuple]:
    for calendar in calendars:
        for rule in calendar.rules:
            hours = (rule.weekday, rule.opens, rule.closes)
            yield calendar.id, *hours, rule.valid_from, rule.valid_until


def _exceptions(calendars: list[Calendar], recurring: dict) -> Iterable[tuple]:
    single = [
        (uuid4(), (calendar, other))
        for calendar in calendars
        for other in calendar.exceptions
        if not other.every_weeks
    ]
    for key, (calendar, other) in [*single, *recurring.items()]:
        days_and_hours = (other.first, other.last, other.opens, other.closes)
        yield key, calendar.id, other.opens is None, *days_and_hours, _rrule(other)


def _blocks(calendars: list[Calendar]) -> Iterable[tuple]:
    for calendar in calendars:
        for block in calendar.blocks:
            yield calendar.id, block.start, block.end, block.first, block.last


def _meeting_types(calendars: list[Calendar], keys: dict[UUID, UUID]) -> Iterable[tuple]:
    for calendar in calendars:
        if calendar.meeting_type:
            yield keys[calendar.id], calendar.id, "talk", "Talk", *_values(calendar.meeting_type)


def _connections(calendars: list[Calendar]) -> Iterable[tuple]:
    for calendar in calendars:
        for each in calendar.connections:
            switches = (each.is_active, each.blocks_time, each.tentative_blocks)
            synced = (each.synced_from, each.synced_until, each.last_synced_at)
            yield each.id, calendar.id, "apple", str(each.id), *switches, *synced


def _bookings(calendars: list[Calendar]) -> Iterable[tuple]:
    for calendar in calendars:
        for each in calendar.bookings:
            span = (each.start, each.end, each.buffer_before, each.buffer_after)
            yield each.id, calendar.id, *span, each.status, each.hold_expires_at


def _events(calendars: list[Calendar]) -> Iterable[tuple]:
    for calendar in calendars:
        for event in calendar.events:
            span = (str(uuid4()), event.start, event.end)
            yield event.connection, *span, event.status, event.transparency, event.booking
