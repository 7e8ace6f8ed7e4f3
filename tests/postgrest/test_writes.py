"""The website's server writes bookings itself, with supabase-js and the service role.

What a booking owes follows by itself, and what must not be is refused, as if calsync had written.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.databases import manage
from tests.postgrest.conftest import ANNA
from tests.postgrest.data_api import DataApi, token

pytestmark = [pytest.mark.postgrest, pytest.mark.django_db]

SERVICE = token("service_role")
NINE = datetime.combine((datetime.now(UTC) + timedelta(days=7)).date(), time(9), UTC)
HOUR = timedelta(hours=1)
MAILS = """
SELECT kind || ' to ' || recipient AS mail FROM calsync.booking_mails
WHERE booking_id = %s AND sequence = %s AND kind <> 'reminder' ORDER BY mail
"""


class Rows:
    """The database, as calsync sees it."""

    def __init__(self, session: psycopg.Connection) -> None:
        self.session = session

    def booking(self, key: str) -> dict:
        found = self.session.execute("SELECT * FROM public.bookings WHERE id = %s", [key])
        return found.fetchone()

    def mails(self, key: str) -> list[str]:
        """What the booking owes as it is now, reminders aside."""
        found = self.session.execute(MAILS, [key, self.booking(key)["sequence"]])
        return [row["mail"] for row in found]


@pytest.fixture
def rows(api, database: str) -> Iterator[Rows]:
    with psycopg.connect(database, autocommit=True, row_factory=dict_row) as session:
        yield Rows(session)
        session.execute("DELETE FROM public.bookings WHERE start_time > now()")
        session.execute("DELETE FROM public.synced_events WHERE start_time > now()")
        session.execute("UPDATE public.booking_settings SET daily_limit = NULL")


def insert(api: DataApi, start: datetime = NINE, **columns) -> dict:
    row = {
        "user_id": ANNA,
        "start_time": start.isoformat(),
        "end_time": (start + HOUR).isoformat(),
        "invitee_name": "Ivy Invitee",
        "invitee_email": "ivy@example.com",
        "invitee_time_zone": "America/New_York",
    }
    question = {"table": "bookings", "verb": "insert", "values": row | columns, "returning": "id"}
    [answer] = api.ask(SERVICE, question)
    return answer


def booked(api: DataApi, start: datetime = NINE, **columns) -> str:
    answer = insert(api, start, **columns)
    assert (answer["status"], answer["message"]) == (201, None)
    return answer["data"][0]["id"]


def change(api: DataApi, key: str, **columns) -> dict:
    question = {"table": "bookings", "verb": "update", "values": columns, "returning": "status"}
    [answer] = api.ask(SERVICE, question | {"match": {"id": key}})
    return answer


def test_a_row_is_followed_by_its_event_its_mails_and_its_link(api, rows, database):
    key = booked(api)
    made = rows.booking(key)
    assert (made["status"], made["event_state"], made["sequence"]) == ("confirmed", "due", 0)
    assert rows.mails(key) == ["confirmation to invitee", "consultant_notice to consultant"]
    assert made["manage_token_hash"] is None
    swept = manage(
        "shell",
        "-c",
        "from bookings.tasks import make_haste; from django_q.models import OrmQ\n"
        "make_haste(); print(sorted({queued.func() for queued in OrmQ.objects.all()}))",
        url=database,
    )
    assert rows.booking(key)["manage_token_hash"] is not None
    handed_out = ["bookings.tasks.send_mail", "bookings.tasks.write_event"]
    assert swept.stdout.splitlines()[-1] == str(handed_out)


def test_a_meeting_type_completes_the_row(api, rows):
    [chat] = api.ask(SERVICE, {"table": "meeting_types", "columns": "id,user_id"})
    mine = next(row["id"] for row in chat["data"] if row["user_id"] == ANNA)
    assert rows.booking(booked(api, meeting_type_id=mine))["title"] == "Chat"


@pytest.mark.parametrize("obstacle", ["event", "booking", "limit"])
def test_what_is_not_free_is_refused_with_a_reason(api, rows, obstacle):
    if obstacle == "event":
        rows.session.execute(
            "INSERT INTO public.synced_events (connection_id, provider_event_id, start_time, "
            "end_time) SELECT id, 'later', %s, %s FROM public.calendar_connections "
            "WHERE user_id = %s",
            [NINE + HOUR / 2, NINE + HOUR, ANNA],
        )
        start, reason = NINE, "the consultant is not free at"
    elif obstacle == "booking":
        booked(api)
        start, reason = NINE + HOUR / 2, "bookings_keep_buffer"
    else:
        rows.session.execute("UPDATE public.booking_settings SET daily_limit = 1")
        booked(api)
        start, reason = NINE + 3 * HOUR, "the consultant is not free at"
    answer = insert(api, start)
    assert (answer["status"], answer["code"], answer["data"]) == (400, "23P01", None)
    assert reason in answer["message"]


def test_a_request_is_confirmed(api, rows):
    key = booked(api, status="pending")
    assert rows.mails(key) == ["approval to consultant", "request to invitee"]
    answer = change(api, key, status="confirmed")
    assert (answer["status"], answer["data"]) == (200, [{"status": "confirmed"}])
    assert "confirmation to invitee" in rows.mails(key)


def test_a_booking_is_cancelled(api, rows):
    key = booked(api)
    change(api, key, status="cancelled", cancellation_reason="Ill", changed_by="invitee")
    row = rows.booking(key)
    assert (row["status"], row["sequence"], row["cancelled_at"] is None) == ("cancelled", 1, False)
    assert rows.mails(key) == ["cancellation to consultant", "cancellation to invitee"]
    booked(api)  # its time is free again


def test_a_booking_is_moved(api, rows):
    key, later = booked(api), NINE + 2 * HOUR
    times = {"start_time": later.isoformat(), "end_time": (later + HOUR).isoformat()}
    assert change(api, key, **times)["status"] == 200
    row = rows.booking(key)
    assert (row["start_time"], row["moved_from"], row["sequence"]) == (later, NINE, 1)
    assert rows.mails(key) == ["change to consultant", "change to invitee"]


def test_a_booking_is_not_moved_to_where_another_one_is(api, rows):
    key, later = booked(api), NINE + 2 * HOUR
    booked(api, later)
    times = {"start_time": later.isoformat(), "end_time": (later + HOUR).isoformat()}
    answer = change(api, key, **times)
    assert (answer["status"], answer["code"]) == (400, "23P01")
    assert rows.booking(key)["start_time"] == NINE
