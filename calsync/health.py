"""Whether this process answers, and whether the whole of calsync works."""

from datetime import timedelta

from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache

from calsync.sweeper import LAST_SWEEP

WORKER_SILENT_AFTER = timedelta(minutes=3)


@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """200 while this web process answers at all."""
    return HttpResponse("ok", content_type="text/plain")


@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when the database answers and the worker has swept lately; else 503, saying which not."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    last_sweep = cache.get(LAST_SWEEP)
    worker = last_sweep is not None and timezone.now() - last_sweep < WORKER_SILENT_AFTER
    states = {"database": "ok", "worker": "ok" if worker else "silent"}
    return JsonResponse(states, status=200 if worker else 503)
