"""``/api/v1/bookings/``: a booking is made, shown, cancelled and moved by its invitee."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from bookings import changes, lifecycle
from bookings.api.answers import BookingSerializer
from bookings.api.errors import errors
from bookings.api.keys import IDEMPOTENCY_KEY, idempotency_key
from bookings.api.uncached import UncachedView
from bookings.models import Booking
from bookings.serializers import (
    BookingRequestSerializer,
    CancellationSerializer,
    MoveSerializer,
)
from bookings.states import ChangedBy
from bookings.throttles import THROTTLES, AddressThrottle, require_quiet_mailbox
from bookings.tokens import booking_by_token


class BookingsView(UncachedView):
    throttle_classes = THROTTLES

    @extend_schema(
        operation_id="bookings_create",
        parameters=[IDEMPOTENCY_KEY],
        request=BookingRequestSerializer,
        responses={201: BookingSerializer} | errors(400, 404, 409, 413, 415, 422, 429, 503),
    )
    def post(self, request: Request) -> Response:
        """Book a slot."""
        given = BookingRequestSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        wish = given.booking_request(idempotency_key=idempotency_key(request))
        booking = lifecycle.book(wish, now=timezone.now())
        return Response(BookingSerializer(booking).data, status=status.HTTP_201_CREATED)


class BookingView(UncachedView):
    @extend_schema(
        operation_id="bookings_retrieve", responses={200: BookingSerializer} | errors(404, 503)
    )
    def get(self, request: Request, token: str) -> Response:
        """The booking that this token opens."""
        return Response(BookingSerializer(_booking(token)).data)


class CancelView(UncachedView):
    throttle_classes = [AddressThrottle]

    @extend_schema(
        operation_id="bookings_cancel",
        request=CancellationSerializer,
        responses={200: BookingSerializer} | errors(400, 404, 409, 413, 415, 429, 503),
    )
    def post(self, request: Request, token: str) -> Response:
        """Cancel the booking. To ask twice is no error."""
        booking = _booking(token)
        given = CancellationSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        reason = given.validated_data["reason"]
        changes.cancel(booking, by=ChangedBy.INVITEE, reason=reason, now=timezone.now())
        return Response(BookingSerializer(booking).data)


class RescheduleView(UncachedView):
    throttle_classes = [AddressThrottle]

    @extend_schema(
        operation_id="bookings_reschedule",
        request=MoveSerializer,
        responses={200: BookingSerializer} | errors(400, 404, 409, 413, 415, 429, 503),
    )
    def post(self, request: Request, token: str) -> Response:
        """Move the booking to another slot; its own time is not in the way. It keeps its length.

        To ask twice is no error.
        """
        booking = _booking(token)
        given = MoveSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        require_quiet_mailbox(booking.invitee_email)
        changes.reschedule(
            booking,
            starts_at=given.validated_data["start"],
            by=ChangedBy.INVITEE,
            now=timezone.now(),
        )
        return Response(BookingSerializer(booking).data)


def _booking(token: str) -> Booking:
    """Raises ``NotFound``."""
    try:
        return booking_by_token(token)
    except Booking.DoesNotExist:
        raise NotFound("There is no such booking.") from None
