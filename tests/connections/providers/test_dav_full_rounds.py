"""Full rounds: servers without sync-collection, calendars of many years, invitations."""

import logging
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from time import process_time
from zoneinfo import ZoneInfo

import pytest

from connections.providers.base import (
    AccessRevoked,
    ProviderError,
    ProviderUnavailable,
    RateLimited,
)
from tests.connections.providers.caldav_servers import (
    PASSWORD,
    USERNAME,
    CalDavCalendar,
    Device,
    calendar_on,
    name_of,
    vevent,
)
from tests.connections.providers.contract import (
    DAY,
    HOUR,
    TEN,
    WINDOW,
    events,
    removed,
    titles,
)
from tests.connections.providers.far_end import (
    TRUNCATED,
    Answer,
    Proxy,
    Request,
    Response,
    cut_off,
    edited,
    instead,
    without,
)

# --- servers without sync-collection -------------------------------------------------------------


def without_sync(body: str) -> str:
    return body.replace("<sync-collection />", "")


def without_sync_and_ctag(body: str) -> str:
    return without_sync(body).replace("getctag", "no-such-thing")


@pytest.fixture(params=[without_sync, without_sync_and_ctag])
def plain(request, proxied: CalDavCalendar, proxy: Proxy) -> CalDavCalendar:
    """A server that has no sync-collection, with and without a ctag."""
    proxy.commit("PROPFIND", edited(request.param), about="supported-report-set", times=999)
    return proxied


def test_changes_are_found_by_comparing_etags(plain):
    plain.add_some(2)
    moves, goes = plain.add("Moves", TEN, TEN + HOUR), plain.add("Goes", TEN, TEN + HOUR)
    token = plain.token()

    plain.add("Comes", TEN, TEN + HOUR)
    plain.change(moves, "Moved", TEN + DAY, TEN + DAY + HOUR)
    plain.remove(goes)
    pages = plain.since(token)

    assert token.startswith("dav-list-1:")
    assert titles(pages) == ["Comes", "Moved"]
    assert removed(pages) == {goes}
    assert (titles(plain.since(pages[-1].sync_token)), plain.token()) == (
        [],
        pages[-1].sync_token,
    )


def test_list_is_read_again_only_if_the_ctag_moved(proxied, proxy):
    proxy.commit("PROPFIND", edited(without_sync), about="supported-report-set", times=999)
    proxied.add_some(2)
    token = proxied.token()
    proxy.requests.clear()

    pages = proxied.since(token)

    assert (len(proxy.requests), pages[-1].sync_token) == (1, token)


def test_object_without_an_etag_is_read_every_time(plain, proxy):
    plain.add_some(1)
    proxy.commit(
        "PROPFIND",
        edited(lambda body: body.replace("getetag>", "no-etag>")),
        about="getetag",
        times=9,
    )
    token = plain.token()
    plain.add("Comes", TEN, TEN + HOUR)

    assert titles(plain.since(token)) == ["Comes", "Event 0"]


def test_list_that_was_cut_is_no_list(plain, proxy):
    plain.add_some(2)
    cut = edited(lambda body: body.replace("</multistatus>", f"{TRUNCATED}</multistatus>"))
    proxy.commit("PROPFIND", cut, about="getetag")

    with pytest.raises(ProviderUnavailable, match="only a part"):
        plain.full_round()


def test_list_that_was_cut_short_in_silence_removes_nothing(plain, proxy):
    """S7: the next round lists again, and what goes from a calendar meanwhile is still missed."""
    [stays, changes, goes] = plain.add_some(3)
    token = plain.token()
    plain.remove(goes)
    plain.change(changes, "Changed", TEN, TEN + HOUR)
    proxy.commit("PROPFIND", without(name_of(stays), name_of(changes)), about="getetag")

    pages = plain.since(token)
    plain.remove(stays)
    after = plain.since(pages[-1].sync_token)

    assert (titles(pages), removed(pages)) == (["Changed", "Event 0"], {goes})
    assert removed(after) == {stays}


def test_member_that_a_short_list_hid_is_found_by_the_next(plain, proxy):
    [stays] = plain.add_some(1)
    token = plain.token()
    comes = plain.add("Comes", TEN, TEN + HOUR)
    proxy.commit("PROPFIND", without(name_of(stays), name_of(comes)), about="getetag")

    pages = plain.since(token)

    assert titles(pages) == ["Event 0"]
    assert titles(plain.since(pages[-1].sync_token)) == ["Comes"]


def test_web_page_is_no_empty_list(plain, proxy):
    """Well-formed, and without a single event in it."""
    plain.add_some(1)
    token = plain.token()
    page = "<html xmlns='http://www.w3.org/1999/xhtml'><body>Maintenance</body></html>"
    proxy.commit("PROPFIND", instead(200, page), about="getetag", times=2)
    plain.add("Comes", TEN, TEN + HOUR)

    for ask in (plain.full_round, lambda: plain.since(token)):
        with pytest.raises(ProviderUnavailable, match="makes no sense"):
            ask()


def test_event_of_somebody_who_left_the_list_and_came_back_is_shown(plain):
    [series] = plain.add_some(1)
    token = plain.token()
    text = plain.device.get(series)
    plain.remove(series)
    gone = plain.since(token)
    plain.device.put(plain.calendar_id, name_of(series), text)

    assert removed(gone) == {series}
    assert titles(plain.since(gone[-1].sync_token)) == ["Event 0"]


# --- calendars of many years ---------------------------------------------------------------------

OLD = datetime(2016, 1, 4, 9, tzinfo=UTC)
FLOATING = datetime(2026, 5, 31, 20)  # noqa: DTZ001  in Los Angeles that is after the window's start


@pytest.fixture(scope="module")
def history(radicale: Device) -> CalDavCalendar:
    """Meetings of ten years of which a few reach into the window. Only to be read."""
    calendar = calendar_on(radicale, f"/{USERNAME}/")
    calendar.upload(
        *(vevent(f"Old {n}", OLD + n * DAY, OLD + n * DAY + HOUR) for n in range(1000)),
        *(vevent(f"Weekly {n}", OLD, OLD + HOUR, "RRULE:FREQ=WEEKLY") for n in range(40)),
        vevent("Dates", OLD, OLD + HOUR, "RDATE:20260701T090000Z"),
        vevent("Now", TEN, TEN + HOUR),
        vevent("Floating", FLOATING, FLOATING + HOUR).replace("0000Z", "0000"),
    )
    return calendar


@pytest.fixture
def long_used(history: CalDavCalendar, proxy: Proxy) -> CalDavCalendar:
    return history.through(proxy)


def what_matters(calendar: CalDavCalendar) -> set[str]:
    pages = calendar.adapter().changes(
        calendar.calendar_id, window=WINDOW, zone=ZoneInfo("America/Los_Angeles")
    )
    return {event.title for page in pages for event in page.events}


ALL_THAT_MATTERS = {"Now", "Dates", "Floating", *(f"Weekly {n}" for n in range(40))}


def test_of_a_long_history_only_what_matters_and_a_sample_is_fetched(long_used, proxy):
    assert what_matters(long_used) == ALL_THAT_MATTERS
    assert proxy.fetched() == [43, 167]


@pytest.mark.parametrize("question", ["time-range", 'prop-filter name="RDATE"'])
def test_server_that_does_not_know_the_question_is_asked_for_everything(question, long_used, proxy):
    proxy.commit("REPORT", instead(400), about=question)

    assert what_matters(long_used) == ALL_THAT_MATTERS
    assert sum(proxy.fetched()) == 1043


def test_server_that_finds_nothing_in_the_window_is_asked_for_everything(long_used, proxy):
    proxy.commit("REPORT", instead(207, "<multistatus xmlns='DAV:'/>"), about="time-range")

    assert what_matters(long_used) == ALL_THAT_MATTERS


def test_server_that_does_not_expand_series_is_asked_which_ones_there_are(long_used, proxy):
    proxy.commit("REPORT", without("Weekly", "Dates"), about="time-range")

    assert what_matters(long_used) == ALL_THAT_MATTERS
    assert sum(proxy.fetched()) < 1043


def test_server_that_forgets_series_altogether_is_found_out_by_the_sample(long_used, proxy):
    proxy.commit("REPORT", without("Weekly"), about="calendar-query", times=3)

    assert what_matters(long_used) == ALL_THAT_MATTERS


def test_server_that_asks_to_wait_is_not_asked_for_everything_instead(long_used, proxy):
    proxy.commit("REPORT", instead(429), about="calendar-query")

    with pytest.raises(RateLimited):
        what_matters(long_used)


# --- invitations ---------------------------------------------------------------------------------


def invitation(title: str, address: str, answer: str) -> str:
    return vevent(
        title,
        *(TEN, TEN + HOUR),
        "ORGANIZER:mailto:boss@example.com",
        f"ATTENDEE;PARTSTAT={answer}:mailto:{address}",
        "ATTENDEE;PARTSTAT=DECLINED:mailto:somebody@example.com",
    )


def shown(calendar: CalDavCalendar) -> dict[str, str]:
    return {event.title: event.transparency for event in events(calendar.full_round())}


def test_own_refusal_does_not_block(proxied):
    """C-T15: the sign-in name is one of the consultant's own addresses."""
    proxied.upload(
        invitation("Declined", USERNAME.upper(), "DECLINED"),
        invitation("Accepted", USERNAME, "ACCEPTED"),
    )

    assert shown(proxied) == {"Declined": "transparent", "Accepted": "opaque"}


def test_sign_in_name_is_an_address_in_any_case(proxied):
    proxied.upload(invitation("Declined", USERNAME, "DECLINED"))
    pages = proxied.adapter(username=USERNAME.title()).changes(
        proxied.calendar_id, window=WINDOW, zone=ZoneInfo("UTC")
    )

    assert [event.transparency for event in events(list(pages))] == ["transparent"]


def test_other_addresses_of_the_account_are_its_own_too(proxied, proxy):
    addresses = edited(
        lambda body: body.replace(
            "<C:calendar-user-address-set>",
            "<C:calendar-user-address-set><href>MAILTO:Ada%2Bwork@example.com</href>",
        )
    )
    proxy.commit("PROPFIND", addresses, about="calendar-user-address-set")
    proxied.upload(invitation("Declined", "ada+work@example.com", "DECLINED"))

    assert shown(proxied) == {"Declined": "transparent"}


def test_account_without_a_principal_knows_its_sign_in_name(proxied, proxy):
    proxied.upload(invitation("Declined", USERNAME, "DECLINED"))
    proxy.commit("PROPFIND", instead(403), about="current-user-principal")

    assert shown(proxied) == {"Declined": "transparent"}


def test_password_that_is_refused_meanwhile_is_not_tried_again(proxied, proxy):
    proxied.upload(invitation("Declined", USERNAME, "DECLINED"))
    proxy.commit("PROPFIND", instead(401), about="current-user-principal")

    with pytest.raises(AccessRevoked):
        proxied.full_round()

    assert proxy.requests[-1].method == "PROPFIND"


def test_addresses_are_asked_for_once_and_only_for_invitations(proxied, proxy):
    proxied.add_some(1)
    token = proxied.token()
    before = len(proxy.asked("PROPFIND"))
    proxied.add("No invitation", TEN, TEN + HOUR)
    token = proxied.since(token)[-1].sync_token
    without_invitation = len(proxy.asked("PROPFIND"))
    proxied.add("One", TEN, TEN + HOUR, f"ATTENDEE;PARTSTAT=DECLINED:mailto:{USERNAME}")
    proxied.add("Two", TEN, TEN + HOUR, f"ATTENDEE;PARTSTAT=DECLINED:mailto:{USERNAME}")
    proxied.since(token)

    assert (before, without_invitation, len(proxy.asked("PROPFIND"))) == (1, 1, 3)


# --- what cannot be read, and what must not be told ----------------------------------------------


def test_object_that_cannot_be_read_is_reported_and_the_others_are_read(proxied, proxy):
    [broken, _] = proxied.add_some(2)
    garbled = edited(lambda body: body.replace("SUMMARY:Event 0", "RRULE:FREQ=NEVER"))
    proxy.commit("REPORT", garbled, about="calendar-multiget")

    pages = proxied.full_round()

    assert "Event 1" in titles(pages)
    assert {problem.object_id for page in pages for problem in page.problems} == {broken}


@pytest.mark.parametrize("odd", ["\x0b", "\x00", "&#11;", "&#x1F;", "&#08;"])
def test_character_that_xml_forbids_hides_no_other_event(odd, proxied, proxy):
    proxied.add_some(2)
    with_odd = edited(lambda body: body.replace("Event 0", f"Event {odd}0"))
    proxy.commit("REPORT", with_odd, about="calendar-multiget")

    assert titles(proxied.full_round()) == ["Event 0", "Event 1"]


def test_bytes_that_are_no_text_hide_no_other_event(proxied, proxy):
    proxied.add_some(2)

    def garble(request: Request, forward: Answer) -> Response:
        answer = forward(request)
        return replace(answer, body=answer.body.replace(b"Event 0", b"Event \xff"))

    proxy.commit("REPORT", garble, about="calendar-multiget")

    assert titles(proxied.full_round()) == ["Event 1", "Event \ufffd"]


def test_event_with_a_file_of_eleven_megabytes_hides_no_event(proxied, proxy):
    """C-T7: libxml2 refuses any text of more than 10 MB unless it is told otherwise."""
    proxied.add_some(2)
    file = f"ATTACH;ENCODING=BASE64;VALUE=BINARY:{'x' * 11_000_000}"
    with_file = edited(lambda body: body.replace("SUMMARY:Event 0", f"SUMMARY:Event 0\n{file}"))
    proxy.commit("REPORT", with_file, about="calendar-multiget")

    pages = proxied.full_round()

    assert titles(pages) == ["Event 0", "Event 1"]
    assert [page.problems for page in pages if page.problems] == []


def test_answer_that_swells_as_it_is_read_is_refused(proxied, proxy):
    """A billion laughs: entities within entities, in an attribute, where they are always read."""
    names = "abcdefghij"
    laughs = "".join(f'<!ENTITY {name} "{f"&{inner};" * 10}">' for inner, name in pairwise(names))
    bomb = f"<!DOCTYPE m [<!ENTITY a '{'ha' * 500}'>{laughs}]><multistatus xmlns='DAV:' x='&j;'/>"
    proxy.commit("REPORT", instead(207, bomb))
    began = process_time()

    with pytest.raises(ProviderUnavailable, match="makes no sense"):
        proxied.full_round()

    assert process_time() - began < 2


def test_neither_password_nor_event_is_told_to_the_log(proxied, proxy, caplog):
    caplog.set_level(logging.DEBUG)
    proxied.add("A very private matter", TEN, TEN + HOUR)
    reasons = []
    for fault in (cut_off, instead(403, "A very private matter"), instead(200, "<html>A very")):
        proxy.commit("REPORT", fault, about="calendar-multiget")
        with pytest.raises(ProviderError) as failure:
            proxied.full_round()
        reasons.append(str(failure.value))
    proxied.full_round()

    told = caplog.text + "".join(reasons)
    assert [secret for secret in (PASSWORD, "A very", "Basic ") if secret in told] == []
