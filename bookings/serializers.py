"""What the API takes, and how much of it."""

from datetime import datetime
from uuid import UUID

from django.db.models import Q
from rest_framework import serializers
from rest_framework.exceptions import NotFound

from availability.models import MeetingType
from availability.zones import known_zones
from bookings.lifecycle import BookingRequest
from bookings.slot_requests import SlotRequest
from connections.models import Consultant

LONGEST_ANSWER = 2000  # characters
LONGEST_REASON = 1000
LONGEST_TOKEN = 100
YEARS = range(2000, 2200)  # outside of which no time zone database says anything useful


class InstantField(serializers.DateTimeField):
    """An instant in ISO 8601 with its offset from UTC: a bare wall clock time names no instant."""

    default_error_messages = {
        "offset": "Give the offset from UTC, e.g. 2027-03-01T10:00:00+01:00.",
        "year": "This is not a year anything can be booked in.",
    }

    def enforce_timezone(self, value: datetime) -> datetime:
        if value.tzinfo is None:
            self.fail("offset")
        if value.year not in YEARS:
            self.fail("year")
        return value


class TimeZoneField(serializers.CharField):
    """An IANA time zone, e.g. Europe/Berlin."""

    default_error_messages = {"zone": "Not an IANA time zone such as Europe/Berlin."}

    def __init__(self, **options) -> None:
        super().__init__(max_length=100, **options)

    def to_internal_value(self, data) -> str:
        name = super().to_internal_value(data)
        if name not in known_zones():
            self.fail("zone")
        return name


class SubjectSerializer(serializers.Serializer):
    """Whose time, and what for."""

    consultant = serializers.CharField(
        max_length=100,
        required=False,
        help_text="Slug or id; may be left out if there is one only.",
    )
    meeting_type = serializers.CharField(max_length=100, required=False, help_text="Slug.")
    duration = serializers.IntegerField(
        min_value=5, max_value=1440, required=False, help_text="Minutes."
    )

    def validate(self, given: dict) -> dict:
        """Puts the rows in the place of their names. Raises ``NotFound``."""
        consultant = find_consultant(given.get("consultant"))
        meeting_type = find_meeting_type(consultant, given.get("meeting_type"))
        return given | {"consultant": consultant, "meeting_type": meeting_type}


class SlotsQuerySerializer(SubjectSerializer):
    start = serializers.DateField(help_text="The first date, in `timezone`.")
    days = serializers.IntegerField(min_value=1, max_value=92, default=1)
    timezone = TimeZoneField(required=False, help_text="Left out: the consultant's.")
    hold = serializers.CharField(
        max_length=LONGEST_TOKEN,
        required=False,
        help_text="Shows the slot that this hold keeps as free.",
    )


class HoldRequestSerializer(SubjectSerializer):
    start = InstantField()
    client = serializers.CharField(
        max_length=200,
        required=False,
        help_text="What the website tells its visitors apart by, e.g. a random id of the browser "
        "tab. Left out: the network address. Nobody may hold many slots at once.",
    )

    def slot_request(self) -> SlotRequest:
        given = self.validated_data
        return SlotRequest(
            consultant=given["consultant"],
            meeting_type=given["meeting_type"],
            starts_at=given["start"],
            duration=given.get("duration"),
        )

    def holder(self, *, address: str) -> str:
        """Whose hold it is; a client cannot call itself what another one's address is."""
        client = self.validated_data.get("client")
        return f"client {client}" if client else f"address {address}"


class BookingRequestSerializer(SubjectSerializer):
    start = InstantField()
    hold = serializers.CharField(
        max_length=LONGEST_TOKEN, required=False, help_text="The hold that keeps the slot."
    )
    name = serializers.CharField(max_length=200)
    email = serializers.EmailField(max_length=254)
    timezone = TimeZoneField(help_text="The invitee's.")
    notes = serializers.CharField(max_length=2000, required=False, allow_blank=True, default="")
    answers = serializers.DictField(
        child=serializers.CharField(max_length=LONGEST_ANSWER, allow_blank=True),
        default=dict,
        help_text="The meeting type's questions, by name.",
    )
    website = serializers.CharField(
        required=False,
        allow_blank=True,
        help_text="What a field of the form says that people do not see: only bots fill it in.",
    )

    def validate_website(self, filled_in: str) -> str:
        if filled_in:
            raise serializers.ValidationError("Leave this empty.", code="automated")
        return ""

    def validate(self, given: dict) -> dict:
        found = super().validate(given)
        questions = found["meeting_type"].questions if found["meeting_type"] else []
        return found | {"answers": checked_answers(questions, found["answers"])}

    def booking_request(self, *, idempotency_key: str | None) -> BookingRequest:
        given = self.validated_data
        return BookingRequest(
            consultant=given["consultant"],
            meeting_type=given["meeting_type"],
            starts_at=given["start"],
            duration=given.get("duration"),
            name=given["name"],
            email=given["email"],
            time_zone=given["timezone"],
            notes=given["notes"],
            answers=given["answers"],
            hold=given.get("hold"),
            idempotency_key=idempotency_key,
        )


class CancellationSerializer(serializers.Serializer):
    reason = serializers.CharField(
        max_length=LONGEST_REASON,
        required=False,
        allow_blank=True,
        default="",
        help_text="The consultant reads it.",
    )


class MoveSerializer(serializers.Serializer):
    start = InstantField(help_text="A start that is offered.")


def find_consultant(reference: str | None) -> Consultant:
    """By slug or id; without one the primary or only consultant. Raises ``NotFound``."""
    bookable = Consultant.objects.filter(is_active=True).select_related("booking_settings")
    if reference:
        named = Q(pk=reference) if _is_uuid(reference) else Q(slug=reference)
        found = list(bookable.filter(named))
    else:
        found = list(bookable.filter(is_primary=True)) or list(bookable[:2])
    if len(found) != 1:
        raise NotFound("There is no such consultant." if reference else "Say which consultant.")
    return found[0]


def find_meeting_type(consultant: Consultant, slug: str | None) -> MeetingType | None:
    """Raises ``NotFound``."""
    if slug is None:
        return None
    meeting_type = MeetingType.objects.filter(user=consultant, slug=slug, is_active=True).first()
    if meeting_type is None:
        raise NotFound("There is no such meeting type.")
    return meeting_type


def checked_answers(questions: list[dict], answers: dict[str, str]) -> dict[str, str]:
    """The answers that say anything. Raises ``ValidationError``, answer by answer."""
    asked = {question["name"]: question for question in questions}
    wrong = {name: "This is not asked." for name in answers if name not in asked}
    for name, question in asked.items():
        if problem := _problem(question, answers.get(name, "")):
            wrong[name] = problem
    if wrong:
        raise serializers.ValidationError({"answers": wrong})
    return {name: answers[name] for name in asked if answers.get(name)}


def _problem(question: dict, answer: str) -> str:
    if not answer:
        return "This question needs an answer." if question.get("required") else ""
    if question.get("type") == "select" and answer not in question["options"]:
        return "This is not one of the answers to choose from."
    return ""


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
