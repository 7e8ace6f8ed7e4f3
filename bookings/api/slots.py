"""``GET /api/v1/slots/``: what can be booked."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from availability.slots import SlotQueryRefused, freshness, offered_days
from bookings.api.answers import SlotsSerializer
from bookings.api.errors import errors
from bookings.api.uncached import UncachedView
from bookings.holds import held_booking
from bookings.serializers import SlotsQuerySerializer


class SlotsView(UncachedView):
    @extend_schema(
        operation_id="slots_list",
        parameters=[SlotsQuerySerializer],
        responses={200: SlotsSerializer} | errors(400, 404, 503),
    )
    def get(self, request: Request) -> Response:
        """What can be booked, and how fresh the calendars behind it are."""
        query = SlotsQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        return Response(SlotsSerializer(_slots(query.validated_data)).data)


def _slots(query: dict[str, Any]) -> dict[str, Any]:
    """By days, because that question has no limit of rows."""
    consultant, meeting_type = query["consultant"], query["meeting_type"]
    zone = query.get("timezone") or consultant.zone.key
    held = held_booking(query["hold"], now=timezone.now()) if "hold" in query else None
    try:
        days = offered_days(
            start=query["start"],
            days=query["days"],
            consultant_id=consultant.pk,
            meeting_type=meeting_type.slug if meeting_type else None,
            duration=query.get("duration"),
            time_zone=zone,
            ignored_booking=held and held.pk,
        )
    except SlotQueryRefused as refusal:
        raise ValidationError({"non_field_errors": [str(refusal)]}) from None
    known = freshness(consultant.pk)
    return {
        "slots": [slot for _, slots in days for slot in slots],
        "timezone": zone,
        "data_as_of": known.data_as_of,
        "covered_until": known.covered_until,
        "state": known.state,
    }
