"""The website's questions, through PostgREST and supabase-js as it would ask them."""

import pytest

from tests.postgrest.conftest import ANNA, BEN
from tests.postgrest.data_api import token
from tests.test_schema import PUBLIC_TABLES

pytestmark = [pytest.mark.postgrest, pytest.mark.django_db]

TABLES = sorted(PUBLIC_TABLES)
ANON = token("anon")
SERVICE = token("service_role")


def is_refused(answer: dict) -> bool:
    """For want of a right: 401 for a visitor, 403 for others."""
    return answer["code"] == "42501" and answer["status"] in (401, 403) and not answer["data"]


def test_a_visitor_is_refused_every_table_and_every_verb(api):
    questions = [
        {"table": table, "verb": verb, "values": {}} | extra
        for table in TABLES
        for verb, extra in [
            ("select", {}),
            ("select", {"columns": "id"}),
            ("select", {"options": {"count": "exact", "head": True}}),
            ("insert", {}),
            ("update", {"values": {"id": ANNA}}),
            ("delete", {}),
        ]
    ]
    answers = api.ask(ANON, *questions)
    unrefused = [
        (question, answer)
        for question, answer in zip(questions, answers, strict=True)
        if not is_refused(answer) and not (answer["status"] == 401 and "head" in str(question))
    ]
    assert unrefused == []


@pytest.mark.parametrize("key", [ANON, token("authenticated", ANNA), SERVICE])
def test_the_private_schema_is_not_served_to_anybody(api, key):
    tables = ("consultants", "django_session", "installation")
    named = api.ask(key, *({"schema": "calsync", "table": table} for table in tables))
    assert {answer["code"] for answer in named} == {"PGRST106"}
    plain = api.ask(key, *({"table": table} for table in tables))
    assert {answer["code"] for answer in plain} == {"42P01"}


@pytest.mark.parametrize("consultant", [ANNA, BEN])
def test_a_consultant_reads_their_own_rows_alone(api, consultant):
    key = token("authenticated", consultant)
    owned = [table for table in TABLES if table not in ("synced_events", "sync_logs")]
    answers = api.ask(key, *({"table": table, "columns": "user_id"} for table in owned))
    assert [{row["user_id"] for row in answer["data"]} for answer in answers] == [
        {consultant} for _ in owned
    ]
    [connections, events, logs] = api.ask(
        key,
        {"table": "calendar_connections", "columns": "id"},
        {"table": "synced_events", "columns": "connection_id"},
        {"table": "sync_logs", "columns": "connection_id"},
    )
    mine = [row["id"] for row in connections["data"]]
    assert len(mine) == 1
    assert [row["connection_id"] for row in events["data"] + logs["data"]] == mine * 2


@pytest.mark.parametrize(
    "question",
    [
        {"table": "calendar_connections", "columns": "access_token_encrypted"},
        {"table": "calendar_connections", "columns": "id,sync_token"},
        {"table": "calendar_connections", "columns": "*"},
        {"table": "bookings", "columns": "manage_token_hash"},
        {"table": "bookings", "verb": "delete"},
        {"table": "bookings", "verb": "update", "values": {"status": "cancelled"}},
        {"table": "calendar_connections", "verb": "update", "values": {"is_active": False}},
        {"table": "blocked_dates", "verb": "insert", "values": {"user_id": ANNA}},
        {"rpc": "audit_invariants"},
    ],
    ids=str,
)
def test_a_consultant_gets_no_secret_and_changes_nothing(api, question):
    [answer] = api.ask(token("authenticated", ANNA), question)
    assert is_refused(answer)


def test_the_websites_server_reads_everything(api):
    answers = api.ask(SERVICE, *({"table": table} for table in TABLES))
    expected = dict.fromkeys(TABLES, 2) | {"availability": 14}
    counted = {table: len(each["data"]) for table, each in zip(TABLES, answers, strict=True)}
    assert counted == expected


def test_not_even_the_websites_server_books_twice(api):
    booking = {
        "user_id": ANNA,
        "start_time": "2020-01-01T10:30:00Z",
        "end_time": "2020-01-01T11:30:00Z",
    }
    [answer] = api.ask(SERVICE, {"table": "bookings", "verb": "insert", "values": booking})
    assert (answer["status"], answer["code"]) == (400, "23P01")
    assert "bookings_keep_buffer" in answer["message"]


@pytest.mark.parametrize("forged", [token("service_role", secret="x" * 40), "no token", ANON[:-2]])
def test_a_forged_key_is_no_key(api, forged):
    status, answer = api.get("/bookings", forged)
    assert (status, answer["code"]) == (401, "PGRST301")
