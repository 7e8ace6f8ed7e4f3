"""iCalendar objects as a CalDAV server stores them, read into remote events.

``read_object`` is the way in. Below it, each layer knows only the ones under it: ``parser`` and
``values`` (text), ``rules`` and ``expansion`` (recurrence rules as whole-number arithmetic),
``zones``, ``timing`` and ``recurrence`` (when), ``classification`` (what), ``pattern``,
``overrides`` and ``series`` (which occurrences).
"""

from connections.providers.booking_ids import BOOKING_PROPERTY, booking_id_of, booking_uid
from connections.providers.ical.events import ObjectReading, read_object

__all__ = ["BOOKING_PROPERTY", "ObjectReading", "booking_id_of", "booking_uid", "read_object"]
