"""What the mails say, word for word: golden files, with three different zones at work."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern
from pathlib import Path
from uuid import UUID

import pytest
from django.test import override_settings

from bookings.emails import message_for
from bookings.models import Booking, BookingMail
from bookings.tokens import hash_of, manage_token
from tests.factories import BookingFactory, ConsultantFactory, MeetingTypeFactory

pytestmark = pytest.mark.django_db

GOLDEN = Path(__file__).parent.parent / "data" / "mails"
BOOKING = UUID("6e1f9a52-0d6c-4a3e-9f0b-0c5f4a7d2b11")
MAIL = UUID("0b6f6d0e-6a52-4d0a-8a54-6a8f4a1c9d77")
QUESTIONS = [
    {"name": "topic", "label": "What is it about?", "type": "textarea", "required": True},
    {"name": "how", "label": "How shall we meet?", "type": "select", "options": ["Phone", "Video"]},
]


@pytest.fixture(autouse=True)
def _same_links_every_time():
    with override_settings(SECRET_KEY="a key for golden files", SECRET_KEY_FALLBACKS=[]):
        yield


def booked(**changes) -> Booking:
    """The server is in UTC, the consultant in Kathmandu, the invitee in New York."""
    consultant = ConsultantFactory(
        name="Ada Lovelace", email="ada@example.com", settings__time_zone="Asia/Kathmandu"
    )
    fields = {
        "pk": BOOKING,
        "user": consultant,
        "meeting_type": MeetingTypeFactory(user=consultant, questions=QUESTIONS),
        "title": "First talk",
        "location": "https://meet.example.com/ada",
        "invitee_name": "Ivy <Invitee> & Co",
        "invitee_email": "ivy@example.com",
        "invitee_time_zone": "America/New_York",
        "invitee_notes": "Two lines,\n<b>not</b> bold",
        "answers": {"topic": "Tax & law", "how": "Video"},
        "created_at": datetime(2027, 2, 26, 12, tzinfo=UTC),
    }
    booking = Booking(pk=BOOKING)
    return BookingFactory(
        **fields | {"manage_token_hash": hash_of(manage_token(booking))} | changes
    )


def mail_of(booking: Booking, kind: str, recipient: str) -> EmailMessage:
    """The mail as it goes over the wire, read as a mail program would."""
    mail = BookingMail(
        pk=MAIL,
        booking=Booking.objects.get(pk=booking.pk),
        kind=kind,
        recipient=recipient,
        created_at=datetime(2027, 2, 26, 12, tzinfo=UTC),
    )
    return message_from_bytes(message_for(mail).message().as_bytes(), policy=modern)


def confirmation(booking: Booking) -> EmailMessage:
    return mail_of(booking, "confirmation", "invitee")


def notice(booking: Booking) -> EmailMessage:
    return mail_of(booking, "consultant_notice", "consultant")


def shown(mail: EmailMessage) -> str:
    """Headers and parts, as text that can be compared."""
    skipped = {"content-type", "content-transfer-encoding", "mime-version"}
    pieces = [f"{name}: {value}" for name, value in mail.items() if name.lower() not in skipped]
    for part in mail.walk():
        if not part.is_multipart():
            filename = part.get_filename() or ""
            parameters = " ".join(f"{k}={v}" for k, v in part["Content-Type"].params.items())
            pieces.append(f"\n--- {part.get_content_type()} {parameters} {filename}".rstrip())
            content = part.get_content()
            text = content if isinstance(content, str) else content.decode()
            pieces.append(text.replace("\r\n", "\n").strip())
    return "\n".join(pieces) + "\n"


@pytest.mark.parametrize("compose", [confirmation, notice], ids=lambda f: f.__name__)
def test_a_mail_reads_as_agreed(compose):
    golden = GOLDEN / f"{compose.__name__}.txt"
    assert shown(compose(booked())) == golden.read_text()


def test_the_bare_minimum_leaves_no_gaps():
    booking = booked(
        meeting_type=None,
        title="",
        location="",
        invitee_name="",
        invitee_notes="",
        answers={},
        invitee_time_zone="Asia/Kathmandu",
    )
    text = shown(confirmation(booking)) + "\n" + shown(notice(booking))
    assert text == (GOLDEN / "bare_minimum.txt").read_text()


def test_line_breaks_cannot_add_headers():
    hostile = "x\r\nBcc: all@example.com\n\nBody"
    booking = booked(title=hostile, invitee_name=hostile, location=hostile)
    booking.user.name = hostile
    booking.user.save()
    for mail in (confirmation(booking), notice(booking)):
        assert mail["Bcc"] is None
        assert "x Bcc: all@example.com Body" in mail["Subject"]


def test_what_a_stranger_typed_does_not_reach_the_address_they_gave():
    """Else anybody could send anything to anyone through us."""
    text = shown(confirmation(booked()))
    assert [word for word in ("Ivy", "Tax", "Two lines", "bold") if word in text] == []


def test_mail_programs_find_the_invitation_beside_the_text_and_as_a_file():
    mail = confirmation(booked())
    alternatives, file = mail.iter_parts()
    assert (mail.get_content_type(), alternatives.get_content_type()) == (
        "multipart/mixed",
        "multipart/alternative",
    )
    assert [part.get_content_type() for part in alternatives.iter_parts()] == [
        "text/plain",
        "text/html",
        "text/calendar",
    ]
    assert (file.get_content_disposition(), file.get_filename()) == ("attachment", "invite.ics")


def test_a_zone_that_nobody_knows_falls_back_to_the_consultants():
    """The website inserts rows of its own."""
    assert "15:45–16:15, Asia/Kathmandu" in shown(confirmation(booked(invitee_time_zone="Mars/1")))


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("2027-03-14T06:45Z", "01:45 (UTC−05:00) – 03:15 (UTC−04:00), America/New York"),
        ("2027-11-07T05:45Z", "01:45 (UTC−04:00) – 01:15 (UTC−05:00), America/New York"),
    ],
)
def test_a_meeting_over_a_clock_change_shows_what_the_clocks_show(start, expected):
    instant = datetime.fromisoformat(start)
    assert expected in shown(confirmation(booked(start_time=instant)))


def test_a_meeting_over_midnight_names_both_days():
    booking = booked(start_time=datetime(2027, 3, 2, 4, 45, tzinfo=UTC))
    expected = "Monday 1 March 2027, 23:45 – Tuesday 2 March 2027, 00:15, America/New York"
    assert expected in shown(confirmation(booking))
