"""Answers in shapes that others have met, read from ``tests/data``: each file is one lesson."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from connections.providers.base import (
    CalendarAdapter,
    Credentials,
    ProviderUnavailable,
    RemoteCalendar,
    RemoteEvent,
    Window,
)
from connections.providers.google import GoogleAdapter, GoogleApp
from connections.providers.microsoft import MicrosoftAdapter, MicrosoftApp
from tests.connections.providers.contract import BERLIN, events
from tests.connections.providers.far_end import FarEnd, Response

DATA = Path(__file__).parent.parent.parent / "data"
TOKEN = Credentials(access_token="a token")
TEN = datetime(2027, 3, 1, 10, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WINDOW = Window(datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC))


def google_at(url: str) -> GoogleAdapter:
    return GoogleAdapter(TOKEN, app=GoogleApp(client_id="x", client_secret="y", api_url=url))


def microsoft_at(url: str) -> MicrosoftAdapter:
    app = MicrosoftApp(client_id="x", client_secret="y", graph_url=url)
    return MicrosoftAdapter(TOKEN, app=app)


class Recording(FarEnd):
    """Answers with one file after the other, whatever is asked, below a path of its own."""

    def __init__(self, adapter: Callable[[str], CalendarAdapter], *names: str) -> None:
        super().__init__(lambda request: Response(200, {}, next(self._bodies)))
        self._bodies = iter([(DATA / f"{name}.json").read_bytes() for name in names])
        self.adapter = adapter(f"{self.url}/far")

    def round(self, sync_token: str = "") -> tuple[list[RemoteEvent], str]:
        """The events of a round, and the token that it ends with."""
        pages = list(
            self.adapter.changes("AQMk=", window=WINDOW, zone=BERLIN, sync_token=sync_token)
        )
        return events(pages), pages[-1].sync_token


def spans(read: list[RemoteEvent]) -> set[tuple[datetime, datetime]]:
    return {(event.start, event.end) for event in read}


# --- Google --------------------------------------------------------------------------------------


def test_nulls_of_google_are_what_is_missing():
    with Recording(google_at, "google/nulls-in-place-of-what-is-missing") as far:
        [meeting, fair], token = far.round()
    assert (meeting.start, meeting.end, meeting.title) == (TEN, TEN + HOUR, "")
    assert (meeting.status, meeting.transparency, meeting.problem) == ("confirmed", "opaque", "")
    assert (meeting.series_id, meeting.uid, meeting.sequence, meeting.version) == ("", "", 0, "")
    midnight = datetime(2027, 3, 2, tzinfo=BERLIN)
    assert (fair.start, fair.end, fair.is_all_day) == (midnight, midnight + DAY, True)
    assert token != ""


def test_times_of_google_are_in_their_own_zone():
    with Recording(google_at, "google/offsets-fractions-and-zones-of-their-own") as far:
        read, _ = far.round()
    assert len(read) == 6
    assert spans(read) == {(TEN, TEN + HOUR)}


def test_empty_calendar_at_google_is_empty():
    with Recording(google_at, "google/an-empty-list-is-left-out") as far:
        read, token = far.round()
    assert read == []
    assert token != ""


def test_calendar_at_google_is_writable_unless_it_is_said_not_to_be():
    with Recording(google_at, "google/calendars-of-which-only-the-names-are-told") as far:
        own, other = far.adapter.calendars()
    mail = "anna@example.com"
    assert own == RemoteCalendar(calendar_id=mail, name=mail, is_default=True)
    assert (other.name, other.is_writable) == (other.calendar_id, False)


# --- Microsoft -----------------------------------------------------------------------------------

TYPED = "microsoft/types-are-said-of-everything"


def test_links_of_graphs_own_address_lead_to_what_stands_in_for_it():
    with Recording(microsoft_at, "microsoft/links-of-graphs-own-address", TYPED, TYPED) as far:
        _, token = far.round()
        with suppress(ProviderUnavailable):
            far.round(token)  # the series that it names cannot be read by itself here
        _, skip, delta, *_ = [request.path for request in far.requests]
    view = "/far/v1.0/me/calendars/AQMk=/calendarView/delta"
    assert skip == f"{view}?$skiptoken=R0usmcCM996atia_s-_x~%7E+a%3D%3D"
    assert delta == (
        "/far/v1.0/me/calendarView/delta?$deltatoken=R0usmcMDNGg0J1E&startDateTime=2027-01-01"
    )


def test_types_that_graph_adds_change_nothing():
    with Recording(microsoft_at, TYPED) as far:
        read, _ = far.round()
    assert {event.title: (event.start, event.transparency) for event in read} == {
        "Board": (TEN, "opaque"),
        "Lunch": (TEN + DAY, "transparent"),
    }


def test_times_of_graph_are_read_in_every_spelling():
    with Recording(microsoft_at, "microsoft/times-in-every-spelling") as far:
        read, token = far.round()
    assert len(read) == 5
    assert spans(read) == {(TEN, TEN + HOUR)}
    assert token.endswith("$deltaToken=spelt-otherwise")


def test_nulls_of_graph_are_what_is_missing():
    with Recording(microsoft_at, "microsoft/nulls-in-place-of-what-is-missing") as far:
        [meeting], _ = far.round()
    assert (meeting.start, meeting.end, meeting.title) == (TEN, TEN + HOUR, "")
    assert (meeting.status, meeting.transparency, meeting.problem) == ("confirmed", "opaque", "")


def test_calendar_at_microsoft_is_writable_unless_it_is_said_not_to_be():
    with Recording(microsoft_at, "microsoft/calendars-of-which-only-the-names-are-told") as far:
        own, other = far.adapter.calendars()
    assert own == RemoteCalendar(calendar_id="AQMk=", name="Calendar")
    assert (other.name, other.is_writable) == ("AQMl=", False)
