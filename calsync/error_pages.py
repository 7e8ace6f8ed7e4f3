"""What is answered when calsync has a bug: to developers, to people, and to programs.

The page for developers shows every setting, but no address, for many hold a password.
"""

import re

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import defaults
from django.views.debug import SafeExceptionReporterFilter


class AddressesHidden(SafeExceptionReporterFilter):
    hidden_settings = re.compile(
        SafeExceptionReporterFilter.hidden_settings.pattern + "|URL|DSN|LOCATION", re.IGNORECASE
    )


def server_error(request: HttpRequest) -> HttpResponse:
    """A page; to whoever asked the API, its kind of refusal."""
    if not request.path.startswith("/api/"):
        return defaults.server_error(request)
    detail = "Something went wrong on our side; it has been logged. Please try again in a minute."
    return JsonResponse({"code": "error", "detail": detail}, status=500)
