"""One mail of every kind, set in three zones, as it goes over the wire."""

from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern
from uuid import UUID

from bookings.booking_mails import BookingMail
from bookings.emails import message_for
from bookings.models import Booking
from bookings.tokens import hash_of, manage_token
from tests.bookings.moments import MONDAY_TEN, NOW
from tests.factories import BookingFactory, ConsultantFactory, MeetingTypeFactory

BOOKING = UUID("6e1f9a52-0d6c-4a3e-9f0b-0c5f4a7d2b11")
MAIL = UUID("0b6f6d0e-6a52-4d0a-8a54-6a8f4a1c9d77")
SERVER_ZONE = "Asia/Kolkata"
QUESTIONS = [
    {"name": "topic", "label": "What is it about?", "type": "textarea", "required": True},
    {"name": "how", "label": "How shall we meet?", "type": "select", "options": ["Phone", "Video"]},
]
CALL = "https://meet.example.com/abc-defg-hij"
MOVED = {
    "sequence": 1,
    "moved_from": datetime(2027, 2, 28, 15, tzinfo=UTC),
    "changed_by": "invitee",
}
CANCELLED = {"status": "cancelled", "sequence": 1}

# What has happened to the booking, by kind and recipient.
HAPPENED = {
    ("confirmation", "invitee"): {"conference_url": CALL},
    ("consultant_notice", "consultant"): {"conference_url": CALL},
    ("request", "invitee"): {"status": "pending"},
    ("approval", "consultant"): {"status": "pending"},
    ("refusal", "invitee"): {
        "status": "cancelled",
        "changed_by": "consultant",
        "cancellation_reason": "I am on holiday.\nPlease ask again in May.",
    },
    ("withdrawal", "consultant"): {
        "status": "cancelled",
        "changed_by": "invitee",
        "cancellation_reason": "I found <someone> else.",
    },
    ("change", "invitee"): MOVED | {"conference_url": CALL},
    ("change", "consultant"): MOVED,
    ("cancellation", "invitee"): CANCELLED
    | {"changed_by": "consultant", "cancellation_reason": "I am ill."},
    ("cancellation", "consultant"): CANCELLED | {"changed_by": "calendar"},
    ("reminder", "invitee"): {"conference_url": CALL},
    ("conference", "invitee"): {"conference_url": CALL},
    ("calendar_trouble", "consultant"): {
        "event_state": "failed",
        "event_due_at": None,
        "event_error": "This account may not write to the calendar.",
    },
    ("conflict", "consultant"): {},
}


def booked(**changes) -> Booking:
    """The consultant is in Berlin, the invitee in New York; the server is in Kolkata."""
    consultant = ConsultantFactory(
        name="Ada Lovelace",
        slug="ada",
        email="ada@example.com",
        settings__time_zone="Europe/Berlin",
    )
    fields = {
        "pk": BOOKING,
        "user": consultant,
        "meeting_type": MeetingTypeFactory(user=consultant, questions=QUESTIONS),
        "start_time": MONDAY_TEN,
        "title": "First talk",
        "location": "Analytical Street 1",
        "invitee_name": "Ivy <Invitee> & Co",
        "invitee_email": "ivy@example.com",
        "invitee_time_zone": "America/New_York",
        "invitee_notes": "Two lines,\n<b>not</b> bold",
        "answers": {"topic": "Tax & law", "how": "Video"},
        "manage_token_hash": hash_of(manage_token(Booking(pk=BOOKING))),
    }
    return BookingFactory(**fields | changes)


def mail_of(
    booking: Booking, kind: str, recipient: str, *, now: datetime | None = None
) -> EmailMessage:
    """The mail, read as a mail program would. It is made an hour before the booking begins."""
    mail = BookingMail(
        pk=MAIL,
        booking=Booking.objects.get(pk=booking.pk),
        kind=kind,
        recipient=recipient,
        created_at=NOW,
    )
    message = message_for(mail, now=now or booking.start_time - timedelta(hours=1))
    return message_from_bytes(message.message().as_bytes(), policy=modern)


def sample(kind: str, recipient: str) -> EmailMessage:
    return mail_of(booked(**HAPPENED[kind, recipient]), kind, recipient)


def part_of(mail: EmailMessage, content_type: str) -> str:
    """The one part of this type; empty where there is none."""
    for part in mail.walk():
        if part.get_content_type() == content_type:
            content = part.get_content()
            return content if isinstance(content, str) else content.decode()
    return ""


def shown(mail: EmailMessage) -> str:
    """Headers, text and invitation, as text that can be compared."""
    skipped = {"content-type", "content-transfer-encoding", "mime-version"}
    headers = [f"{name}: {value}" for name, value in mail.items() if name.lower() not in skipped]
    parts = ["\n".join(headers), part_of(mail, "text/plain"), part_of(mail, "text/calendar")]
    return "\n\n".join(part.replace("\r\n", "\n").strip() for part in parts if part) + "\n"
