"""What a VEVENT says about itself besides its times: whether it blocks, its title, whose it is.

Everything is asked of the override first and then of its master: servers differ in how much of the
master they repeat in an override. A word that is not understood counts as busy.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from connections.providers.base import (
    CANCELLED,
    CONFIRMED,
    OPAQUE,
    TENTATIVE,
    TRANSPARENT,
)
from connections.providers.booking_ids import BOOKING_PROPERTY, booking_id_of, read_booking_id
from connections.providers.ical.parser import Component, Property, unescape
from connections.providers.ical.values import Unreadable, read_time

PRIVATE_TITLE = "Busy"
MAX_TEXT = 1_000  # characters
MAX_SEQUENCE = 2**31 - 1  # a Postgres integer

_SPACES = re.compile(r"[\t\n\v\f\r\x85\u2028\u2029]+")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def described(components: Sequence[Component], own_addresses: frozenset[str]) -> dict[str, Any]:
    """The fields of a ``RemoteEvent`` that do not depend on its times: of an override and its
    master, or of a master alone.
    """
    return _Description(components).fields(own_addresses)


class _Description:
    """The properties of an event: an override's own, else its master's."""

    def __init__(self, components: Sequence[Component]) -> None:
        self._components = components

    def fields(self, own_addresses: frozenset[str]) -> dict[str, Any]:
        """The fields of a ``RemoteEvent`` that do not depend on its times."""
        answer = self._own_answer(own_addresses)
        uid = clean(self._value("UID"))
        return {
            "title": self._title(),
            "status": self._status(answer),
            "transparency": self._transparency(answer),
            "booking_id": self._booking_id(uid),
            "updated_at": updated_at(self._components[0]),
            "uid": uid,
            "sequence": sequence_of(self._components[0]),
        }

    def _title(self) -> str:
        """The summary, unless the event is not public (RFC 5545 §3.8.1.3: unknown is private)."""
        if self._word("CLASS") not in ("", "PUBLIC"):
            return PRIVATE_TITLE
        return clean(unescape(self._value("SUMMARY")))

    def _status(self, answer: str) -> str:
        status = self._word("STATUS")
        if status == "CANCELLED":
            return CANCELLED
        if "TENTATIVE" in (status, answer, self._word("X-MICROSOFT-CDO-BUSYSTATUS")):
            return TENTATIVE
        return CONFIRMED

    def _transparency(self, answer: str) -> str:
        """Microsoft's FREE counts only beside no TRANSP: other clients change TRANSP alone."""
        transp, microsoft = self._word("TRANSP"), self._word("X-MICROSOFT-CDO-BUSYSTATUS")
        if transp == "TRANSPARENT" or answer == "DECLINED" or microsoft == "WORKINGELSEWHERE":
            return TRANSPARENT
        return TRANSPARENT if microsoft == "FREE" and not transp else OPAQUE

    def _own_answer(self, own_addresses: frozenset[str]) -> str:
        """The consultant's PARTSTAT; where they are invited twice, an answer both agree on."""
        answers = {
            attendee.parameters.get("PARTSTAT", "").upper()
            for attendee in self._all("ATTENDEE")
            if _addresses(attendee) & own_addresses
        }
        return answers.pop() if len(answers) == 1 else ""

    def _booking_id(self, uid: str) -> UUID | None:
        return read_booking_id(self._value(BOOKING_PROPERTY)) or booking_id_of(uid)

    def _word(self, name: str) -> str:
        return self._value(name).strip().upper()

    def _value(self, name: str) -> str:
        for component in self._components:
            if found := component.first(name):
                return found.value
        return ""

    def _all(self, name: str) -> list[Property]:
        return next((found for each in self._components if (found := each.all(name))), [])


def clean(text: str) -> str:
    """Text that Postgres can hold and a line can show: no NUL or other control, not endless."""
    return _CONTROLS.sub("", _SPACES.sub(" ", text[: 2 * MAX_TEXT])).strip()[:MAX_TEXT]


def sequence_of(component: Component) -> int:
    """SEQUENCE, 0 where there is none that can be read."""
    found = component.first("SEQUENCE")
    digits = found.value.strip() if found else ""
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 10:
        return 0
    return min(int(digits), MAX_SEQUENCE)


def updated_at(component: Component) -> datetime | None:
    """LAST-MODIFIED, else DTSTAMP: both are UTC by definition, whether they say so or not."""
    for name in ("LAST-MODIFIED", "DTSTAMP"):
        if found := component.first(name):
            try:
                return _EPOCH + timedelta(seconds=read_time(found.value).wall)
            except Unreadable:
                continue
    return None


def age_of(component: Component) -> tuple[int, datetime]:
    """The order in which versions of one VEVENT were made, the newest last."""
    return sequence_of(component), updated_at(component) or _EPOCH


def _addresses(attendee: Property) -> set[str]:
    """The mail addresses of an attendee; Apple writes them into EMAIL beside a path."""
    address = attendee.value.strip().lower().removeprefix("mailto:")
    return {address, attendee.parameters.get("EMAIL", "").lower()} - {""}
