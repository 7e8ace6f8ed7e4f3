"""Whatever a provider does wrong, no known busy time is lost: the slots stay as they were.

Each fault is committed during an incremental sync and during a full one. When it is over, the next
sync finds what was added meanwhile.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from availability.slots import Slot
from connections.models import CalendarConnection, Consultant
from syncing.engine import sync_connection
from tests.availability.website import offered_slots
from tests.bookings.bookable import at, bookable_consultant, tomorrow
from tests.connections.providers.caldav_servers import Device
from tests.connections.providers.far_end import (
    Answer,
    CutInto,
    Fault,
    Request,
    Response,
    cut_off,
    edited,
    instead,
    lost,
    refused,
    without,
)
from tests.fakes import google, microsoft
from tests.syncing.at_providers import PROVIDERS, Provided, provided, stored_ids

pytestmark = pytest.mark.django_db

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
LOGIN_PAGE = instead(200, "<html>Please sign in</html>", Content_Type="text/html")


@pytest.fixture
def consultant() -> Consultant:
    return bookable_consultant()


@pytest.fixture
def calendar(request, settings, monkeypatch, radicale: Device) -> Iterator[Provided]:
    with provided(request.param, settings, monkeypatch, radicale) as calendar:
        yield calendar


def slots(consultant: Consultant) -> set[Slot]:
    return set(offered_slots(consultant_id=consultant.pk, start=tomorrow(), days=14))


def fill(calendar: Provided, days: range) -> None:
    """A meeting at ten on each of these days from tomorrow."""
    for day in days:
        ten = at(tomorrow() + day * DAY, 10)
        calendar.far.add(f"day {day}", ten.astimezone(UTC), (ten + HOUR).astimezone(UTC))


# --- faults that any provider may commit ---------------------------------------------------------


def answers(fault: Fault) -> Callable[[Provided], None]:
    return lambda calendar: calendar.commit(fault)


def silence(calendar: Provided) -> None:
    calendar.commit(lambda request, forward: calendar.server.is_closing.wait(3) and None)


def an_empty_list(calendar: Provided) -> None:
    """Complete in itself, with a token for the next time."""
    calendar.commit(EMPTY[calendar.provider])


def an_expired_token_and_then_an_empty_list(calendar: Provided) -> None:
    calendar.commit(EXPIRED[calendar.provider], about=LISTS[calendar.provider], times=1)
    an_empty_list(calendar)


def a_token_that_expires_on_the_second_page(calendar: Provided) -> None:
    on_the_second_page(calendar, EXPIRED[calendar.provider])


def an_error_on_the_second_page(calendar: Provided) -> None:
    on_the_second_page(calendar, instead(500))


def a_broken_off_second_page(calendar: Provided) -> None:
    on_the_second_page(calendar, cut_off)


def on_the_second_page(calendar: Provided, fault: Fault) -> None:
    calendar.commit(fault, about=SECOND_PAGE[calendar.provider])
    if calendar.provider == "apple":
        calendar.server.commit("REPORT", CutInto(2), about="sync-collection", times=100)
    else:
        calendar.server.cut_pages_into(2, 2, 2, 2)


def no_events(request: Request, forward: Answer) -> Response:
    """Graph's next link must lead back to it."""
    link = f"http://{request.headers['Host']}/v1.0/me/calendarView/delta?$deltatoken=x"
    return instead(200, f'{{"value": [], "@odata.deltaLink": "{link}"}}')(request, forward)


NO_MEMBERS = (
    '<D:multistatus xmlns:D="DAV:"><D:sync-token>http://radicale.org/ns/sync/x'
    "</D:sync-token></D:multistatus>"
)
EMPTY = {
    "google": instead(
        200,
        '{"kind": "calendar#events", "items": [], "nextSyncToken": "x", '
        '"timeZone": "Europe/Berlin"}',
    ),
    "microsoft": no_events,
    "apple": instead(207, NO_MEMBERS, Content_Type="text/xml"),
}
EXPIRED = {
    "google": google.refusing(410, "fullSyncRequired", location="syncToken"),
    "microsoft": microsoft.refusing(410, "SyncStateNotFound"),
    "apple": refused(403, "<D:valid-sync-token/>"),
}
LISTS = {"google": "/events?", "microsoft": "/calendarView/delta", "apple": "sync-collection"}
SECOND_PAGE = {"google": "pageToken", "microsoft": "skiptoken", "apple": "part:"}

ANY = {
    "500": answers(instead(500)),
    "502": answers(instead(502)),
    "503 with a time to wait": answers(instead(503, Retry_After="120")),
    "429": answers(instead(429, Retry_After="120")),
    "400": answers(instead(400)),
    "401": answers(instead(401)),
    "403": answers(instead(403)),
    "a phantom 404": answers(instead(404)),
    "a phantom 410": answers(instead(410)),
    "a redirect": answers(instead(302, Location="https://elsewhere.example.com/")),
    "a login page": answers(LOGIN_PAGE),
    "nothing in the body": answers(instead(200)),
    "an empty object": answers(instead(200, "{}")),
    "an answer cut off": answers(cut_off),
    "an answer lost": answers(lost),
    "silence": silence,
    "an empty list": an_empty_list,
    "an expired token and then an empty list": an_expired_token_and_then_an_empty_list,
    "a token that expires on the second page": a_token_that_expires_on_the_second_page,
    "an error on the second page": an_error_on_the_second_page,
    "a second page cut off": a_broken_off_second_page,
}


# --- faults of one provider's own ----------------------------------------------------------------


def removed_outside_the_window(calendar: Provided) -> None:
    """Graph tells so of events that nobody knows here: those that never were in the window."""
    told = '{"id": "AAMkUnknown", "@removed": {"reason": "deleted"}}, '
    calendar.commit(edited(lambda body: body.replace('"value": [', f'"value": [{told}', 1)))


def a_list_without_its_link(calendar: Provided) -> None:
    calendar.commit(edited(lambda body: body.replace("@odata.deltaLink", "@odata.other")))


def a_list_without_its_token(calendar: Provided) -> None:
    calendar.commit(edited(lambda body: body.replace("nextSyncToken", "other")))


def hrefs_left_out_of_what_was_asked_for(calendar: Provided) -> None:
    calendar.commit(without(".ics"), about="calendar-multiget")


def a_phantom_removal(calendar: Provided) -> None:
    """The server's report names an object that still stands there as gone."""
    status = "<status>HTTP/1.1 404 Not Found</status></response>"

    def edit(body: str) -> str:
        return body.replace("<propstat>", "<!--").replace("</propstat></response>", f"-->{status}")

    calendar.commit(edited(edit), about="sync-collection")


def objects_without_their_text(calendar: Provided) -> None:
    calendar.commit(
        edited(lambda body: body.replace("HTTP/1.1 200 OK", "HTTP/1.1 404 Not Found")),
        about="calendar-multiget",
    )


OWN = {
    "google": {"a list without its token": a_list_without_its_token},
    "microsoft": {
        "a removal outside the window": removed_outside_the_window,
        "a list without its link": a_list_without_its_link,
    },
    "apple": {
        "hrefs left out of what was asked for": hrefs_left_out_of_what_was_asked_for,
        "a phantom removal": a_phantom_removal,
        "objects without their text": objects_without_their_text,
    },
}
MATRIX = [
    pytest.param(provider, fault, id=f"{provider}: {name}")
    for provider in PROVIDERS
    for name, fault in (ANY | OWN[provider]).items()
]


@pytest.mark.parametrize(("calendar", "fault"), MATRIX, indirect=["calendar"])
def test_fault_opens_no_slot(consultant, calendar, fault):
    fill(calendar, range(5))
    connection = calendar.connect(consultant)
    sync_connection(connection.pk, now=datetime.now(UTC))
    before, known = slots(consultant), stored_ids(connection.pk)
    assert len(known) == 5
    fill(calendar, range(5, 8))
    fault(calendar)
    for full in (False, True):
        sync_connection(connection.pk, now=datetime.now(UTC), full=full)
        assert slots(consultant) - before == set()
        assert known - stored_ids(connection.pk) == set()
    assert calendar.committed
    calendar.server.heal()
    CalendarConnection.objects.update(reconnect_needed_at=None, access_refused_at=None)
    sync_connection(connection.pk, now=datetime.now(UTC))
    assert len(stored_ids(connection.pk)) == 8
    assert slots(consultant) < before
