"""The HTTP API for websites that build their own booking form."""

import logging
from typing import Any

from django.db import OperationalError
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.exceptions import APIException, NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.views import exception_handler as answer_to

from availability.slots import SlotQueryRefused, freshness, offered_days
from bookings import lifecycle, refusals
from bookings.models import Booking
from bookings.serializers import (
    BookingRequestSerializer,
    BookingSerializer,
    ErrorSerializer,
    SlotsQuerySerializer,
    SlotsSerializer,
)
from bookings.throttles import THROTTLES
from bookings.tokens import booking_by_token

logger = logging.getLogger(__name__)

RETRY_SECONDS = 30  # until an unreadable calendar is worth another look
LONGEST_KEY = 255  # characters


class SlotTaken(APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "slot_taken"


class CalendarUnverified(APIException):
    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "calendar_unverified"
    wait = RETRY_SECONDS  # sent as Retry-After


class Unavailable(APIException):
    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "unavailable"
    default_detail = "The service is out of order for the moment. Please try again in a minute."
    wait = RETRY_SECONDS


class KeyReused(APIException):
    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_code = "idempotency_key_reused"


REFUSALS = {
    refusals.SlotTaken: SlotTaken,
    refusals.CalendarUnverified: CalendarUnverified,
    refusals.KeyReused: KeyReused,
}


def answer_error(error: Exception, context: dict[str, Any]) -> Response | None:
    """Every refusal as ``{code, detail, fields?}``; a bug is left to Django."""
    if isinstance(error, refusals.BookingRefused):
        error = REFUSALS[type(error)](str(error))
    elif isinstance(error, OperationalError):
        logger.error("The database does not answer", exc_info=error)
        error = Unavailable()
    response = answer_to(error, context)
    if response is None:
        return None
    if isinstance(error, ValidationError):
        response.data = {
            "code": "invalid",
            "detail": "Some of what was sent cannot be used.",
            "fields": response.data,
        }
    else:
        detail = response.data["detail"]
        response.data = {"code": detail.code, "detail": detail}
    return response


def errors(*codes: int) -> dict[int, type[ErrorSerializer]]:
    return dict.fromkeys(codes, ErrorSerializer)


class SlotsView(APIView):
    @extend_schema(
        operation_id="slots_list",
        parameters=[SlotsQuerySerializer],
        responses={200: SlotsSerializer} | errors(400, 404),
    )
    def get(self, request: Request) -> Response:
        """What can be booked, and how fresh the calendars behind it are."""
        query = SlotsQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        return Response(SlotsSerializer(_slots(query.validated_data)).data)


class BookingsView(APIView):
    throttle_classes = THROTTLES

    @extend_schema(
        operation_id="bookings_create",
        parameters=[
            OpenApiParameter(
                "Idempotency-Key",
                location=OpenApiParameter.HEADER,
                description="Sent again with the same key, a request books once.",
            )
        ],
        request=BookingRequestSerializer,
        responses={201: BookingSerializer} | errors(400, 404, 409, 422, 429, 503),
    )
    def post(self, request: Request) -> Response:
        """Book a slot."""
        given = BookingRequestSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        wish = given.booking_request(idempotency_key=_idempotency_key(request))
        booking = lifecycle.book(wish, now=timezone.now())
        return Response(BookingSerializer(booking).data, status=status.HTTP_201_CREATED)


class BookingView(APIView):
    @extend_schema(
        operation_id="bookings_retrieve", responses={200: BookingSerializer} | errors(404)
    )
    def get(self, request: Request, token: str) -> Response:
        """The booking that this token opens."""
        try:
            return Response(BookingSerializer(booking_by_token(token)).data)
        except Booking.DoesNotExist:
            raise NotFound("There is no such booking.") from None


def _slots(query: dict[str, Any]) -> dict[str, Any]:
    """By days, because that question has no limit of rows."""
    consultant, meeting_type = query["consultant"], query["meeting_type"]
    zone = query.get("timezone") or consultant.zone.key
    try:
        days = offered_days(
            start=query["start"],
            days=query["days"],
            consultant_id=consultant.pk,
            meeting_type=meeting_type.slug if meeting_type else None,
            duration=query.get("duration"),
            time_zone=zone,
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


def _idempotency_key(request: Request) -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is not None and not (0 < len(key) <= LONGEST_KEY and key.isprintable()):
        raise ValidationError(
            {"Idempotency-Key": [f"Send 1 to {LONGEST_KEY} printable characters."]}
        )
    return key
