"""A booking in words: in mails, in the calendar event, in the invitation file."""

import unicodedata
from datetime import datetime
from zoneinfo import ZoneInfo

from bookings.models import Booking
from bookings.zones import label_of, name_of, offset_of, zone_named

CONTROL_OR_LINE_BREAK = {"Cc", "Zl", "Zp"}  # Unicode general categories
DEFAULT_TITLE = "Meeting"


def one_line(text: str) -> str:
    """The text without control characters and line breaks, fit for a mail header or a title."""
    kept = (" " if unicodedata.category(c) in CONTROL_OR_LINE_BREAK else c for c in text)
    return " ".join("".join(kept).split())


def title_of(booking: Booking) -> str:
    return one_line(booking.title) or DEFAULT_TITLE


def consultant_name(booking: Booking) -> str:
    """Never the e-mail address: invitees read it."""
    return one_line(booking.user.name) or booking.user.slug


def invitee_name(booking: Booking) -> str:
    """What to call them: where no name came with the row, their e-mail address."""
    return one_line(booking.invitee_name) or one_line(booking.invitee_email)


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
    """Who comes, how to reach them, and what they said."""
    lines = [booking.invitee_name, booking.invitee_email]
    lines += [f"{asked}: {answer}" for asked, answer in answers_of(booking)]
    lines.append(booking.invitee_notes)
    return "\n".join(line for line in lines if line)


def _day(local: datetime) -> str:
    return f"{local:%A} {local.day} {local:%B %Y}"


def _clock(local: datetime) -> str:
    return f"{local:%H:%M}"
