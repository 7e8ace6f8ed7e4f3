"""How a booking is recognised in a calendar: by its UID, and by a property of our own.

Both are written, because each of them is lost somewhere: a server may replace the UID of an event
that is copied or invited to, and some drop properties they do not know.
"""

import re
from uuid import UUID

from connections.providers.base import WriteRefused

BOOKING_PROPERTY = "X-CALSYNC-BOOKING"  # its value is the booking's id
UID_PREFIX = "calsync-"

# What Google makes of the ids that bookings have there, see ``google.drafts.event_ids``.
_UID_OF_GOOGLE = re.compile(r"b([0-9a-f]{32})(?:v\d+)?@google\.com", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


def booking_uid(booking_id: UUID) -> str:
    """The UID of a booking's event: fit for a file name and for every server."""
    return f"{UID_PREFIX}{booking_id}"


def booking_id_of(uid: str) -> UUID | None:
    """The booking whose UID this is, whatever its case; None for anybody else's event.

    An event keeps its UID where it is invited to, so its copy in another of the consultant's
    calendars, at whichever provider, is recognised too.
    """
    folded = uid.strip().lower()
    if found := _UID_OF_GOOGLE.fullmatch(folded):
        return UUID(found[1])
    if not folded.startswith(UID_PREFIX):
        return None
    return read_booking_id(folded.removeprefix(UID_PREFIX))


def read_booking_id(value: str) -> UUID | None:
    """The value of ``BOOKING_PROPERTY``; None where it is not an id as we write them."""
    folded = value.strip().lower()
    return UUID(folded) if _UUID.fullmatch(folded) else None


def require_ours(found: UUID | None, booking_id: UUID | None = None) -> None:
    """Raise ``WriteRefused`` unless an event is of a booking, or of this very one.

    ``found`` is the booking that the event names.
    """
    if found is None or booking_id not in (None, found):
        raise WriteRefused("The event in the calendar is not the one calsync wrote.")
