"""On the consultant's desk, times are shown and read in the consultant's time zone."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone


class DeskTimeZone:
    """Activates the signed-in consultant's zone under ``/admin/``.

    Elsewhere nobody's session is looked at, and every answer can be cached for all.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        is_desk = request.path.startswith(reverse("admin:index"))
        if not (is_desk and request.user.is_authenticated):
            return self.get_response(request)
        with timezone.override(request.user.zone):
            return self.get_response(request)
