"""Why a time is offered, or not, in words for its consultant, with what can be done about it.

SQL has decided; this finds the words. Times are shown in the active zone.
"""

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format, time_format

from availability.models import MeetingType
from availability.slots import Reason, explain, freshness
from connections.models import Consultant


@dataclass(frozen=True, slots=True)
class Link:
    """A page of the desk on which something can be done."""

    text: str
    address: str


@dataclass(frozen=True, slots=True)
class Answer:
    text: str
    links: list[Link]


@dataclass(frozen=True, slots=True)
class Words:
    """``what`` may hold ``{detail}``, or ``{name}``: a colon and the detail, where there is one."""

    what: str
    advice: str
    pages: tuple[str, ...]


RULES = ("settings", "meeting type")
WORDS = {
    "calendar_stale": Words(
        "A calendar has not been read for too long, and your settings say to offer nothing then.",
        "The desk says what is wrong with it.",
        ("desk", "settings"),
    ),
    "not_synced": Words(
        "{detail}",
        "The desk says how your calendars are doing. How far ahead they are read is for whoever "
        "runs calsync to say.",
        ("desk",),
    ),
    "too_soon": Words(
        "It is past, or sooner than your minimum notice allows.",
        "A shorter notice lets people book later.",
        RULES,
    ),
    "too_far_ahead": Words(
        "It is later than your booking window reaches.",
        "A longer window lets people book further ahead.",
        RULES,
    ),
    "outside_hours": Words(
        "The meeting does not lie within your working hours. {detail}",
        "Change your weekly hours, or make an exception for this date.",
        ("hours", "exceptions"),
    ),
    "off_grid": Words(
        "No meeting starts at this minute. {detail}",
        "The slot interval says how far apart they start.",
        RULES,
    ),
    "event": Words(
        "An event in your calendar stands in the way{name}.",
        "Move or delete it there, show it as free, or let that calendar block no time.",
        ("events", "calendars"),
    ),
    "booking": Words(
        "A booking stands in the way{name}.", "You can move or cancel it.", ("bookings",)
    ),
    "blocked": Words(
        "You have blocked this time{name}.", "Delete or shorten that.", ("blocked dates",)
    ),
    "buffer": Words(
        "The buffer before or after a meeting is not kept next to{name}.",
        "Shorter buffers let meetings come nearer.",
        RULES,
    ),
    "daily_limit": Words("The day is full: {detail}", "The limit is yours to change.", RULES),
    "weekly_limit": Words("The week is full: {detail}", "The limit is yours to change.", RULES),
}


def why_not(
    consultant: Consultant, meeting_type: MeetingType | None, starts_at: datetime
) -> list[Answer]:
    """What keeps the time from being offered; nothing: it is offered."""
    if not consultant.is_active:
        return [Answer("This consultant is not active: nobody can book them.", [])]
    pages = _pages(consultant, meeting_type)
    if meeting_type and not meeting_type.is_active:
        text = "This meeting type is not active: nobody can book it."
        return [Answer(text, [pages["meeting type"]])]
    slug = meeting_type and meeting_type.slug
    reasons = explain(consultant_id=consultant.pk, starts_at=starts_at, meeting_type=slug)
    return [_answer(reason, pages) for reason in reasons]


def why_offered(consultant: Consultant) -> Answer:
    known = freshness(consultant.pk)
    if known.data_as_of is None:
        calendars = "No calendar that blocks time is connected."
    elif known.state == "fresh":
        calendars = f"All calendars have been read since {_clock(known.data_as_of)}."
    else:
        calendars = (
            f"A calendar was last read on {_clock(known.data_as_of)}, which is long ago; your "
            "settings say to offer it all the same."
        )
    text = "It lies within your working hours, and nothing stands in its way."
    return Answer(f"{text} {calendars}", [])


def _answer(reason: Reason, pages: dict[str, Link]) -> Answer:
    words = WORDS[reason.reason]
    name = f": {reason.detail}" if reason.detail else ""
    what = words.what.format(detail=reason.detail, name=name)
    sentences = [what, _span(reason.from_time, reason.to_time), words.advice]
    links = [pages[page] for page in words.pages if page in pages]
    return Answer(" ".join(filter(None, sentences)), links)


def _span(first: datetime | None, last: datetime | None) -> str:
    if first and last:
        is_one_day = timezone.localdate(first) == timezone.localdate(last)
        end = f"–{time_format(timezone.localtime(last))}" if is_one_day else f" – {_clock(last)}"
        return f"{_clock(first)}{end}."
    if first:
        return f"From {_clock(first)} on."
    return f"Until {_clock(last)}." if last else ""


def _clock(instant: datetime) -> str:
    return date_format(timezone.localtime(instant), "DATETIME_FORMAT")


def _pages(consultant: Consultant, meeting_type: MeetingType | None) -> dict[str, Link]:
    settings = consultant.booking_settings.pk
    hours = reverse("admin:availability_availabilityrule_changelist")
    pages = {
        "desk": Link("Your desk", reverse("admin:index")),
        "settings": Link(
            "Booking settings",
            reverse("admin:availability_bookingsettings_change", args=[settings]),
        ),
        "hours": Link("Weekly hours", f"{hours}?consultant={consultant.pk}"),
        "exceptions": _list("Exceptions", "availability_availabilityexception"),
        "blocked dates": _list("Blocked dates", "availability_blockeddate"),
        "events": _list("Synced events", "syncing_syncedevent"),
        "calendars": _list("Connected calendars", "connections_calendarconnection"),
        "bookings": _list("Bookings", "bookings_booking"),
    }
    if meeting_type:
        address = reverse("admin:availability_meetingtype_change", args=[meeting_type.pk])
        pages["meeting type"] = Link("This meeting type", address)
    return pages


def _list(text: str, page: str) -> Link:
    return Link(text, reverse(f"admin:{page}_changelist"))
