"""Google's own word on when a calendar is busy, to compare ours with.

https://developers.google.com/workspace/calendar/api/v3/reference/freebusy/query
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from connections.providers.base import (
    AccessRevoked,
    CalendarGone,
    FreeBusyUnsupported,
    ProviderUnavailable,
    Window,
)
from connections.providers.google.api import CalendarApi

SPAN = timedelta(days=60)  # a question about more than some three months is refused


def busy_periods(api: CalendarApi, calendar_id: str, window: Window) -> list[Window]:
    """In order and without overlap. An answer with an error in it is no answer.

    Raises ``FreeBusyUnsupported`` where the account has not allowed the question.
    """
    periods: list[Window] = []
    for span in _spans(window):
        question = {
            "timeMin": span.start.isoformat(),
            "timeMax": span.end.isoformat(),
            "items": [{"id": calendar_id}],
        }
        for period in _periods(_answer(api, question), calendar_id):
            _append(periods, period)
    return periods


def _answer(api: CalendarApi, question: dict) -> dict:
    """All else that calsync needs works without this permission: it is no reason to part."""
    try:
        return api.read(api.free_busy.query(body=question))
    except AccessRevoked:
        raise FreeBusyUnsupported(
            "The permission to ask Google for busy times is missing. "
            "Connect the account again and tick them all."
        ) from None


def _spans(window: Window) -> Iterator[Window]:
    start = window.start
    while start < window.end:
        yield Window(start, min(start + SPAN, window.end))
        start += SPAN


def _periods(answer: dict, calendar_id: str) -> list[Window]:
    try:
        entry = answer["calendars"][calendar_id]
        problems = {problem["reason"] for problem in entry.get("errors", ())}
        busy = [Window(_instant(one["start"]), _instant(one["end"])) for one in entry["busy"]]
    except (LookupError, TypeError, ValueError, AttributeError):
        raise ProviderUnavailable("Google's answer about busy times makes no sense.") from None
    if "notFound" in problems:
        raise CalendarGone("The calendar no longer exists, or is no longer shared.")
    if problems:
        raise ProviderUnavailable("Google cannot say when the calendar is busy.")
    return sorted(busy, key=lambda period: period.start)


def _append(periods: list[Window], period: Window) -> None:
    """Joined with the last one where they touch: one span's end is the next one's start."""
    if periods and period.start <= periods[-1].end:
        periods[-1] = Window(periods[-1].start, max(periods[-1].end, period.end))
    else:
        periods.append(period)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
