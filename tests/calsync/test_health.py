"""What a load balancer and an operator ask."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import OperationalError, connection
from django.utils import timezone

from calsync import sweeper

pytestmark = pytest.mark.django_db


def test_a_web_process_that_answers_is_alive(client):
    response = client.get("/healthz")
    assert (response.status_code, response.content) == (200, b"ok")


def test_a_worker_that_sweeps_makes_the_whole_ready(client):
    sweeper.sweep_once()
    response = client.get("/readyz")
    assert (response.status_code, response.json()) == (200, {"database": "ok", "worker": "ok"})


@pytest.mark.parametrize("last_sweep", [None, timedelta(minutes=4)])
def test_a_silent_worker_is_said(client, last_sweep):
    cache.delete(sweeper.LAST_SWEEP)
    if last_sweep:
        cache.set(sweeper.LAST_SWEEP, timezone.now() - last_sweep, timeout=None)
    response = client.get("/readyz")
    assert (response.status_code, response.json()["worker"]) == (503, "silent")


def test_probes_come_from_the_machine_itself(client, settings):
    settings.ALLOWED_HOSTS = ["booking.example.com"]
    settings.SECURE_SSL_REDIRECT = True
    for address in ("/healthz", "/readyz"):
        assert client.get(address, headers={"host": "127.0.0.1:8000"}).status_code in (200, 503)


def test_a_database_that_does_not_answer_is_said(client):
    with connection.execute_wrapper(_no_answer):
        response = client.get("/readyz")
    assert (response.status_code, response.json()["database"]) == (503, "does not answer")


def _no_answer(*query):
    raise OperationalError("connection refused")
