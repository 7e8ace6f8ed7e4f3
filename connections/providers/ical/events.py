"""One calendar object to remote events.

Reading never fails. Whatever cannot be read becomes a ``Problem`` for a person to look at, and its
best-known time stays blocked: the time of an event that is left out would be offered as free.

* A VEVENT whose DTSTART cannot be read blocks nothing, because nothing tells when; an override
  then stays in its slot. One whose end cannot be read lasts a day.
* Of a rule that can be read in part, that part counts; without a FREQ only DTSTART and RDATE do.
* A rule more frequent than hourly, or one with more occurrences than ``Budget`` allows, blocks the
  whole span from the first occurrence that is not listed to the rule's end or the window's.
* A zone that is not known is taken for the calendar's own, where the object names one
  (X-WR-TIMEZONE), else for the consultant's.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import blake2s
from itertools import count
from math import ceil
from zoneinfo import ZoneInfo

from connections.providers.base import Problem, RemoteEvent, Window
from connections.providers.ical.expansion import Budget
from connections.providers.ical.parser import Component, parse, shorten
from connections.providers.ical.pattern import Scope
from connections.providers.ical.series import Series
from connections.providers.ical.values import DAY
from connections.providers.ical.zones import Zones

MAX_OBJECT = 2**20  # characters
MAX_PROBLEMS = 20


@dataclass(frozen=True, slots=True)
class ObjectReading:
    """What one object shows within a window, and what could not be read of it."""

    events: tuple[RemoteEvent, ...]
    problems: tuple[Problem, ...]


def read_object(
    text: str,
    *,
    href: str,
    version: str,
    window: Window,
    zone: ZoneInfo,
    own_addresses: frozenset[str] = frozenset(),
) -> ObjectReading:
    """The occurrences of an object that overlap the window.

    ``zone`` is the consultant's, for floating and all-day times; ``own_addresses`` are their mail
    addresses in lower case. Every event has ``series_id=href``; a single event's id is ``href``,
    an occurrence's adds its slot and, where it was moved, its start.
    """
    if len(text) > MAX_OBJECT:
        text = shorten(text, MAX_OBJECT)
    root = parse(text[:MAX_OBJECT])
    budget = Budget()
    until = ceil(window.end.timestamp()) + 366 * DAY
    scope = Scope(
        href=href,
        version=version,
        first=window.start.timestamp(),
        last=window.end.timestamp(),
        zones=Zones(root, local=zone, until=until, budget=budget),
        own_addresses=own_addresses,
        budget=budget,
        flaws=tuple(_flaws(text, root)),
    )
    events = [event for series in _series(root, scope) for event in series.events()]
    if len({event.provider_event_id for event in events}) < len(events):
        events = list(_distinct(events))
    return ObjectReading(tuple(events), tuple(_problems(scope)))


def _problems(scope: Scope) -> list[Problem]:
    details = dict.fromkeys([*scope.flaws, *scope.notes])
    return [Problem(scope.href, detail) for detail in details][:MAX_PROBLEMS]


def _flaws(text: str, root: Component) -> Iterator[str]:
    """What is wrong with the object as a whole."""
    if len(text) > MAX_OBJECT:
        yield "the object is larger than 1 MiB and was read in part"
    elif not root.children:
        yield "this is not an iCalendar object"
    elif not all(component.is_closed for component in root.walk()):
        yield "the object is cut off"


def _series(root: Component, scope: Scope) -> Iterator[Series]:
    """VEVENTs by UID. One object holds one UID (RFC 4791 §4.1), but not every client knows that."""
    vevents = (component for component in root.walk() if component.name == "VEVENT")
    by_uid: dict[str, list[Component]] = {}
    for number, vevent in enumerate(vevents):
        uid = vevent.first("UID")
        by_uid.setdefault(uid.value if uid else f"\n{number}", []).append(vevent)
    for uid, components in by_uid.items():
        yield Series(components, scope, _tag(uid) if len(by_uid) > 1 else "")


def _tag(uid: str) -> str:
    return blake2s(uid.encode("utf-8", "replace"), digest_size=4).hexdigest()


def _distinct(events: list[RemoteEvent]) -> Iterator[RemoteEvent]:
    """The events with different ids, even where two of an object cannot be told apart."""
    seen: set[str] = set()
    for event in events:
        identity = event.provider_event_id
        if identity in seen:
            copies = (f"{identity}~{number}" for number in count(2))
            event = replace(event, provider_event_id=next(c for c in copies if c not in seen))
        seen.add(event.provider_event_id)
        yield event
