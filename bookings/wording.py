"""A booking in words: in mails, in the calendar event, in the invitation file."""

import unicodedata
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bookings.models import Booking
from bookings.states import EventState
from bookings.zones import label_of, name_of, offset_of, zone_named
from connections.models import Consultant

CONTROL_OR_LINE_BREAK = {"Cc", "Zl", "Zp"}  # Unicode general categories
# They make a text read otherwise than it is written (Unicode Standard Annex 9, section 2).
DIRECTION_CONTROLS = {chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}
LONGEST_NAME, LONGEST_LINE, LONGEST_TEXT = 200, 1000, 5000  # characters
LONGEST_DESCRIPTION = 8000  # some calendars take 8,192 characters
DEFAULT_TITLE = "Meeting"


def one_line(text: str) -> str:
    """The text without control characters and line breaks, fit for a mail header or a title."""
    return " ".join("".join(map(_harmless, text)).split())


def several_lines(text: str) -> str:
    """What a person wrote at length, its line breaks kept, in a bearable length."""
    lines = ("".join(map(_harmless, line)).rstrip() for line in text.splitlines())
    return shortened("\n".join(lines).strip(), LONGEST_TEXT)


def shortened(text: str, most: int) -> str:
    """At most so many characters; an ellipsis says that there are more."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def title_of(booking: Booking) -> str:
    return shortened(one_line(booking.title), LONGEST_NAME) or DEFAULT_TITLE


def consultant_name(consultant: Consultant) -> str:
    """Never the e-mail address: invitees read it."""
    return shortened(one_line(consultant.name), LONGEST_NAME) or consultant.slug


def invitee_name(booking: Booking) -> str:
    """What to call them: where no name came with the row, their e-mail address."""
    name = one_line(booking.invitee_name) or one_line(booking.invitee_email)
    return shortened(name, LONGEST_NAME)


def location_of(booking: Booking) -> str:
    return shortened(one_line(booking.location), LONGEST_LINE)


def call_of(booking: Booking) -> str:
    """The address of the video call; empty: there is none, or not yet."""
    return one_line(booking.conference_url)


def lacks_link(booking: Booking) -> bool:
    """Whether its video call has no address and none will come: the consultant has to tell it.

    A calendar that makes calls has its say when the event is written.
    """
    if not booking.has_conference or booking.is_cancelled or call_of(booking):
        return False
    return booking.event_state != EventState.DUE or not booking.user.has_calls


def place_of(booking: Booking) -> tuple[tuple[str, str], ...]:
    """Where to be, and where to click, by label; as far as it is known."""
    places = (("Where", location_of(booking)), ("Video call", call_of(booking)))
    return tuple((label, place) for label, place in places if place)


def invitee_zone(booking: Booking) -> ZoneInfo:
    """The zone the invitee gave; the consultant's where a row came with one that nobody knows."""
    return zone_named(booking.invitee_time_zone) or booking.user.zone


def span(start: datetime, end: datetime, zone: ZoneInfo) -> str:
    """Day, clock times and zone: ``Monday 1 March 2027, 10:00…, Europe/Berlin (UTC+01:00)``.

    Where the clocks change in between, each time has its own offset.
    """
    first, last = start.astimezone(zone), end.astimezone(zone)
    if first.utcoffset() != last.utcoffset():
        times = f"{_clock(first)} ({offset_of(first)}) – {_clock(last)} ({offset_of(last)})"
        return f"{_day(first)}, {times}, {name_of(zone)}"
    if first.date() == last.date():
        return f"{_day(first)}, {_clock(first)}–{_clock(last)}, {label_of(zone, start)}"
    times = f"{_clock(first)} – {_day(last)}, {_clock(last)}"
    return f"{_day(first)}, {times}, {label_of(zone, start)}"


def moment(instant: datetime, zone: ZoneInfo) -> str:
    """Day, clock time and zone: ``Monday 1 March 2027, 10:00, Europe/Berlin (UTC+01:00)``."""
    local = instant.astimezone(zone)
    return f"{_day(local)}, {_clock(local)}, {label_of(zone, instant)}"


def former_time(booking: Booking, zone: ZoneInfo) -> tuple[tuple[str, str], ...]:
    """When it was to begin, by label; nothing where only its end has changed."""
    if booking.moved_from in (None, booking.start_time):
        return ()
    return (("Before", moment(booking.moved_from, zone)),)


def length_of(span: timedelta) -> str:
    """A length of time in words, to the minute: ``1 day 1 hour 30 minutes``."""
    minutes = round(span / timedelta(minutes=1))
    counted = (
        (minutes // 1440, "day"),
        (minutes // 60 % 24, "hour"),
        (minutes % 60, "minute"),
    )
    words = [f"{count} {unit}{'s' if count > 1 else ''}" for count, unit in counted if count > 0]
    return " ".join(words) or "less than a minute"


def answers_of(booking: Booking) -> list[tuple[str, str]]:
    """What the invitee answered: question and answer, in the order in which they are asked."""
    questions = booking.meeting_type.questions if booking.meeting_type else []
    labels = {asked["name"]: asked["label"] for asked in questions}
    names = [*labels, *(name for name in booking.answers if name not in labels)]
    return [
        (labels.get(name, name), booking.answers[name]) for name in names if name in booking.answers
    ]


def event_title(booking: Booking) -> str:
    """What the consultant reads in their calendar."""
    return f"{title_of(booking)}: {invitee_name(booking)}"


def event_description(booking: Booking) -> str:
    """Who comes, how to reach them, and what they said, as far as calendars take it."""
    lines = [booking.invitee_name, booking.invitee_email]
    lines += [f"{asked}: {answer}" for asked, answer in answers_of(booking)]
    lines.append(booking.invitee_notes)
    return shortened("\n".join(line for line in lines if line), LONGEST_DESCRIPTION)


def _harmless(character: str) -> str:
    if character in DIRECTION_CONTROLS:
        return ""
    return " " if unicodedata.category(character) in CONTROL_OR_LINE_BREAK else character


def _day(local: datetime) -> str:
    return f"{local:%A} {local.day} {local:%B %Y}"


def _clock(local: datetime) -> str:
    return f"{local:%H:%M}"
