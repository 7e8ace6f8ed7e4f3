"""Every refusal of the API, in one shape: ``{code, detail, fields?}``."""

import logging
from typing import Any

from django.db import OperationalError
from rest_framework import status
from rest_framework.exceptions import APIException, NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.views import exception_handler as answer_to

from bookings import refusals
from bookings.api.answers import ErrorSerializer

logger = logging.getLogger(__name__)

REFUSALS = {
    refusals.SlotTaken: (status.HTTP_409_CONFLICT, "slot_taken"),
    refusals.HoldUnknown: (status.HTTP_409_CONFLICT, "hold_unknown"),
    refusals.TooManyBookings: (status.HTTP_409_CONFLICT, "too_many_bookings"),
    refusals.TooLate: (status.HTTP_409_CONFLICT, "too_late"),
    refusals.NotChangeable: (status.HTTP_409_CONFLICT, "not_changeable"),
    refusals.KeyReused: (status.HTTP_422_UNPROCESSABLE_ENTITY, "idempotency_key_reused"),
    refusals.TooManyHolds: (status.HTTP_429_TOO_MANY_REQUESTS, "too_many_holds"),
    refusals.CalendarUnverified: (status.HTTP_503_SERVICE_UNAVAILABLE, "calendar_unverified"),
}


class Refused(APIException):
    """What the domain refused; ``wait``, in seconds, is sent as Retry-After."""

    def __init__(self, refusal: refusals.BookingRefused) -> None:
        self.status_code, code = REFUSALS[type(refusal)]
        super().__init__(str(refusal), code)
        if isinstance(refusal, refusals.TooManyHolds):
            self.wait = refusal.wait
        elif isinstance(refusal, refusals.CalendarUnverified):
            self.wait = refusals.RETRY_SECONDS


class Unavailable(APIException):
    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "unavailable"
    default_detail = "The service is out of order for the moment. Please try again in a minute."
    wait = refusals.RETRY_SECONDS


class UnknownAddress(APIView):
    """Whatever else is asked for below ``/api/``."""

    schema = None

    def initial(self, request: Request, *args, **kwargs) -> None:
        raise NotFound("There is nothing at this address. Addresses end with a slash.")


def answer_error(error: Exception, context: dict[str, Any]) -> Response | None:
    """The answer to a refusal; a bug is left to Django."""
    if isinstance(error, refusals.BookingRefused):
        error = Refused(error)
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
    """For the API's description: what else a view may answer."""
    return dict.fromkeys(codes, ErrorSerializer)
