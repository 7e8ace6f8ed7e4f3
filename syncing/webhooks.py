"""Where providers call when something has changed. Answered from the database alone.

Nothing is synced here: rows become due, and the worker takes them up within a second.
"""

from typing import ClassVar

from django.http import HttpResponse
from django.utils import timezone
from rest_framework import status
from rest_framework.exceptions import APIException, NotFound, ParseError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.views import APIView

from connections.providers.base import Notification, NotificationUnreadable
from connections.push import PUSH, Push
from syncing.notifications import accept

LARGEST_BODY = 256 * 1024  # bytes; a batch of some hundred notifications


class NotificationTooLarge(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"
    default_detail = "The notification is too large."


class OneAnswerForAll(BaseContentNegotiation):
    """Providers say that they accept all sorts of things, and read none of them."""

    def select_renderer(self, request: Request, renderers: list, format_suffix=None) -> tuple:
        return renderers[0], renderers[0].media_type


class WebhookView(APIView):
    """2xx: taken. 404: no watch of ours, or somebody else's words. 5xx: call again.

    Who repeats what is refused hears 202 in place of 404.
    """

    authentication_classes: ClassVar[list] = []
    permission_classes: ClassVar[list] = []
    content_negotiation_class = OneAnswerForAll
    schema = None  # not for people

    def post(self, request: Request, provider: str) -> HttpResponse:
        push = PUSH[provider]
        try:
            if answer := push.handshake and push.handshake(request.query_params):
                return HttpResponse(answer, content_type="text/plain; charset=utf-8")
            notifications = _read(push, request)
        except NotificationUnreadable:
            raise ParseError("This is no notification.") from None
        is_ours = accept(provider, notifications, now=timezone.now())
        if not is_ours and not push.repeats_what_is_refused:
            raise NotFound("There is no such watch.")
        return HttpResponse(status=status.HTTP_202_ACCEPTED)


def _read(push: Push, request: Request) -> list[Notification]:
    body = request.read(LARGEST_BODY + 1)
    if len(body) > LARGEST_BODY:
        raise NotificationTooLarge
    return push.read(request.headers, body)
