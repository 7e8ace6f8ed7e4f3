"""From a server's address to the account's calendars (RFC 4791 §6.2, RFC 6764 §6).

The address may be the server's, a principal's, a home of calendars', or that of one calendar, which
is then the only one. Where nothing answers there, ``/.well-known/caldav`` says where to look.
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import unquote, urljoin, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from caldav.elements import cdav, dav
from caldav.elements.base import BaseElement

from connections.providers.base import (
    CalendarGone,
    ProviderUnavailable,
    RemoteCalendar,
)
from connections.providers.dav.client import GuardedClient
from connections.providers.dav.multistatus import (
    Forbidden,
    Resource,
    href_texts,
    path_of,
    read_resources,
)
from connections.providers.dav.queries import (
    CALENDARSERVER,
    ScheduleCalendarTransp,
    ScheduleDefaultCalendarURL,
    propfind,
)
from connections.providers.ical.parser import parse
from connections.providers.outbound import origin

WELL_KNOWN = "/.well-known/caldav"
MAIL = "mailto:"
SUBSCRIBED = f"{CALENDARSERVER}subscribed"  # a copy of somebody else's feed
TRANSPARENT = "{urn:ietf:params:xml:ns:caldav}transparent"
WAYS_TO_WRITE = {"{DAV:}all", "{DAV:}write", "{DAV:}bind"}  # RFC 3744 §3: bind adds a member

OF_A_CALENDAR = (
    dav.ResourceType,
    dav.DisplayName,
    dav.CurrentUserPrivilegeSet,
    cdav.SupportedCalendarComponentSet,
    cdav.CalendarTimeZone,
    ScheduleCalendarTransp,
    ScheduleDefaultCalendarURL,
)


class Place(NamedTuple):
    """What was found, and at which address after all redirects."""

    url: str
    resources: list[Resource]

    def links(self, client: GuardedClient, link: type[BaseElement]) -> list[str]:
        """The addresses that a property names."""
        found = (resource.properties.get(link.tag) for resource in self.resources)
        return [client.join(self.url, href) for element in found for href in href_texts(element)]


def find_calendars(client: GuardedClient, start: str) -> list[RemoteCalendar]:
    """The calendars that can hold events. What it raises is fit for the form."""
    entry = _entry(client, start)
    places = [entry]
    if not any(map(_is_calendar, entry.resources)):
        homes = _homes(client, entry)
        places = [_look(client, home, *OF_A_CALENDAR, depth=1) for home in homes]
    calendars = [calendar for place in places for calendar in _calendars(client, place)]
    return list({calendar.calendar_id: calendar for calendar in calendars}.values())


def find_own_addresses(client: GuardedClient, collection: str) -> frozenset[str]:
    """The account's own mail addresses, in lower case (RFC 6638 §2.4.1)."""
    here = _look(client, collection, dav.CurrentUserPrincipal)
    addresses: list[str] = []
    for principal in here.links(client, dav.CurrentUserPrincipal):
        place = _look(client, principal, cdav.CalendarUserAddressSet)
        for resource in place.resources:
            addresses += href_texts(resource.properties.get(cdav.CalendarUserAddressSet.tag))
    mails = (address.lower() for address in addresses)
    return frozenset(unquote(mail[len(MAIL) :]) for mail in mails if mail.startswith(MAIL))


def _entry(client: GuardedClient, start: str) -> Place:
    """The first place that is a calendar or says where calendars are."""
    asked = (dav.CurrentUserPrincipal, cdav.CalendarHomeSet, *OF_A_CALENDAR)
    for url in (start, urljoin(start, WELL_KNOWN)):
        reply = client.request(url, "PROPFIND", propfind(*asked), {"Depth": "0"})
        with suppress(ProviderUnavailable, Forbidden, CalendarGone):
            place = Place(reply.url, list(read_resources(client, reply)))
            if _leads_on(client, place):
                return place
    host = urlsplit(start).hostname
    raise ProviderUnavailable(f"{host} does not answer as a CalDAV server at this address.")


def _leads_on(client: GuardedClient, place: Place) -> bool:
    return any(map(_is_calendar, place.resources)) or any(
        place.links(client, link) for link in (dav.CurrentUserPrincipal, cdav.CalendarHomeSet)
    )


def _homes(client: GuardedClient, entry: Place) -> list[str]:
    homes = entry.links(client, cdav.CalendarHomeSet)
    for principal in entry.links(client, dav.CurrentUserPrincipal) if not homes else ():
        place = _look(client, principal, cdav.CalendarHomeSet)
        homes += place.links(client, cdav.CalendarHomeSet)
    return homes


def _look(client: GuardedClient, url: str, *properties: type[BaseElement], depth: int = 0) -> Place:
    reply = client.request(url, "PROPFIND", propfind(*properties), {"Depth": str(depth)})
    return Place(reply.url, list(read_resources(client, reply)))


def _calendars(client: GuardedClient, place: Place) -> Iterator[RemoteCalendar]:
    defaults = {path_of(url) for url in place.links(client, ScheduleDefaultCalendarURL)}
    for resource in filter(_is_calendar, place.resources):
        yield RemoteCalendar(
            calendar_id=f"{origin(place.url)}{resource.path}",
            name=resource.text(dav.DisplayName.tag) or _last_segment(resource.path),
            time_zone=_time_zone(resource.text(cdav.CalendarTimeZone.tag)),
            is_default=resource.path in defaults,
            is_writable=_is_writable(resource),
            blocks_time=not _has(resource, ScheduleCalendarTransp, TRANSPARENT),
        )


def _is_calendar(resource: Resource) -> bool:
    """A collection of events; not an inbox, a list of tasks or a subscribed feed."""
    is_own = _has(resource, dav.ResourceType, cdav.Calendar.tag) and not _has(
        resource, dav.ResourceType, SUBSCRIBED
    )
    kinds = resource.properties.get(cdav.SupportedCalendarComponentSet.tag)
    # A server that does not say takes everything (RFC 4791 §5.2.3).
    return is_own and (kinds is None or any(kind.get("name") == "VEVENT" for kind in kinds))


def _is_writable(resource: Resource) -> bool:
    privileges = resource.properties.get(dav.CurrentUserPrivilegeSet.tag)
    if privileges is None:
        return True
    return not WAYS_TO_WRITE.isdisjoint(element.tag for element in privileges.iter())


def _has(resource: Resource, container: type[BaseElement], tag: str) -> bool:
    element = resource.properties.get(container.tag)
    return element is not None and element.find(tag) is not None


def _last_segment(path: str) -> str:
    return unquote(path.rstrip("/").rpartition("/")[2])


def _time_zone(text: str) -> str:
    """The IANA name of a VTIMEZONE, or nothing where it goes by another name."""
    for component in parse(text).walk():
        name = component.first("TZID")
        if name is not None and _is_known(name.value):
            return name.value
    return ""


def _is_known(zone: str) -> bool:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        return False
    return True
