"""The calendars of an account, as it lists them.

https://developers.google.com/workspace/calendar/api/v3/reference/calendarList
"""

from collections.abc import Iterator

from connections.providers.base import CalendarGone, ProviderError, RemoteCalendar
from connections.providers.google.api import CalendarApi
from connections.providers.google.replies import FORBIDDEN, MISSING, Reply, makes_no_sense

LARGEST_PAGE = 250
FIELDS = (
    "nextPageToken,items(id,summary,summaryOverride,timeZone,accessRole,primary,deleted,hidden)"
)
# Who may write without seeing private events can still read back what we write: it is not private.
WRITERS = {"owner", "writer", "writerWithoutPrivateAccess"}
READERS = {"reader", "freeBusyReader"}
# Google's own calendars of holidays, birthdays and week numbers, which are nobody's time.
NOT_TIME = "@group.v.calendar.google.com"


def list_calendars(api: CalendarApi) -> list[RemoteCalendar]:
    """Those that the account shows and may read, under their real ids (never ``primary``)."""
    return [_calendar(entry) for entry in _entries(api) if _is_offered(entry)]


def _entries(api: CalendarApi) -> Iterator[dict]:
    for reply in api.pages(api.calendar_list.list, maxResults=LARGEST_PAGE, fields=FIELDS):
        if not reply.is_ok:
            raise _refusal(reply)
        yield from reply.items


def _refusal(reply: Reply) -> ProviderError:
    if reply.status in {FORBIDDEN, *MISSING}:
        return CalendarGone("This account does not have Google Calendar, or may not use it.")
    return makes_no_sense(reply)


def _is_offered(entry: dict) -> bool:
    is_there = not entry.get("deleted") and not entry.get("hidden")
    return is_there and _role(entry) in WRITERS | READERS


def _calendar(entry: dict) -> RemoteCalendar:
    calendar_id = entry["id"]
    return RemoteCalendar(
        calendar_id=calendar_id,
        name=entry.get("summaryOverride") or entry.get("summary") or calendar_id,
        time_zone=entry.get("timeZone") or "",
        is_default=bool(entry.get("primary")),
        is_writable=_role(entry) in WRITERS,
        blocks_time=not calendar_id.endswith(NOT_TIME),
    )


def _role(entry: dict) -> str:
    """Where nothing is said of the account's rights, the calendar is its own."""
    return entry.get("accessRole") or "owner"
