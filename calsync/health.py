"""Whether this process answers, whether the whole of calsync works, and how much there is to do."""

from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.core.cache import cache
from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from prometheus_client import CONTENT_TYPE_LATEST

from calsync.metrics import exposition
from calsync.sweeper import LAST_SWEEP

WORKER_SILENT_AFTER = timedelta(minutes=3)


class Health:
    """Answers /healthz, /readyz and /metrics before anything else looks at a request.

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


@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """The numbers, for whoever knows METRICS_TOKEN. Without such a token there is no such page.

    Where a call comes from says nothing: behind a reverse proxy all come from within.
    """
    if not settings.METRICS_TOKEN:
        return HttpResponse(status=404)
    given = request.headers.get("Authorization", "")
    if not constant_time_compare(given, f"Bearer {settings.METRICS_TOKEN}"):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    return HttpResponse(exposition(now=timezone.now()), content_type=CONTENT_TYPE_LATEST)


def _worker_sweeps() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    last_sweep = cache.get(LAST_SWEEP)
    return last_sweep is not None and timezone.now() - last_sweep < WORKER_SILENT_AFTER


PROBES = {"/healthz": healthz, "/readyz": readyz, "/metrics": metrics}
