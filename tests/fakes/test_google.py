"""The fake Google refuses what Google refuses: else nothing tried on it would prove anything."""

import base64
import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest

from tests.connections.providers.far_end import FarEnd, Response
from tests.fakes.google import Account, Calendar, Consent, FakeGoogle
from tests.fakes.google.partial import parse, part_of
from tests.fakes.google.tokens import CALENDAR, SIGN_IN

TEN = datetime(2027, 6, 15, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
REDIRECT = "https://calsync.example.com/accounts/google/login/callback/"


class Client:
    """Speaks plain HTTP with Google, in the name of an account."""

    def __init__(self, google: FakeGoogle, token: str = "") -> None:
        self._google, self._token = google, token

    def send(
        self, method: str, path: str, body: object = None, *, form: bool = False, **query: object
    ) -> tuple[int, dict]:
        connection = HTTPConnection("127.0.0.1", self._google.port, timeout=5)
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        sent = urlencode(body) if form else json.dumps(body)
        connection.request(method, f"{path}?{urlencode(query, True)}", sent, headers)
        response = connection.getresponse()
        text = response.read()
        connection.close()
        self.location = response.headers.get("Location", "")
        return response.status, json.loads(text) if text.startswith(b"{") else {}


@pytest.fixture
def anna(google: FakeGoogle) -> Account:
    return google.account("anna@example.com")


@pytest.fixture
def work(anna: Account) -> Calendar:
    return anna.calendar("Work")


@pytest.fixture
def client(google: FakeGoogle, anna: Account) -> Client:
    return Client(google, anna.sign_in())


def events_of(calendar: Calendar) -> str:
    return f"/calendar/v3/calendars/{quote(calendar.id)}/events"


def reason(answer: dict) -> str:
    return answer["error"]["errors"][0]["reason"]


# --- lists -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "parameter",
    [
        "iCalUID",
        "orderBy",
        "privateExtendedProperty",
        "q",
        "sharedExtendedProperty",
        "timeMax",
        "timeMin",
        "updatedMin",
    ],
)
def test_forbidden_question_with_a_sync_token_is_refused(client, work, parameter):
    _, first = client.send("GET", events_of(work))
    question = {"syncToken": first["nextSyncToken"], parameter: "2027-01-01T00:00:00Z"}
    status, answer = client.send("GET", events_of(work), **question)
    assert (status, reason(answer)) == (400, "syncTokenWithRequestRestrictions")


def test_sync_token_goes_with_the_question_it_came_from(client, work):
    _, first = client.send("GET", events_of(work), singleEvents="true")
    status, _ = client.send("GET", events_of(work), syncToken=first["nextSyncToken"])
    assert status == 400


def test_pages_are_frozen_when_the_first_is_asked_for(client, work):
    for number in range(3):
        work.add(f"{number}", TEN, TEN + HOUR)
    _, first = client.send("GET", events_of(work), maxResults=2)
    work.add("late", TEN, TEN + HOUR)
    assert "nextSyncToken" not in first
    question = {"maxResults": 2, "pageToken": first["nextPageToken"]}
    _, second = client.send("GET", events_of(work), **question)
    assert [one["summary"] for one in second["items"]] == ["2"]
    _, changes = client.send("GET", events_of(work), syncToken=second["nextSyncToken"])
    assert [one["summary"] for one in changes["items"]] == ["late"]


def test_page_token_goes_with_its_question(client, work):
    for number in range(3):
        work.add(f"{number}", TEN, TEN + HOUR)
    _, first = client.send("GET", events_of(work), maxResults=2)
    question = {"pageToken": first["nextPageToken"], "singleEvents": "true"}
    assert client.send("GET", events_of(work), **question)[0] == 400


def test_expired_and_unknown_sync_tokens_are_told_apart(google, client, work):
    _, first = client.send("GET", events_of(work))
    google.expire_sync_tokens()
    status, answer = client.send("GET", events_of(work), syncToken=first["nextSyncToken"])
    assert (status, reason(answer)) == (410, "fullSyncRequired")
    status, answer = client.send("GET", events_of(work), syncToken="nonsense")
    assert (status, answer["error"]["errors"][0]["location"]) == (400, "syncToken")


def test_series_is_told_as_instances_even_far_ahead(client, work):
    _, first = client.send("GET", events_of(work), singleEvents="true")
    series = work.add("Weekly", TEN, TEN + HOUR, recurrence=["RRULE:FREQ=WEEKLY"])
    question = {"singleEvents": "true", "syncToken": first["nextSyncToken"]}
    _, changes = client.send("GET", events_of(work), **question)
    assert len(changes["items"]) > 100
    assert {one["recurringEventId"] for one in changes["items"]} == {series}
    assert changes["items"][0]["id"] == f"{series}_20270615T100000Z"


def test_overridden_instance_keeps_its_id_and_its_original_start(client, work):
    series = work.add("Weekly", TEN, TEN + HOUR, recurrence=["RRULE:FREQ=WEEKLY;COUNT=2"])
    work.change(f"{series}_20270622T100000Z", "Moved", TEN + 9 * HOUR, TEN + 10 * HOUR)
    path = f"{events_of(work)}/{series}_20270622T100000Z"
    _, instance = client.send("GET", path)
    assert instance["summary"] == "Moved"
    assert instance["originalStartTime"]["dateTime"] == "2027-06-22T12:00:00+02:00"


def test_parts_of_an_answer():
    tree = parse("nextPageToken,items(id,attendees(self),extendedProperties/private),a/b(c,d)")
    answer = {
        "kind": "x",
        "items": [{"id": 1, "attendees": [{"self": True, "email": "x"}], "summary": "x"}],
        "a": {"b": {"c": 1, "d": 2, "e": 3}, "f": 4},
    }
    assert part_of(answer, tree) == {
        "items": [{"id": 1, "attendees": [{"self": True}]}],
        "a": {"b": {"c": 1, "d": 2}},
    }


# --- writing ---------------------------------------------------------------------------------


def body(**fields) -> dict:
    times = {"start": {"dateTime": TEN.isoformat()}, "end": {"dateTime": (TEN + HOUR).isoformat()}}
    return {"summary": "Call", **times, **fields}


@pytest.mark.parametrize("event_id", ["calsync1", "abc", "ABCDE", "a_bcde", "wxyz5"])
def test_ids_of_other_letters_are_refused(client, work, event_id):
    assert client.send("POST", events_of(work), body(id=event_id))[0] == 400


def test_id_and_uid_together_are_refused(client, work):
    assert client.send("POST", events_of(work), body(id="b1234", iCalUID="x"))[0] == 400


def test_id_is_taken_once_and_stays_taken(client, work):
    path = f"{events_of(work)}/b1234"
    assert client.send("POST", events_of(work), body(id="b1234"))[0] == 200
    status, answer = client.send("POST", events_of(work), body(id="b1234"))
    assert (status, reason(answer)) == (409, "duplicate")
    assert client.send("DELETE", path)[0] == 204
    status, answer = client.send("DELETE", path)
    assert (status, reason(answer)) == (410, "deleted")
    assert client.send("GET", path)[1]["status"] == "cancelled"
    assert client.send("POST", events_of(work), body(id="b1234"))[0] == 409


@pytest.mark.parametrize(
    "changes",
    [
        {"start": {"date": "2027-06-15"}},
        {"end": {"dateTime": (TEN - HOUR).isoformat()}},
        {"start": None},
        {"sequence": -1},
        {"description": "x" * 8193},
    ],
)
def test_patch_that_makes_no_sense_is_refused(client, work, changes):
    event_id = work.add("Call", TEN, TEN + HOUR)
    assert client.send("PATCH", f"{events_of(work)}/{event_id}", changes)[0] == 400


def test_patch_leaves_the_rest_and_update_does_not(client, work):
    event_id = work.add("Call", TEN, TEN + HOUR, description="Long", colorId="7")
    path = f"{events_of(work)}/{event_id}"
    assert client.send("PATCH", path, {"summary": "New"})[1]["description"] == "Long"
    assert "description" not in client.send("PUT", path, body())[1]


def test_conference_is_dropped_unless_the_version_says_otherwise(client, work):
    request = {"createRequest": {"requestId": "r"}}
    assert (
        "conferenceData"
        not in client.send("POST", events_of(work), body(conferenceData=request))[1]
    )
    _, made = client.send(
        "POST", events_of(work), body(conferenceData=request), conferenceDataVersion=1
    )
    assert made["conferenceData"]["createRequest"]["status"] == {"statusCode": "pending"}
    _, read = client.send("GET", f"{events_of(work)}/{made['id']}")
    assert read["hangoutLink"].startswith("https://meet.google.com/")


def test_conference_is_made_once_for_a_request_id(client, work):
    request = {"createRequest": {"requestId": "r"}}
    first, second = (
        client.send("POST", events_of(work), body(conferenceData=request), conferenceDataVersion=1)
        for _ in range(2)
    )
    assert ["conferenceData" in made for _, made in (first, second)] == [True, False]


def test_question_about_too_long_a_time_is_refused(client, work):
    question = {
        "timeMin": TEN.isoformat(),
        "timeMax": (TEN + timedelta(days=91)).isoformat(),
        "items": [{"id": work.id}],
    }
    status, answer = client.send("POST", "/calendar/v3/freeBusy", question)
    assert (status, reason(answer)) == (400, "timeRangeTooLong")


def test_alias_of_the_primary_calendar_is_understood(anna, client):
    anna.primary.add("Call", TEN, TEN + HOUR)
    _, answer = client.send("GET", "/calendar/v3/calendars/primary/events")
    assert [one["summary"] for one in answer["items"]] == ["Call"]


def test_reader_sees_of_private_events_when_they_are(google, work):
    work.add("Secret", TEN, TEN + HOUR, visibility="private")
    bob = google.account("bob@example.com")
    bob.subscribe(work, "reader")
    _, answer = Client(google, bob.sign_in()).send("GET", events_of(work))
    assert ["summary" in one for one in answer["items"]] == [False]
    assert Client(google, bob.sign_in()).send("POST", events_of(work), body())[0] == 403


# --- push ------------------------------------------------------------------------------------


@pytest.fixture
def webhook() -> Iterator[FarEnd]:
    with FarEnd(lambda request: Response(204)) as webhook:
        yield webhook


def channel(address: str, **fields: str) -> dict:
    return {"id": "one", "type": "web_hook", "address": address, **fields}


def test_channel_ids_are_good_for_one_channel(client, work, webhook):
    path = f"{events_of(work)}/watch"
    assert client.send("POST", path, channel(webhook.url))[0] == 200
    status, answer = client.send("POST", path, channel(webhook.url))
    assert (status, reason(answer)) == (400, "channelIdNotUnique")


def test_channel_ends_when_it_has_expired(google, client, work, webhook):
    google.channels.life = timedelta(seconds=-1)
    client.send("POST", f"{events_of(work)}/watch", channel(webhook.url))
    work.add("Unheard", TEN, TEN + HOUR)
    google.channels.settle()
    assert [one.headers["X-Goog-Resource-State"] for one in google.channels.deliveries] == ["sync"]


def test_notifications_can_get_lost_and_come_twice(google, client, work, webhook):
    client.send("POST", f"{events_of(work)}/watch", channel(webhook.url))
    google.channels.loses = True
    work.add("Unheard", TEN, TEN + HOUR)
    google.channels.loses, google.channels.repeats = False, True
    work.add("Heard twice", TEN, TEN + HOUR)
    google.channels.settle()
    assert len(google.channels.deliveries) == 3


def test_address_that_fails_is_called_again(google, client, work):
    answers = iter([503, 503, 204])
    with FarEnd(lambda request: Response(next(answers))) as webhook:
        client.send("POST", f"{events_of(work)}/watch", channel(webhook.url))
        google.channels.settle()
    assert [one.status for one in google.channels.deliveries] == [503, 503, 204]


# --- signing in ------------------------------------------------------------------------------


def consent(google: FakeGoogle, **query: str) -> dict[str, str]:
    """What the consent screen sends back to the app."""
    client = Client(google)
    question = {
        "client_id": google.oauth.client_id,
        "response_type": "code",
        "redirect_uri": REDIRECT,
        "scope": " ".join(SIGN_IN | CALENDAR),
        "state": "xyz",
        "access_type": "offline",
        **query,
    }
    assert client.send("GET", "/o/oauth2/v2/auth", **question)[0] == 302
    assert client.location.startswith(REDIRECT)
    return {name: values[0] for name, values in parse_qs(urlsplit(client.location).query).items()}


def exchange(google: FakeGoogle, code: str, **fields: str) -> tuple[int, dict]:
    form = {
        "grant_type": "authorization_code",
        "client_id": google.oauth.client_id,
        "client_secret": google.oauth.client_secret,
        "redirect_uri": REDIRECT,
        "code": code,
        **fields,
    }
    return Client(google).send("POST", "/token", form, form=True)


def test_consent_leads_to_tokens_that_work(google, anna):
    google.oauth.issuer = "https://accounts.google.com"
    answer = consent(google)
    assert answer["state"] == "xyz"
    _, tokens = exchange(google, answer["code"])
    assert tokens.keys() >= {"access_token", "refresh_token", "expires_in", "scope", "id_token"}
    _, who = Client(google, tokens["access_token"]).send("GET", "/oauth2/v2/userinfo")
    assert who["email"] == anna.email
    claims = json.loads(base64.urlsafe_b64decode(tokens["id_token"].split(".")[1] + "=="))
    assert (claims["email"], claims["sub"]) == (anna.email, who["id"])


def test_code_is_good_once_and_for_its_address(google, anna):
    code = consent(google)["code"]
    assert exchange(google, code, redirect_uri="https://example.com/")[0] == 400
    assert exchange(google, code)[1]["error"] == "invalid_grant"


def test_code_with_a_challenge_wants_its_verifier(google, anna):
    digest = hashlib.sha256(b"verifier").digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    question = {"code_challenge": challenge, "code_challenge_method": "S256"}
    assert exchange(google, consent(google, **question)["code"])[0] == 400
    code = consent(google, **question)["code"]
    assert exchange(google, code, code_verifier="verifier")[0] == 200


def test_refresh_token_comes_with_consent_only(google, anna):
    def gets_one(**query: str) -> bool:
        return "refresh_token" in exchange(google, consent(google, **query)["code"])[1]

    assert gets_one(access_type="online") is False
    assert gets_one() is True
    assert gets_one() is False
    assert gets_one(prompt="consent") is True
    anna.revoke()
    assert gets_one() is True


def test_consent_can_be_refused_or_given_in_part(google, anna):
    google.oauth.consent = Consent(is_granted=False)
    assert consent(google) == {"error": "access_denied", "state": "xyz"}
    google.oauth.consent = Consent(unticked=CALENDAR)
    _, tokens = exchange(google, consent(google)["code"])
    assert set(tokens["scope"].split()) == SIGN_IN
    status, answer = Client(google, tokens["access_token"]).send(
        "GET", "/calendar/v3/users/me/calendarList"
    )
    assert (status, reason(answer)) == (403, "insufficientPermissions")


def test_who_consents_can_be_hinted_at_or_said(google, anna):
    bob = google.account("bob@example.com")

    def who(**query: str) -> str:
        _, tokens = exchange(google, consent(google, **query)["code"])
        return Client(google, tokens["access_token"]).send("GET", "/oauth2/v3/userinfo")[1]["email"]

    assert who() == anna.email
    assert who(login_hint=bob.email) == bob.email
    google.oauth.consent = Consent(account=bob)
    assert who() == bob.email


def test_app_that_is_not_known_gets_nothing(google, anna):
    code = consent(google)["code"]
    status, answer = exchange(google, code, client_secret="wrong")
    assert (status, answer["error"]) == (401, "invalid_client")


def test_account_that_takes_everything_back_ends_every_token(google, anna, client):
    token = anna.stay_signed_in()
    assert Client(google).send("POST", "/revoke", {"token": token}, form=True)[0] == 200
    assert client.send("GET", "/calendar/v3/users/me/calendarList")[0] == 401
    assert Client(google).send("POST", "/revoke", {"token": token}, form=True)[0] == 400
