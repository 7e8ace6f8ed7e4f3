"""The API's description: valid, complete, kept by every answer, and shown by our own assets."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from io import StringIO

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode, checks

from bookings.models import Booking
from bookings.tokens import give_tokens, manage_token
from calsync import wsgi
from tests.bookings.website import as_text, next_week
from tests.factories import BookingFactory

pytestmark = pytest.mark.django_db

EXAMPLES = 150  # of each operation, right and wrong ones
CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]
OPERATIONS = [
    "GET /api/v1/slots/",
    "POST /api/v1/holds/",
    "DELETE /api/v1/holds/{hold}/",
    "POST /api/v1/bookings/",
    "GET /api/v1/bookings/{token}/",
    "POST /api/v1/bookings/{token}/cancel/",
    "POST /api/v1/bookings/{token}/reschedule/",
]


@pytest.fixture
def application(db) -> Iterator[WSGIHandler]:
    """The real one, except that a request does not close the test's own transaction."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield wsgi.application
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def description(application):
    return schemathesis.openapi.from_wsgi("/api/schema/?format=json", application)


def make_sense(case: Case, token: str, *, choose: Callable[[], bool]) -> None:
    """Now and then the token of a booking, and a start that is offered."""
    if "token" in case.path_parameters and choose():
        case.path_parameters["token"] = token
    if isinstance(case.body, dict) and "start" in case.body and choose():
        case.body["start"] = as_text(next_week() + timedelta(hours=1))


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_answer_is_as_described(description, consultant, operation):
    method, path = operation.split()
    right, wrong = (
        description[path][method].as_strategy(generation_mode=mode) for mode in GenerationMode
    )
    BookingFactory(user=consultant, start_time=next_week())
    give_tokens()
    token = manage_token(Booking.objects.get())

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=right | wrong, data=st.data())
    def check(case: Case, data: st.DataObject) -> None:
        make_sense(case, token, choose=lambda: data.draw(st.booleans()))
        case.call_and_validate(checks=CHECKS)

    check()


# --- the description itself -----------------------------------------------------------------------


def test_the_description_is_valid_and_complete():
    out = StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", "--format=openapi-json", stdout=out)
    described = json.loads(out.getvalue())
    assert described["openapi"] == "3.1.0"
    assert {
        f"{method.upper()} {path}" for path, item in described["paths"].items() for method in item
    } == {*OPERATIONS, "GET /api/schema/"}


def test_every_refusal_is_described_in_the_same_shape(description):
    for operation in OPERATIONS:
        method, path = operation.split()
        for status, answer in description.raw_schema["paths"][path][method.lower()][
            "responses"
        ].items():
            if status >= "400":
                content = answer["content"]["application/json"]
                assert content["schema"] == {"$ref": "#/components/schemas/Error"}, operation


def test_the_page_loads_nothing_from_elsewhere(client):
    page = client.get("/api/docs/")
    assert page.status_code == 200
    assert page.headers["Content-Security-Policy"].startswith("default-src 'self'; style-src")
    loaded = re.findall(r'(?:src|href)="([^"]*)"', page.content.decode())
    assert [address.partition("?")[0] for address in loaded] == [
        "/static/drf_spectacular_sidecar/swagger-ui-dist/favicon-32x32.png",
        "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui.css",
        "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js",
        "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-standalone-preset.js",
        "/api/docs/",
    ]
