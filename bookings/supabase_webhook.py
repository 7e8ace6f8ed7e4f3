"""Where Supabase calls when a row of ``bookings`` was written, by the website too.

The call only makes haste: what is due is read from the rows, never from the call, and the sweeper
would find it without one. The call is as Supabase's database webhooks make it
(https://supabase.com/docs/guides/database/webhooks): ``{type, table, schema, record, old_record}``,
and a header that its settings add.
"""

import json
import logging
from secrets import compare_digest

from django.conf import settings
from django.core.cache import cache
from django_q.tasks import async_task
from rest_framework import status
from rest_framework.exceptions import AuthenticationFailed, NotFound, ParseError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bookings.parsers import BodyTooLarge
from syncing.webhooks import OneAnswerForAll

logger = logging.getLogger(__name__)

LARGEST_BODY = 256 * 1024  # bytes; a row, and the row it was
TABLE = ("public", "bookings")
CALLED, ONE_CALL_SECONDS = "bookings:called", 1


class SupabaseWebhookView(APIView):
    """202: taken. 200: a table that nothing is owed for. 401: not the secret."""

    content_negotiation_class = OneAnswerForAll
    schema = None  # not for people

    def get_authenticate_header(self, request: Request) -> str:
        return "Bearer"

    def post(self, request: Request) -> Response:
        _require_secret(request)
        if _table_of(_read(request)) != TABLE:
            return Response({"detail": "Nothing follows from this table."})
        if cache.add(CALLED, True, timeout=ONE_CALL_SECONDS):  # a thousand rows are one look
            async_task("bookings.tasks.make_haste")
        return Response({"detail": "Taken."}, status=status.HTTP_202_ACCEPTED)


def _require_secret(request: Request) -> None:
    """Raises ``NotFound`` where there is no secret to be told, ``AuthenticationFailed``."""
    if not settings.SUPABASE_WEBHOOK_SECRET:
        logger.error("Supabase called a webhook, but SUPABASE_WEBHOOK_SECRET is not set.")
        raise NotFound("SUPABASE_WEBHOOK_SECRET is not set.")
    told = request.headers.get("x-webhook-secret")
    told = told or request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not compare_digest(told.encode("latin-1"), settings.SUPABASE_WEBHOOK_SECRET.encode()):
        logger.warning("A call of the Supabase webhook had not the right secret.")
        raise AuthenticationFailed("This is not the secret.")


def _read(request: Request) -> object:
    body = request.read(LARGEST_BODY + 1)
    if len(body) > LARGEST_BODY:
        raise BodyTooLarge
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise ParseError("This is no JSON.") from None


def _table_of(call: object) -> tuple[str, str]:
    """Raises ``ParseError``."""
    names = (call.get("schema"), call.get("table")) if isinstance(call, dict) else ()
    if not names or not all(isinstance(name, str) for name in names):
        raise ParseError("This is no call of a database webhook.")
    return names
