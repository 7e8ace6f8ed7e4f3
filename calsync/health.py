"""Whether this process answers, and whether the whole of calsync works."""

from collections.abc import Callable
from datetime import timedelta

from django.core.cache import cache
from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache

from calsync.sweeper import LAST_SWEEP

WORKER_SILENT_AFTER = timedelta(minutes=3)


class Health:
    """Answers /healthz and /readyz before anything else looks at a request.

    A probe comes from the machine itself: neither by https nor under the public host name.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return PROBES.get(request.path_info, self.get_response)(request)


@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """200 while this web process answers at all."""
    return HttpResponse("ok", content_type="text/plain")


@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when the database answers and the worker has swept lately; else 503, saying which not."""
    try:
        states = {"database": "ok", "worker": "ok" if _worker_sweeps() else "silent"}
    except OperationalError:
        states = {"database": "does not answer", "worker": "unknown"}
    return JsonResponse(states, status=200 if set(states.values()) == {"ok"} else 503)


def _worker_sweeps() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    last_sweep = cache.get(LAST_SWEEP)
    return last_sweep is not None and timezone.now() - last_sweep < WORKER_SILENT_AFTER


PROBES = {"/healthz": healthz, "/readyz": readyz}
