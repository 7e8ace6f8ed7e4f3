"""Which dates a recurring exception covers, for the SQL, which cannot read rules.

An exception is closed on every date that it has not been expanded for (see the trigger on its
table), so a row that nobody has expanded yet, or whose rule nobody can follow, offers nothing.
"""

from datetime import date, datetime, time, timedelta
from uuid import UUID

from dateutil.rrule import rrulestr
from django.db import connection
from psycopg.types.multirange import Multirange
from psycopg.types.range import Range

from availability.repeats import refuse_bad_rule

# Further than anybody can ask for: the longest booking window is 730 days.
HORIZON = timedelta(days=1000)

EXPAND = """
UPDATE public.availability_exceptions
SET covered = %(dates)s::datemultirange + later.dates,
    closed = CASE WHEN is_closed THEN %(dates)s::datemultirange + later.dates ELSE later.dates END,
    expanded_until = %(until)s
FROM (SELECT datemultirange(daterange(%(until)s, 'infinity', '()')) AS dates) AS later
WHERE id = %(id)s AND rrule = %(rrule)s AND start_date = %(first)s
  AND end_date IS NOT DISTINCT FROM %(last)s
"""


def expand(*, id: UUID, rrule: str, first: date, last: date | None, until: date) -> None:  # noqa: A002
    """Store the dates up to ``until`` that the rule makes of the span from ``first`` to ``last``.

    A row that has changed meanwhile is left to whoever changed it. Raises ``ValidationError`` for a
    rule that cannot be followed.
    """
    length = (last or first) - first
    spans = [
        Range(start, start + min(length, until - start), "[]")
        for start in starts(rrule, first, until=until)
    ]
    row = {"id": id, "rrule": rrule, "first": first, "last": last}
    with connection.cursor() as cursor:
        cursor.execute(EXPAND, row | {"dates": Multirange(spans), "until": until})


def starts(rrule: str, first: date, *, until: date) -> list[date]:
    """The dates up to ``until`` on which the rule (RFC 5545 §3.3.10) starts anew.

    ``first`` is where counting begins; it is one of them only if it fits the rule.
    """
    refuse_bad_rule(rrule)
    rule = rrulestr(rrule, dtstart=_midnight(first))
    return [start.date() for start in rule.between(_midnight(first), _midnight(until), inc=True)]


def _midnight(day: date) -> datetime:
    """What dateutil needs for a date: wall clock time, in no zone."""
    return datetime.combine(day, time())
