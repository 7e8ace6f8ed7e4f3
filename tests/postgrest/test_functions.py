"""Free slots for the website: asked by name, by GET and POST, complete or refused."""

from datetime import UTC, datetime, time, timedelta

import pytest

from tests.postgrest.conftest import ANNA, BEN
from tests.postgrest.data_api import MAX_ROWS, token

pytestmark = [pytest.mark.postgrest, pytest.mark.django_db]

ANON = token("anon")
SERVICE = token("service_role")
DAY = (datetime.now(UTC) + timedelta(days=7)).date()
NINE = datetime.combine(DAY, time(9), UTC)


def slots(question: dict, **args) -> dict:
    return {"rpc": "get_available_slots", "args": {"date": str(DAY)} | args, **question}


def starts(answer: dict) -> list[datetime]:
    return [datetime.fromisoformat(row["slot_start"]) for row in answer["data"]]


def every(minutes: int, count: int) -> list[datetime]:
    return [NINE + number * timedelta(minutes=minutes) for number in range(count)]


def test_a_visitor_gets_the_free_slots_of_a_day_by_post_and_by_get(api):
    posted, got = api.ask(ANON, slots({}), slots({"options": {"get": True}}))
    assert starts(posted) == every(30, 16)
    assert posted == got
    assert posted["data"][-1]["slot_end"].endswith("17:00:00+00:00")


def test_a_visitor_may_name_every_argument(api):
    arguments = {
        "slot_duration": 30,
        "buffer": 10,
        "days": 2,
        "consultant": BEN,
        "meeting_type": "chat",
        "timezone": "Europe/Berlin",
    }
    [answer] = api.ask(ANON, slots({}, **arguments))
    tomorrow = [start + timedelta(days=1) for start in every(30, 16)]
    assert starts(answer) == every(30, 16) + tomorrow


def test_a_meeting_type_brings_its_duration(api):
    [answer] = api.ask(ANON, slots({}, meeting_type="chat"))
    assert starts(answer) == every(60, 8)


def test_a_visitor_gets_a_month_and_the_state_of_the_calendars(api):
    days, freshness = api.ask(
        ANON,
        {"rpc": "get_available_days", "args": {"date": str(DAY), "days": 3}},
        {"rpc": "get_calendar_freshness"},
    )
    assert [row["day"] for row in days["data"]] == [str(DAY + timedelta(days=n)) for n in range(3)]
    assert [len(row["slots"]) for row in days["data"]] == [16, 16, 16]
    assert [row["state"] for row in freshness["data"]] == ["fresh"]


def test_more_rows_than_the_api_returns_are_refused_and_the_month_view_has_them_all(api):
    """The API cuts an answer at 1,000 rows and says nothing; the function must."""
    length = {"slot_duration": 5, "days": 11}
    slots_of_a_day = 8 * 60 // 5
    fitting, refused, month = api.ask(
        ANON,
        slots({}, **(length | {"days": MAX_ROWS // slots_of_a_day})),
        slots({}, **length),
        {"rpc": "get_available_days", "args": {"date": str(DAY)} | length},
    )
    assert len(fitting["data"]) == MAX_ROWS // slots_of_a_day * slots_of_a_day
    assert (refused["data"], refused["status"]) == (None, 400)
    assert "get_available_days" in refused["message"]
    assert sum(len(row["slots"]) for row in month["data"]) == 11 * slots_of_a_day


@pytest.mark.parametrize(
    "question",
    [
        {"rpc": "explain_slot", "args": {"starts_at": str(NINE)}},
        {"rpc": "audit_invariants"},
    ],
    ids=lambda question: question["rpc"],
)
def test_a_visitor_is_not_told_why_or_what_is_wrong(api, question):
    visitor, server = (api.ask(key, question)[0] for key in (ANON, SERVICE))
    assert (visitor["code"], visitor["status"], visitor["data"]) == ("42501", 401, None)
    assert (server["status"], server["data"]) == (200, [])


def test_a_consultant_is_told_about_their_own_slots_alone(api):
    def question(consultant):
        return {
            "rpc": "explain_slot",
            "args": {"starts_at": str(NINE), "consultant": consultant},
        }

    own, others = api.ask(token("authenticated", ANNA), question(ANNA), question(BEN))
    assert (own["status"], own["data"]) == (200, [])
    assert (others["code"], others["status"]) == ("42501", 403)


def test_a_visitor_finds_nothing_else_in_the_apis_own_description(api):
    status, description = api.get("/", ANON)
    assert status == 200
    assert set(description["paths"]) == {
        "/",
        "/rpc/get_available_slots",
        "/rpc/get_available_days",
        "/rpc/get_calendar_freshness",
    }
    assert description.get("definitions", {}) == {}
