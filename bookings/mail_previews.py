"""Every kind of mail as a sample in the consultant's own settings; the booking was never made."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from uuid import UUID

from availability.models import MeetingType
from bookings.booking_mails import BookingMail, MailKind, MailRecipient
from bookings.emails import letter_of
from bookings.emails.letters import Letter
from bookings.models import Booking
from bookings.states import ChangedBy, EventState
from connections.models import Consultant

INVITEE, CONSULTANT = MailRecipient.INVITEE, MailRecipient.CONSULTANT
NEVER_MADE = UUID(int=0)
CALL = "https://meet.example.com/abc-defg-hij"
DAY = timedelta(days=1)

# What has happened to the booking, by the mail that tells of it.
SAMPLES: dict[tuple[MailKind, MailRecipient], dict] = {
    (MailKind.CONFIRMATION, INVITEE): {},
    (MailKind.CONSULTANT_NOTICE, CONSULTANT): {},
    (MailKind.REQUEST, INVITEE): {"status": "pending"},
    (MailKind.APPROVAL, CONSULTANT): {"status": "pending"},
    (MailKind.REFUSAL, INVITEE): {
        "status": "cancelled",
        "changed_by": ChangedBy.CONSULTANT,
        "cancellation_reason": "I am away that week.",
    },
    (MailKind.WITHDRAWAL, CONSULTANT): {"status": "cancelled", "changed_by": ChangedBy.INVITEE},
    (MailKind.CHANGE, INVITEE): {"sequence": 1, "changed_by": ChangedBy.CONSULTANT},
    (MailKind.CHANGE, CONSULTANT): {"sequence": 1, "changed_by": ChangedBy.INVITEE},
    (MailKind.CANCELLATION, INVITEE): {
        "status": "cancelled",
        "sequence": 1,
        "changed_by": ChangedBy.CONSULTANT,
        "cancellation_reason": "I am ill. Please book another time.",
    },
    (MailKind.CANCELLATION, CONSULTANT): {
        "status": "cancelled",
        "sequence": 1,
        "changed_by": ChangedBy.CALENDAR,
    },
    (MailKind.REMINDER, INVITEE): {},
    (MailKind.CONFERENCE, INVITEE): {"conference_url": CALL},
    (MailKind.CALENDAR_TROUBLE, CONSULTANT): {
        "event_state": EventState.FAILED,
        "event_error": "This account may not write to the calendar.",
    },
    (MailKind.CONFLICT, CONSULTANT): {},
}


@dataclass(frozen=True, slots=True)
class MailName:
    """A mail to choose from the list."""

    kind: MailKind
    recipient: MailRecipient

    def __str__(self) -> str:
        reader = "you" if self.recipient == CONSULTANT else "the invitee"
        return f"To {reader}: {self.kind.label}"


def mail_names() -> list[MailName]:
    return [MailName(kind, recipient) for kind, recipient in SAMPLES]


def preview(
    consultant: Consultant, kind: MailKind, recipient: MailRecipient, *, now: datetime
) -> Letter:
    """Raises ``KeyError`` where there is no such mail."""
    booking = _booking(consultant, now=now, **SAMPLES[kind, recipient])
    mail = BookingMail(booking=booking, kind=kind, recipient=recipient, created_at=now)
    return letter_of(mail, now=booking.start_time - DAY)


def _booking(consultant: Consultant, *, now: datetime, **happened) -> Booking:
    """In two days, of the consultant's first meeting type, by somebody in another zone."""
    types = MeetingType.objects.filter(user=consultant, is_active=True)
    meeting_type = types.order_by("created_at").first() or MeetingType(title="First talk")
    day = now.astimezone(consultant.zone).date() + 2 * DAY
    start = datetime.combine(day, time(10), consultant.zone)
    minutes = meeting_type.duration or consultant.booking_settings.duration
    fields = {
        "meeting_type": meeting_type,
        "title": meeting_type.title,
        "location": meeting_type.location,
        "has_conference": meeting_type.has_conference,
        "conference_url": CALL if meeting_type.has_conference and consultant.has_calls else "",
        "moved_from": start - DAY,
    }
    return Booking(
        pk=NEVER_MADE,
        user=consultant,
        start_time=start,
        end_time=start + timedelta(minutes=minutes),
        invitee_name="Maria Example",
        invitee_email="maria@example.com",
        invitee_time_zone=_other_zone(consultant),
        invitee_notes="I am looking forward to it.",
        answers={asked["name"]: "An answer" for asked in meeting_type.questions},
        updated_at=now,
        event_due_at=None,
        **fields | happened,
    )


def _other_zone(consultant: Consultant) -> str:
    return "Europe/London" if consultant.zone.key == "America/New_York" else "America/New_York"
