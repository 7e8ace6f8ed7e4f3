"""What a website's own booking form sends, and reads of the answers."""

from datetime import datetime, timedelta

from django.test import Client
from django.utils import timezone

BOOKINGS, HOLDS, SLOTS = "/api/v1/bookings/", "/api/v1/holds/", "/api/v1/slots/"


def next_week() -> datetime:
    """Ten o'clock UTC in a week: well inside every booking window."""
    today = timezone.now().replace(hour=10, minute=0, second=0, microsecond=0)
    return today + timedelta(days=7)


def wish(**changes) -> dict:
    asked = {
        "start": next_week().isoformat(),
        "name": "Ivy Invitee",
        "email": "ivy@example.com",
        "timezone": "America/New_York",
    }
    return {name: value for name, value in (asked | changes).items() if value is not None}


def post(client: Client, body: object, path: str = BOOKINGS, **headers: str):
    return client.post(path, body, content_type="application/json", headers=headers)


def fields_at_fault(response) -> dict:
    assert (response.status_code, response.json()["code"]) == (400, "invalid")
    return response.json()["fields"]


def refusal(response) -> tuple[int, str]:
    """Status and code of a refusal, which says nothing else but why."""
    answer = response.json()
    assert sorted(answer) == ["code", "detail"]
    return response.status_code, answer["code"]


def address_of(booking: dict) -> str:
    """Where the API shows a booking that it has just made."""
    token = booking["manage_url"].rstrip("/").rpartition("/")[2]
    return f"{BOOKINGS}{token}/"


def as_text(instant: datetime) -> str:
    """As the API writes it, for whole seconds."""
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"
