"""``/api/v1/holds/``: a slot is kept while its invitee fills in the form."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from bookings import holds
from bookings.api.answers import HoldSerializer
from bookings.api.errors import errors
from bookings.api.keys import IDEMPOTENCY_KEY, idempotency_key
from bookings.api.uncached import UncachedView
from bookings.serializers import HoldRequestSerializer
from bookings.throttles import HoldThrottle


class HoldsView(UncachedView):
    throttle_classes = [HoldThrottle]

    @extend_schema(
        operation_id="holds_create",
        parameters=[IDEMPOTENCY_KEY],
        request=HoldRequestSerializer,
        responses={201: HoldSerializer} | errors(400, 404, 409, 413, 415, 422, 429, 503),
    )
    def post(self, request: Request) -> Response:
        """Keep a slot for some minutes. Whoever has the `hold` sees it as free, and books it."""
        given = HoldRequestSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        hold = holds.hold(
            given.slot_request(),
            holder=given.holder(address=HoldThrottle().get_cache_key(request, self)),
            idempotency_key=idempotency_key(request),
            now=timezone.now(),
        )
        return Response(HoldSerializer(hold).data, status=status.HTTP_201_CREATED)


class HoldView(UncachedView):
    @extend_schema(operation_id="holds_destroy", responses={204: None} | errors(503))
    def delete(self, request: Request, hold: str) -> Response:
        """Give the slot back. A hold that has gone already is no error."""
        holds.release(hold, now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)
