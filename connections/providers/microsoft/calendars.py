"""The calendars of an account, as it lists them.

https://learn.microsoft.com/en-us/graph/api/user-list-calendars
"""

from connections.providers.base import AccessRevoked, CalendarGone, ProviderError, RemoteCalendar
from connections.providers.microsoft.api import GraphApi
from connections.providers.microsoft.replies import FORBIDDEN, Reply, makes_no_sense

QUESTION = {"$select": "id,name,canEdit,isDefaultCalendar", "$top": "100"}


def list_calendars(api: GraphApi) -> list[RemoteCalendar]:
    calendars = []
    for reply in api.pages(api.address("me/calendars", **QUESTION)):
        if not reply.is_ok:
            raise _refusal(reply)
        calendars += [_calendar(entry) for entry in reply.items]
    return calendars


def _calendar(entry: dict) -> RemoteCalendar:
    return RemoteCalendar(
        calendar_id=entry["id"],
        name=entry.get("name") or entry["id"],
        is_default=bool(entry.get("isDefaultCalendar")),
        is_writable=entry.get("canEdit") is not False,
    )


def _refusal(reply: Reply) -> ProviderError:
    if reply.has_no_mailbox:
        return CalendarGone("This account has no mailbox at Microsoft, and so no calendars.")
    if reply.status == FORBIDDEN:
        return AccessRevoked("A permission is missing. Connect the account again and allow it all.")
    return makes_no_sense(reply)
