"""Our events in a CalDAV calendar: written once, changed in place, never at the cost of others."""

from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

import icalendar
import pytest

from connections.providers.base import (
    AccessRevoked,
    CalendarGone,
    EventConflict,
    EventGone,
    ProviderUnavailable,
    WriteRefused,
)
from tests.connections.providers.caldav_servers import (
    CalDavCalendar,
    Device,
    calendar_on,
    calendar_text,
    event_text,
    name_of,
)
from tests.connections.providers.contract import BERLIN, DAY, DRAFT, HOUR, TEN, events, titles
from tests.connections.providers.far_end import (
    Answer,
    Fault,
    Request,
    Response,
    cut_off,
    instead,
    lost,
    refused,
)

LATER = replace(DRAFT, start=TEN + DAY, end=TEN + DAY + HOUR, sequence=1)


def written(calendar: CalDavCalendar) -> str:
    return calendar.adapter().create_event(calendar.calendar_id, DRAFT).provider_event_id


def stored(calendar: CalDavCalendar, path: str) -> icalendar.Event:
    [event] = icalendar.Calendar.from_ical(calendar.device.get(path)).events
    return event


def edit(calendar: CalDavCalendar, path: str, change: Callable[[str], str]) -> None:
    """The consultant's own program changes the object."""
    calendar.device.put(calendar.calendar_id, name_of(path), change(calendar.device.get(path)))


def first(action: Callable[[], object]) -> Fault:
    """Something happens before the request arrives."""

    def fault(request: Request, forward: Answer) -> Response:
        action()
        return forward(request)

    return fault


# --- what is written -----------------------------------------------------------------------------


def test_event_has_what_every_server_wants_and_invites_nobody(calendar):
    event = stored(calendar, written(calendar))

    assert {name: event[name].to_ical().decode() for name in event if "STAMP" not in name} == {
        "UID": DRAFT.uid,
        "X-CALSYNC-BOOKING": str(DRAFT.booking_id),
        "DTSTART": "20260615T100000Z",
        "DTEND": "20260615T110000Z",
        "SUMMARY": "Intro call: Ada Lovelace",
        "DESCRIPTION": r"First line\nSecond line\; with\, everything\\ and Umlauts: äöü",
        "LOCATION": r"Musterstraße 1\, Berlin",
        "STATUS": "CONFIRMED",
        "TRANSP": "OPAQUE",
        "SEQUENCE": "0",
        "CREATED": event["DTSTAMP"].to_ical().decode(),
        "LAST-MODIFIED": event["DTSTAMP"].to_ical().decode(),
    }


def test_text_that_no_server_takes_is_made_plain(proxied, proxy):
    odd = replace(DRAFT, title="Bell\x07 and null\x00", description="One\r\nTwo\tthree\x0b")
    path = proxied.adapter().create_event(proxied.calendar_id, odd).provider_event_id
    proxied.adapter().update_event(proxied.calendar_id, path, odd)
    event = stored(proxied, path)

    assert (str(event["SUMMARY"]), str(event["DESCRIPTION"])) == (
        "Bell and null",
        "One\nTwo\tthree",
    )
    assert len(proxy.asked("PUT")) == 1


def test_event_stands_under_its_uid(calendar):
    assert name_of(written(calendar)) == f"{DRAFT.uid}.ics"


def test_calendar_without_a_closing_slash_is_written_into(calendar):
    bare = replace(calendar, calendar_id=calendar.calendar_id.rstrip("/"))

    assert (
        written(bare) == f"{calendar.calendar_id.removeprefix(calendar.device.url)}{DRAFT.uid}.ics"
    )


def test_local_times_are_written_in_utc(calendar):
    local = replace(DRAFT, start=TEN.astimezone(BERLIN), end=(TEN + HOUR).astimezone(BERLIN))
    written = calendar.adapter().create_event(calendar.calendar_id, local)

    assert stored(calendar, written.provider_event_id)["DTSTART"].to_ical() == b"20260615T100000Z"


def test_what_the_consultant_added_is_kept(calendar):
    path = written(calendar)
    alarm = "BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:Soon\r\nTRIGGER:-PT15M\r\nEND:VALARM\r\n"
    own = "CATEGORIES:Important\r\nX-APPLE-TRAVEL-DURATION;VALUE=DURATION:PT30M\r\n"
    edit(calendar, path, lambda text: text.replace("END:VEVENT", f"{own}{alarm}END:VEVENT"))

    calendar.adapter().update_event(calendar.calendar_id, path, LATER)
    event = stored(calendar, path)

    assert event["DTSTART"].dt == LATER.start
    assert event["CATEGORIES"].to_ical() == b"Important"
    assert event["X-APPLE-TRAVEL-DURATION"].to_ical() == b"PT30M"
    assert [alarm["TRIGGER"].to_ical() for alarm in event.walk("VALARM")] == [b"-PT15M"]


def test_event_made_longer_by_a_duration_gets_its_end_back(calendar):
    path = written(calendar)
    edit(calendar, path, lambda text: text.replace("DTEND:20260615T110000Z", "DURATION:PT3H"))

    calendar.adapter().update_event(calendar.calendar_id, path, DRAFT)
    event = stored(calendar, path)

    assert (event["DTEND"].dt, "DURATION" in event) == (DRAFT.end, False)


def test_sequence_never_falls(calendar):
    path = written(calendar)
    edit(calendar, path, lambda text: text.replace("SEQUENCE:0", "SEQUENCE:7"))

    calendar.adapter().update_event(calendar.calendar_id, path, LATER)

    assert stored(calendar, path)["SEQUENCE"] == 7


def test_sequence_rises_alone(calendar):
    path = written(calendar)

    calendar.adapter().update_event(calendar.calendar_id, path, replace(DRAFT, sequence=3))

    assert stored(calendar, path)["SEQUENCE"] == 3


def test_empty_text_is_taken_out(calendar):
    path = written(calendar)

    calendar.adapter().update_event(
        calendar.calendar_id, path, replace(LATER, description="", location="")
    )

    assert {"DESCRIPTION", "LOCATION"} & set(stored(calendar, path)) == set()


def test_event_that_stands_as_drafted_is_not_written_again(proxied, proxy):
    path = written(proxied)
    proxy.requests.clear()

    proxied.adapter().update_event(proxied.calendar_id, path, DRAFT)

    assert [request.method for request in proxy.requests] == ["GET"]


def test_only_the_series_itself_is_changed_where_the_consultant_made_it_recur(calendar):
    path = written(calendar)
    override = (
        f"BEGIN:VEVENT\r\nUID:{DRAFT.uid}\r\nDTSTAMP:20260101T000000Z\r\n"
        "RECURRENCE-ID:20260616T100000Z\r\nDTSTART:20260616T120000Z\r\n"
        "DTEND:20260616T130000Z\r\nSUMMARY:Two hours later\r\nEND:VEVENT\r\n"
    )
    recurring = "RRULE:FREQ=DAILY;COUNT=3\r\nEND:VEVENT\r\n"
    edit(
        calendar,
        path,
        lambda text: text.replace("END:VEVENT\r\n", recurring).replace(
            "BEGIN:VEVENT\r\n", f"{override}BEGIN:VEVENT\r\n"
        ),
    )

    calendar.adapter().update_event(calendar.calendar_id, path, replace(DRAFT, title="New title"))
    object_ = icalendar.Calendar.from_ical(calendar.device.get(path))

    assert {str(event["SUMMARY"]): "RECURRENCE-ID" in event for event in object_.events} == {
        "New title": False,
        "Two hours later": True,
    }


# --- once and only once --------------------------------------------------------------------------


def test_answer_lost_after_the_write_leaves_one_event(proxied, proxy):
    """C-T9: the server has stored the event and nobody was told."""
    proxy.commit("PUT", lost)
    with pytest.raises(ProviderUnavailable):
        written(proxied)

    path = written(proxied)

    assert [event.series_id for event in events(proxied.full_round())] == [path]
    assert len(proxy.asked("PUT")) == 2


def test_event_moved_to_another_name_is_found_and_used(proxied):
    """A client may store what it imports under a name of its own."""
    path = written(proxied)
    moved = proxied.device.get(path)
    proxied.remove(path)
    elsewhere = proxied.device.put(proxied.calendar_id, "elsewhere.ics", moved)

    found = proxied.adapter().create_event(proxied.calendar_id, LATER)

    assert found.provider_event_id == elsewhere
    assert [event.start for event in events(proxied.full_round())] == [LATER.start]


def test_event_moved_to_another_name_is_found_where_the_server_names_it(xandikos: Device):
    calendar = calendar_on(xandikos, "/consultant/calendars/")
    path = written(calendar)
    moved = calendar.device.get(path)
    calendar.remove(path)
    elsewhere = calendar.device.put(calendar.calendar_id, "elsewhere.ics", moved)

    assert written(calendar) == elsewhere


def test_event_is_found_under_the_name_that_the_refusal_gives(proxied, proxy):
    path = written(proxied)
    proxy.requests.clear()
    there = f"<C:no-uid-conflict><D:href>{path}</D:href></C:no-uid-conflict>"
    proxy.commit("PUT", refused(403, there))
    proxy.commit("GET", instead(404))

    assert written(proxied) == path
    assert [b"calendar-query" in request.body for request in proxy.asked("REPORT")] == [False]


def test_uid_that_is_taken_in_another_calendar_is_refused(proxied, proxy):
    """iCloud does not take a UID twice in one account, wherever the other one is."""
    there = "<C:no-uid-conflict><D:href>/other/calendar/x.ics</D:href></C:no-uid-conflict>"
    proxy.commit("PUT", refused(403, there))

    with pytest.raises(WriteRefused):
        written(proxied)

    assert proxy.fetched() == []


def test_somebody_elses_event_at_our_address_is_left_alone(proxied):
    foreign = event_text("Not ours", TEN, TEN + HOUR)
    path = proxied.device.put(proxied.calendar_id, f"{DRAFT.uid}.ics", foreign)

    for write in (
        lambda adapter: adapter.create_event(proxied.calendar_id, DRAFT),
        lambda adapter: adapter.update_event(proxied.calendar_id, path, DRAFT),
        lambda adapter: adapter.delete_event(proxied.calendar_id, path),
    ):
        with pytest.raises(WriteRefused, match="not the one calsync wrote"):
            write(proxied.adapter())

    assert titles(proxied.full_round()) == ["Not ours"]


def test_event_of_another_booking_is_left_alone(proxied):
    path = written(proxied)
    other = replace(DRAFT, booking_id=uuid4(), title="Another booking")

    with pytest.raises(WriteRefused, match="not the one calsync wrote"):
        proxied.adapter().update_event(proxied.calendar_id, path, other)


def test_event_is_ours_by_its_uid_where_the_property_was_dropped(proxied):
    path = written(proxied)
    edit(proxied, path, without_line("X-CALSYNC-BOOKING"))

    proxied.adapter().update_event(proxied.calendar_id, path, LATER)
    proxied.adapter().delete_event(proxied.calendar_id, path)

    assert titles(proxied.full_round()) == []


def without_line(name: str) -> Callable[[str], str]:
    return lambda text: "".join(
        line for line in text.splitlines(keepends=True) if not line.startswith(name)
    )


# --- at the same time ----------------------------------------------------------------------------


def annotated(calendar: CalDavCalendar, path: str) -> Callable[[], None]:
    return lambda: edit(
        calendar, path, lambda text: text.replace("END:VEVENT", "COMMENT:Hi\r\nEND:VEVENT")
    )


def test_change_made_in_between_is_not_overwritten(proxied, proxy):
    """C-T10: the version named is the one that was read."""
    path = written(proxied)
    proxy.commit("PUT", first(annotated(proxied, path)))

    proxied.adapter().update_event(proxied.calendar_id, path, LATER)
    event = stored(proxied, path)

    assert (event["DTSTART"].dt, str(event["COMMENT"])) == (LATER.start, "Hi")


def test_event_that_keeps_changing_is_a_conflict(proxied, proxy):
    path = written(proxied)
    proxy.requests.clear()
    proxy.commit("PUT", first(annotated(proxied, path)), times=9)

    with pytest.raises(EventConflict):
        proxied.adapter().update_event(proxied.calendar_id, path, LATER)

    assert len(proxy.asked("PUT")) == 3


def test_event_changed_before_its_removal_is_looked_at_again(proxied, proxy):
    path = written(proxied)
    proxy.commit("DELETE", first(annotated(proxied, path)))

    proxied.adapter().delete_event(proxied.calendar_id, path)

    assert [len(proxy.asked("DELETE")), titles(proxied.full_round())] == [2, []]


def test_event_that_keeps_changing_is_not_removed(proxied, proxy):
    path = written(proxied)
    proxy.commit("DELETE", first(annotated(proxied, path)), times=9)

    with pytest.raises(EventConflict):
        proxied.adapter().delete_event(proxied.calendar_id, path)

    assert titles(proxied.full_round()) == [DRAFT.title]


def test_event_removed_in_between_is_gone(proxied, proxy):
    path = written(proxied)
    proxy.commit("PUT", first(lambda: proxied.remove(path)))

    with pytest.raises(EventGone):
        proxied.adapter().update_event(proxied.calendar_id, path, LATER)


def test_removal_whose_answer_was_lost_is_done(proxied, proxy):
    path = written(proxied)
    proxy.commit("DELETE", lost)
    with pytest.raises(ProviderUnavailable):
        proxied.adapter().delete_event(proxied.calendar_id, path)

    proxied.adapter().delete_event(proxied.calendar_id, path)

    assert titles(proxied.full_round()) == []


@pytest.mark.parametrize("status", [404, 410])
def test_removal_of_what_is_removed_meanwhile_is_done(status, proxied, proxy):
    path = written(proxied)
    proxy.commit("DELETE", instead(status))

    proxied.adapter().delete_event(proxied.calendar_id, path)


# --- versions ------------------------------------------------------------------------------------


def with_etag(etag: str | None) -> Fault:
    def fault(request: Request, forward: Answer) -> Response:
        answer = forward(request)
        headers = {name: value for name, value in answer.headers.items() if name != "ETag"}
        return replace(answer, headers=headers | ({"ETag": etag} if etag else {}))

    return fault


def test_event_is_written_though_its_version_is_not_told(proxied, proxy):
    """A server that alters what it is given tells none (RFC 4791 §5.3.4)."""
    proxy.commit("PUT", with_etag(None))
    proxied.adapter().create_event(proxied.calendar_id, DRAFT)

    assert [request.method for request in proxy.requests] == ["PUT"]


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
def test_version_that_cannot_be_compared_is_not_named(etag, proxied, proxy):
    path = written(proxied)
    proxy.commit("GET", with_etag(etag))

    proxied.adapter().update_event(proxied.calendar_id, path, LATER)

    assert "If-Match" not in proxy.asked("PUT")[-1].headers
    assert stored(proxied, path)["DTSTART"].dt == LATER.start


# --- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "error", "reason"),
    [
        (instead(400), WriteRefused, "does not take the event"),
        (instead(403), WriteRefused, "does not take the event"),
        (refused(403, "<D:need-privileges/>"), WriteRefused, "may read the calendar but not write"),
        (refused(403, "<C:max-resource-size/>"), WriteRefused, "does not take the event"),
        (instead(404), WriteRefused, "does not take the event"),
        (instead(405), WriteRefused, "does not take the event"),
        (instead(409), WriteRefused, "does not take the event"),
        (instead(413), WriteRefused, "does not take the event"),
        (instead(415), WriteRefused, "does not take the event"),
        (instead(507), WriteRefused, "The calendar is full."),
        (instead(401), AccessRevoked, "refuses the name or the password"),
        (instead(412), ProviderUnavailable, "makes no sense"),
        (instead(423), ProviderUnavailable, "makes no sense"),
        (instead(500), ProviderUnavailable, "error 500"),
        (instead(503), ProviderUnavailable, "error 503"),
        (instead(303, Location="/"), ProviderUnavailable, "makes no sense"),
        (lambda *_: None, ProviderUnavailable, "failed or broke off"),
    ],
)
def test_refused_write_says_what_to_do_next(fault, error, reason, proxied, proxy):
    proxy.commit("PUT", fault)

    with pytest.raises(error, match=reason) as failure:
        written(proxied)

    assert type(failure.value) is error
    assert titles(proxied.full_round()) == []


def test_refused_removal_says_what_to_do_next(proxied, proxy):
    path = written(proxied)
    proxy.commit("DELETE", instead(403))

    with pytest.raises(WriteRefused):
        proxied.adapter().delete_event(proxied.calendar_id, path)


@pytest.mark.parametrize("status", [307, 308])
def test_redirected_write_is_written_there_unchanged(status, proxied, proxy):
    there = f"{proxied.calendar_id.removeprefix(proxy.url)}{DRAFT.uid}.ics"
    proxy.commit("PUT", instead(status, Location=there))

    written(proxied)
    [first, second] = proxy.asked("PUT")

    assert (first.body, first.headers["If-None-Match"]) == (
        second.body,
        second.headers["If-None-Match"],
    )


def test_write_into_a_removed_calendar_says_that_it_is_gone(calendar):
    calendar.device.delete(calendar.calendar_id.removeprefix(calendar.device.url))

    with pytest.raises(CalendarGone):
        written(calendar)


@pytest.mark.parametrize("status", [403, 404, 409])
def test_refused_write_may_mean_that_the_calendar_is_gone(status, proxied, proxy):
    proxy.commit("PUT", instead(status))
    proxy.commit("PROPFIND", instead(404))

    with pytest.raises(CalendarGone):
        written(proxied)


# --- direct reads --------------------------------------------------------------------------------


def read(calendar: CalDavCalendar, path: str):
    return calendar.adapter().read_event(calendar.calendar_id, path, zone=BERLIN)


def test_event_of_a_removed_calendar_is_not_proven_gone(calendar):
    path = written(calendar)
    calendar.device.delete(calendar.calendar_id.removeprefix(calendar.device.url))

    with pytest.raises(CalendarGone):
        read(calendar, path)


@pytest.mark.parametrize("status", [404, 410])
def test_missing_event_in_a_calendar_that_answers_is_gone(status, proxied, proxy):
    path = written(proxied)
    proxy.commit("GET", instead(status))

    with pytest.raises(EventGone):
        read(proxied, path)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (instead(200, "<html>Sign in</html>", Content_Type="text/html"), ProviderUnavailable),
        (instead(200, ""), ProviderUnavailable),
        (instead(204), ProviderUnavailable),
        (instead(206, event_text("Part", TEN, TEN + HOUR)), ProviderUnavailable),
        (instead(200, calendar_text()), ProviderUnavailable),
        (instead(403), ProviderUnavailable),
        (instead(500), ProviderUnavailable),
        (cut_off, ProviderUnavailable),
        (instead(401), AccessRevoked),
    ],
)
def test_event_that_could_not_be_read_is_not_gone(fault, error, proxied, proxy):
    """P19: an error is no proof."""
    path = written(proxied)
    proxy.commit("GET", fault)

    with pytest.raises(error) as failure:
        read(proxied, path)

    assert type(failure.value) is error


def test_web_page_says_nothing_about_whose_event_it_is(proxied, proxy):
    path = written(proxied)
    proxy.commit("GET", instead(200, "<html>Sign in</html>", Content_Type="text/html"))

    with pytest.raises(ProviderUnavailable, match="makes no sense"):
        proxied.adapter().delete_event(proxied.calendar_id, path)


def test_missing_event_is_not_gone_while_the_calendar_does_not_answer(proxied, proxy):
    path = written(proxied)
    proxy.commit("GET", instead(404))
    proxy.commit("PROPFIND", instead(503))

    with pytest.raises(ProviderUnavailable):
        read(proxied, path)


def test_event_the_consultant_cancelled_is_gone(calendar):
    path = written(calendar)
    edit(calendar, path, lambda text: text.replace("STATUS:CONFIRMED", "STATUS:CANCELLED"))

    with pytest.raises(EventGone, match="cancelled"):
        read(calendar, path)


def test_event_the_consultant_cancelled_stands_again_when_it_is_written(calendar):
    path = written(calendar)
    edit(calendar, path, lambda text: text.replace("STATUS:CONFIRMED", "STATUS:CANCELLED"))

    calendar.adapter().update_event(calendar.calendar_id, path, DRAFT)

    assert read(calendar, path).status == "confirmed"


def test_object_that_cannot_be_read_is_not_overwritten(proxied, proxy):
    path = written(proxied)
    proxy.commit("GET", instead(200, "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:" + DRAFT.uid))

    with pytest.raises(ProviderUnavailable, match="cannot be read"):
        proxied.adapter().update_event(proxied.calendar_id, path, LATER)
