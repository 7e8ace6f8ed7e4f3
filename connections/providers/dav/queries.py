"""The XML bodies of CalDAV requests, built from caldav's elements, and the names they ask for."""

from collections.abc import Callable, Iterable
from typing import ClassVar

from caldav.elements import cdav, dav
from caldav.elements.base import BaseElement

from connections.providers.base import Window
from connections.providers.booking_ids import BOOKING_PROPERTY

CALENDARSERVER = "{http://calendarserver.org/ns/}"
CALDAV = "{urn:ietf:params:xml:ns:caldav}"

# What decides when an event blocks and how it is shown; not the files and texts it carries.
OF_CALENDARS = ("VERSION", "PRODID", "X-WR-TIMEZONE")
OF_EVENTS = (
    *("UID", "SEQUENCE", "DTSTAMP", "LAST-MODIFIED", "RECURRENCE-ID"),
    *("DTSTART", "DTEND", "DURATION", "RRULE", "EXRULE", "RDATE", "EXDATE"),
    *("STATUS", "TRANSP", "CLASS", "SUMMARY", "ATTENDEE"),
    *("X-MICROSOFT-CDO-BUSYSTATUS", BOOKING_PROPERTY),
)


class CTag(BaseElement):
    """Changes whenever anything in the collection does (caldav-ctag.txt of calendarserver.org)."""

    tag: ClassVar[str] = f"{CALENDARSERVER}getctag"


class ScheduleCalendarTransp(BaseElement):
    """Whether a calendar counts as busy time at all (RFC 6638 §9.1)."""

    tag: ClassVar[str] = f"{CALDAV}schedule-calendar-transp"


class ScheduleDefaultCalendarURL(BaseElement):
    """Where invitations go, a property of the scheduling inbox (RFC 6638 §9.2)."""

    tag: ClassVar[str] = f"{CALDAV}schedule-default-calendar-URL"


class Property(BaseElement):
    """A property of a calendar object to be returned (RFC 4791 §9.6.4)."""

    tag: ClassVar[str] = f"{CALDAV}prop"


class AllComponents(BaseElement):
    """All components inside one are to be returned (RFC 4791 §9.6.2)."""

    tag: ClassVar[str] = f"{CALDAV}allcomp"


def propfind(*properties: type[BaseElement]) -> str:
    """Ask for properties by name; ``allprop`` is refused by iCloud."""
    return str(dav.Propfind() + _prop(properties))


def sync_collection(token: str) -> str:
    """What changed since ``token``; all there is, without one (RFC 6578 §3.2)."""
    return str(
        dav.SyncCollection()
        + dav.SyncToken(value=token)
        + dav.SyncLevel(value="1")
        + _prop([dav.GetEtag])
    )


def multiget(paths: Iterable[str], *properties: Callable[[], BaseElement]) -> str:
    """Properties of these objects (RFC 4791 §7.9)."""
    return str(
        cdav.CalendarMultiGet() + _prop(properties) + [dav.Href(value=path) for path in paths]
    )


def times_alone() -> BaseElement:
    """The text of an object without what has no part in its times (RFC 4791 §9.6.1)."""
    calendar = cdav.Comp("VCALENDAR") + [Property(name) for name in OF_CALENDARS]
    event = cdav.Comp("VEVENT") + [Property(name) for name in OF_EVENTS]
    zone = cdav.Comp("VTIMEZONE") + cdav.Allprop() + AllComponents()
    return cdav.CalendarData() + (calendar + event + zone)


def events_within(window: Window) -> str:
    """Which objects have an occurrence in the window (RFC 4791 §9.9)."""
    return _events_with(cdav.TimeRange(start=window.start, end=window.end))


def events_that_have(name: str) -> str:
    """Which objects have an event with a property of this name (RFC 4791 §9.7.2)."""
    return _events_with(cdav.PropFilter(name))


def events_with_uid(uid: str) -> str:
    return _events_with(cdav.PropFilter("UID") + cdav.TextMatch(uid))


def free_busy(window: Window) -> str:
    """When the calendar is busy (RFC 4791 §7.10)."""
    return str(cdav.FreeBusyQuery() + cdav.TimeRange(start=window.start, end=window.end))


def _events_with(condition: BaseElement) -> str:
    event = cdav.CompFilter("VEVENT") + condition
    calendar = cdav.CompFilter("VCALENDAR") + event
    return str(cdav.CalendarQuery() + _prop([dav.GetEtag]) + (cdav.Filter() + calendar))


def _prop(properties: Iterable[Callable[[], BaseElement]]) -> BaseElement:
    return dav.Prop() + [each() for each in properties]
