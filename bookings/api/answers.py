"""What the API answers."""

from datetime import datetime

from rest_framework import serializers

from availability.slots import Slot
from bookings.models import Booking
from bookings.states import BookingStatus, EventState
from bookings.tokens import ics_url, manage_url


class SlotSerializer(serializers.Serializer):
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()

    def to_representation(self, slot: Slot) -> dict[str, datetime]:
        """As the fields would, at a tenth of the cost: the JSON encoder writes UTC the same way."""
        return {"start": slot.start, "end": slot.end}


class SlotsSerializer(serializers.Serializer):
    """Free slots, and how fresh the calendars behind them are."""

    slots = SlotSerializer(many=True)
    timezone = serializers.CharField()
    data_as_of = serializers.DateTimeField(allow_null=True)
    covered_until = serializers.DateTimeField(allow_null=True)
    state = serializers.ChoiceField(choices=["fresh", "stale", "closed"])


class HoldSerializer(serializers.Serializer):
    """The key of a hold, and until when it keeps which slot."""

    hold = serializers.CharField(source="token")
    expires_at = serializers.DateTimeField(source="booking.hold_expires_at")
    start = serializers.DateTimeField(source="booking.start_time")
    end = serializers.DateTimeField(source="booking.end_time")


class BookingSerializer(serializers.ModelSerializer):
    """A booking, as its invitee may know it. Who they are and what they wrote is left out."""

    status = serializers.ChoiceField(
        choices=BookingStatus.choices, help_text="pending: it waits for the consultant's approval."
    )
    start = serializers.DateTimeField(source="start_time")
    end = serializers.DateTimeField(source="end_time")
    meeting_type = serializers.CharField(source="meeting_type.slug", default=None, allow_null=True)
    conference_url = serializers.CharField(help_text="Empty: none, or not yet.")
    changeable_until = serializers.DateTimeField(
        help_text="Until then its invitee may cancel or move it."
    )
    moved_from = serializers.DateTimeField(
        allow_null=True, help_text="The start before the last move."
    )
    sequence = serializers.IntegerField(
        help_text="One more with every change (RFC 5545, SEQUENCE)."
    )
    manage_url = serializers.SerializerMethodField()
    ics_url = serializers.SerializerMethodField()
    calendar_event = serializers.ChoiceField(source="event_state", choices=EventState.choices)

    class Meta:
        model = Booking
        fields = [
            "id",
            "status",
            "start",
            "end",
            "title",
            "meeting_type",
            "location",
            "conference_url",
            "changeable_until",
            "moved_from",
            "reschedule_count",
            "cancelled_at",
            "cancellation_reason",
            "sequence",
            "manage_url",
            "ics_url",
            "calendar_event",
        ]
        read_only_fields = fields

    def get_manage_url(self, booking: Booking) -> str:
        return manage_url(booking)

    def get_ics_url(self, booking: Booking) -> str:
        return ics_url(booking)


class ErrorSerializer(serializers.Serializer):
    """What every refusal looks like."""

    code = serializers.CharField()
    detail = serializers.CharField(help_text="For a person to read.")
    fields = serializers.DictField(required=False, help_text="What is wrong, field by field.")
