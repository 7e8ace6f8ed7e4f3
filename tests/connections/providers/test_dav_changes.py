"""Rounds of changes on a server that misbehaves: what is complete, and what is not believed."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest
from lxml import etree

from connections.providers.base import (
    AccessRevoked,
    AddressRefused,
    CalendarGone,
    ChangePage,
    Problem,
    ProviderUnavailable,
    RateLimited,
    SyncTokenExpired,
)
from connections.providers.session import Limits
from tests.connections.providers.caldav_servers import (
    USERNAME,
    CalDavCalendar,
    event_text,
    name_of,
    vevent,
)
from tests.connections.providers.contract import (
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
    CutInto,
    FarEnd,
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

SYNC, MULTIGET = "sync-collection", "calendar-multiget"


# --- tokens that are no longer known -------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 403, 409, 410, 412])
def test_expired_token_asks_for_a_full_round_in_every_spelling(status, proxied, proxy):
    token = proxied.token()
    proxy.commit("REPORT", refused(status, "<D:valid-sync-token/>"), about=SYNC)

    with pytest.raises(SyncTokenExpired):
        proxied.since(token)


@pytest.mark.parametrize("status", [409, 410, 412])
def test_token_refused_without_a_reason_asks_for_a_full_round(status, proxied, proxy):
    token = proxied.token()
    proxy.commit("REPORT", instead(status), about=SYNC)

    with pytest.raises(SyncTokenExpired):
        proxied.since(token)


def test_refusal_without_that_reason_is_no_expired_token(proxied, proxy):
    token = proxied.token()
    proxy.commit("REPORT", refused(403, "<D:need-privileges/>"), about=SYNC)

    with pytest.raises(AccessRevoked):
        proxied.since(token)


def test_full_round_after_an_expired_token_gives_one_that_works(proxied, proxy):
    goes = proxied.add("Goes", TEN, TEN + HOUR)
    token = proxied.token()
    proxied.remove(goes)
    proxy.commit("REPORT", refused(403, "<D:valid-sync-token/>"), about=SYNC)
    with pytest.raises(SyncTokenExpired):
        proxied.since(token)

    pages = proxied.full_round()
    proxied.add("Comes", TEN, TEN + HOUR)

    assert titles(pages) == []
    assert titles(proxied.since(pages[-1].sync_token)) == ["Comes"]


def test_token_belongs_to_its_calendar(proxied, calendar):
    other = replace(proxied, calendar_id=calendar.device.make_calendar(f"/{USERNAME}/"))
    other = replace(other, server_url=calendar.server_url)

    with pytest.raises(SyncTokenExpired):
        other.since(proxied.token())


@pytest.mark.parametrize("kind", ["dav-sync-1", "dav-list-1", "dav-sync-2", "fake"])
def test_damaged_token_asks_for_a_full_round(kind, proxied):
    binding = proxied.token().split(":")[1]

    for content in ("", "####", "bm90IHppcHBlZA=="):
        with pytest.raises(SyncTokenExpired):
            proxied.since(f"{kind}:{binding}:{content}")


# --- paging --------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 3, 6, 7, 100])
def test_changes_in_parts_are_complete(size, proxied, proxy):
    token = proxied.token()
    [*_, goes] = proxied.add_some(7)
    after_adding = proxied.since(token)[-1].sync_token
    proxied.remove(goes)
    proxy.commit("REPORT", CutInto(size), times=99, about=SYNC)

    assert titles(proxied.full_round()) == [f"Event {number}" for number in range(6)]
    assert titles(proxied.since(token)) == [f"Event {number}" for number in range(6)]
    assert removed(proxied.since(after_adding)) == {goes}


def test_walk_that_breaks_off_gives_no_token(proxied, proxy):
    proxied.add_some(3)
    proxy.commit("REPORT", CutInto(1), times=2, about=SYNC)
    proxy.commit("REPORT", instead(500), about=SYNC)
    pages = proxied.adapter().changes(
        proxied.calendar_id, window=WINDOW, zone=ZoneInfo("UTC"), sync_token=""
    )
    seen = []

    with pytest.raises(ProviderUnavailable, match="error 500"):
        seen.extend(pages)

    assert [page.sync_token for page in seen if page.sync_token] == []


def test_server_that_never_comes_to_an_end_is_left(proxied, proxy):
    proxied.add_some(2)
    stuck = edited(lambda body: body.replace("</multistatus>", f"{TRUNCATED}</multistatus>"))
    proxy.commit("REPORT", stuck, times=99, about=SYNC)

    with pytest.raises(ProviderUnavailable, match="never comes to an end"):
        proxied.full_round()


def test_large_calendar_comes_in_pages(proxied, proxy):
    proxied.upload(*(vevent(f"Event {number}", TEN, TEN + HOUR) for number in range(450)))

    pages = proxied.full_round()

    assert [len(page.events) for page in pages] == [200, 200, 50, 0]
    assert proxy.fetched() == [200, 200, 50]


# --- answers that are not whole ------------------------------------------------------------------


def test_object_left_out_once_is_asked_for_again(proxied, proxy):
    [_, second, _] = proxied.add_some(3)
    proxy.commit("REPORT", without(name_of(second)), about=MULTIGET)

    assert titles(proxied.full_round()) == ["Event 0", "Event 1", "Event 2"]
    assert proxy.fetched() == [3, 1]


def test_server_that_answers_two_at_a_time_is_asked_until_it_is_done(proxied, proxy):
    proxied.add_some(5)

    def first_two(body: str) -> str:
        *responses, _ = body.split("</response>")
        return "</response>".join([*responses[:2], "</multistatus>"])

    proxy.commit("REPORT", edited(first_two), about=MULTIGET, times=9)

    assert titles(proxied.full_round()) == [f"Event {number}" for number in range(5)]
    assert proxy.fetched() == [5, 3, 1]


def test_object_left_out_twice_makes_the_round_incomplete(proxied, proxy):
    [_, second, _] = proxied.add_some(3)
    proxy.commit("REPORT", without(name_of(second)), about=MULTIGET, times=2)

    with pytest.raises(ProviderUnavailable, match="left out 1 of 3 events"):
        proxied.full_round()


def test_object_without_its_text_counts_as_left_out(proxied, proxy):
    proxied.add_some(1)
    hollow = edited(lambda body: body.replace("200 OK", "403 Forbidden"))
    proxy.commit("REPORT", hollow, about=MULTIGET, times=2)

    with pytest.raises(ProviderUnavailable, match="left out 1 of 1 events"):
        proxied.full_round()


def test_object_that_goes_while_it_is_fetched_is_removed(proxied, proxy):
    token = proxied.token()
    [_, goes] = proxied.add_some(2)

    def vanish(request, forward):
        proxied.remove(goes)
        return forward(request)

    proxy.commit("REPORT", vanish, about=MULTIGET)
    pages = proxied.since(token)

    assert titles(pages) == ["Event 0"]
    assert removed(pages) == {goes}


def test_missing_property_is_no_missing_object(proxied, proxy):
    token = proxied.token()
    proxied.add_some(1)
    no_etag = edited(lambda body: body.replace("200 OK", "404 Not Found"))
    proxy.commit("REPORT", no_etag, about=SYNC)

    pages = proxied.since(token)

    assert (titles(pages), removed(pages)) == (["Event 0"], set())


def test_object_that_was_not_asked_for_is_left_aside(proxied, proxy):
    proxied.add_some(1)
    extra = (
        "<response><href>/elsewhere/x.ics</href><propstat><prop><C:calendar-data>"
        f"{event_text('Extra', TEN, TEN + HOUR)}</C:calendar-data></prop>"
        "<status>HTTP/1.1 200 OK</status></propstat></response></multistatus>"
    )
    proxy.commit(
        "REPORT", edited(lambda body: body.replace("</multistatus>", extra)), about=MULTIGET
    )

    assert titles(proxied.full_round()) == ["Event 0"]


@pytest.mark.parametrize("about", [SYNC, MULTIGET])
@pytest.mark.parametrize(
    "fault",
    [
        cut_off,
        lost,
        instead(500),
        instead(502, "<html>Bad gateway</html>"),
        instead(200, "<html><body>Sign in</body></html>", Content_Type="text/html"),
        instead(207, "<multistatus xmlns='DAV:'><response>", Content_Type="text/xml"),
        instead(207, "", Content_Type="text/xml"),
        instead(207, "<multistatus xmlns='DAV:'><response/></multistatus>"),
        instead(204),
    ],
)
def test_answer_that_makes_no_sense_is_no_empty_calendar(fault, about, proxied, proxy):
    proxied.add_some(1)
    proxy.commit("REPORT", fault, about=about, times=2)

    with pytest.raises(ProviderUnavailable):
        proxied.full_round()


def test_sync_report_without_a_token_is_not_believed(proxied, proxy):
    proxied.add_some(1)
    proxy.commit("REPORT", instead(207, "<multistatus xmlns='DAV:'/>"), about=SYNC)

    with pytest.raises(ProviderUnavailable, match="makes no sense"):
        proxied.full_round()


# --- what is said to be gone ---------------------------------------------------------------------


def saying_gone(*paths: str) -> Fault:
    """Add to a multistatus that these are gone."""
    status = "<status>HTTP/1.1 404 Not Found</status>"
    responses = "".join(f"<response><href>{one}</href>{status}</response>" for one in paths)
    return edited(lambda body: body.replace("</multistatus>", f"{responses}</multistatus>"))


def test_phantom_removal_in_a_sync_report_removes_nothing(proxied, proxy):
    [phantom, goes] = proxied.add_some(2)
    token = proxied.token()
    proxied.remove(goes)
    proxy.commit("REPORT", saying_gone(phantom), about=SYNC)

    pages = proxied.since(token)

    assert (titles(pages), removed(pages)) == (["Event 0"], {goes})


def test_removals_cost_one_more_request(proxied, proxy):
    [goes, goes_too] = proxied.add_some(2)
    token = proxied.token()
    proxied.remove(goes)
    proxied.remove(goes_too)
    proxy.requests.clear()

    assert removed(proxied.since(token)) == {goes, goes_too}
    assert (len(proxy.requests), proxy.fetched()) == (2, [2])


def test_many_removals_are_asked_for_in_batches(proxied, proxy):
    token = proxied.token()
    phantoms = [f"{urlsplit(proxied.calendar_id).path}{number}.ics" for number in range(450)]
    proxy.commit("REPORT", saying_gone(*phantoms), about=SYNC)
    proxy.requests.clear()

    assert len(removed(proxied.since(token))) == 450
    assert proxy.fetched() == [200, 200, 50]


def test_removal_that_a_multiget_leaves_out_is_asked_for_alone(proxied, proxy):
    [phantom, goes] = proxied.add_some(2)
    token = proxied.token()
    proxied.remove(goes)
    proxy.commit("REPORT", saying_gone(phantom), about=SYNC)
    proxy.commit("REPORT", without(name_of(phantom), name_of(goes)), about=MULTIGET)

    pages = proxied.since(token)

    assert (titles(pages), removed(pages)) == (["Event 0"], {goes})
    assert sorted(one.path for one in proxy.asked("GET")) == sorted([phantom, goes])


@pytest.mark.parametrize(
    "answer",
    [instead(500), instead(207), instead(403), lost],
    ids=["500", "207", "403", "silence"],
)
def test_removal_that_the_server_does_not_answer_for_is_not_believed(answer, proxied, proxy):
    [goes] = proxied.add_some(1)
    token = proxied.token()
    proxied.remove(goes)
    proxy.commit("REPORT", without(name_of(goes)), about=MULTIGET)
    proxy.commit("GET", answer)

    with pytest.raises(ProviderUnavailable):
        proxied.since(token)


# --- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, AccessRevoked), (403, AccessRevoked), (404, CalendarGone), (410, CalendarGone)],
)
@pytest.mark.parametrize("method", ["PROPFIND", "REPORT"])
def test_refusal_says_what_to_do_next(method, status, error, proxied, proxy):
    proxy.commit(method, instead(status))

    with pytest.raises(error):
        proxied.full_round()


def test_password_is_refused_once_and_not_tried_again(proxied, proxy):
    token = proxied.token()
    proxy.requests.clear()

    with pytest.raises(AccessRevoked):
        list(
            proxied.adapter(password="wrong").changes(
                proxied.calendar_id, window=WINDOW, zone=ZoneInfo("UTC"), sync_token=token
            )
        )

    assert len(proxy.requests) == 1


def test_calendar_that_was_removed_is_gone(calendar):
    calendar.device.delete(calendar.calendar_id.removeprefix(calendar.device.url))

    with pytest.raises(CalendarGone):
        calendar.full_round()


def test_calendar_that_was_removed_is_gone_although_the_answer_is_a_multistatus(xandikos):
    gone = CalDavCalendar(
        device=xandikos,
        calendar_id=f"{xandikos.url}/consultant/calendars/gone/",
        server_url=xandikos.url,
    )

    with pytest.raises(CalendarGone):
        gone.full_round()


@pytest.mark.parametrize("status", [429, 503])
def test_server_that_asks_to_wait_says_how_long(status, proxied, proxy):
    proxy.commit("REPORT", instead(status, Retry_After="17"))

    with pytest.raises(RateLimited) as limit:
        proxied.full_round()

    assert limit.value.retry_after == 17


def test_server_that_asks_to_wait_may_name_a_date(proxied, proxy):
    then = datetime.now(UTC) + timedelta(seconds=100)
    proxy.commit("REPORT", instead(429, Retry_After=format_datetime(then, usegmt=True)))

    with pytest.raises(RateLimited) as limit:
        proxied.full_round()

    assert 95 < limit.value.retry_after <= 100


@pytest.mark.parametrize("value", [{}, {"Retry_After": "soon"}, {"Retry_After": "-5"}])
def test_server_that_asks_to_wait_for_no_sensible_time_gets_a_minute(value, proxied, proxy):
    proxy.commit("REPORT", instead(429, **value))

    with pytest.raises(RateLimited) as limit:
        proxied.full_round()

    assert limit.value.retry_after == 60


# --- addresses in answers ------------------------------------------------------------------------


@pytest.mark.parametrize("about", [SYNC, MULTIGET])
def test_href_on_a_foreign_host_is_refused(about, proxied, proxy):
    proxied.add_some(1)
    foreign = edited(lambda body: body.replace("<href>/", "<href>https://evil.example/"))
    proxy.commit("REPORT", foreign, about=about)

    with pytest.raises(AddressRefused, match=r"https://evil\.example"):
        proxied.full_round()


def test_href_with_the_servers_own_host_is_the_same_object(proxied, proxy):
    [series] = proxied.add_some(1)
    absolute = edited(lambda body: body.replace("<href>/", f"<href>{proxy.url}/"))
    proxy.commit("REPORT", absolute, times=9)

    pages = proxied.full_round()

    assert [event.series_id for event in events(pages)] == [series]


def test_spelling_of_an_href_does_not_matter(proxied, proxy):
    [series] = proxied.add_some(1)
    spelled = edited(lambda body: body.replace("%40", "@"))
    proxy.commit("REPORT", spelled, about=MULTIGET)

    assert [event.series_id for event in events(proxied.full_round())] == [series]


def test_redirect_of_the_collection_stays_on_the_server(proxied, proxy):
    proxied.add_some(1)
    with FarEnd(lambda request: Response(207)) as stranger:
        proxy.commit("REPORT", instead(307, Location=f"{stranger.url}/cal/"))

        with pytest.raises(AddressRefused):
            proxied.full_round()

        assert stranger.requests == []


# --- time ----------------------------------------------------------------------------------------


def test_every_request_of_a_long_round_has_its_own_time(proxied, proxy):
    def slowly(request, forward):
        proxy.is_closing.wait(0.5)
        return forward(request)

    proxied.add_some(1)
    proxied.limits = Limits(total=1.4)
    for method in ("PROPFIND", "REPORT"):
        proxy.commit(method, slowly, times=9)

    assert titles(proxied.full_round()) == ["Event 0"]
    assert len(proxy.requests) == 3


@pytest.mark.parametrize(
    ("about", "is_waited_for"), [("<D:sync-token></D:sync-token>", True), (MULTIGET, False)]
)
def test_server_may_think_longer_about_a_whole_calendar(about, is_waited_for, proxied, proxy):
    def slowly(request, forward):
        proxy.is_closing.wait(0.9)
        return forward(request)

    proxied.add_some(1)
    proxied.limits = Limits(read=0.6, total=10)
    proxy.commit("REPORT", slowly, about=about)

    if is_waited_for:
        assert titles(proxied.full_round()) == ["Event 0"]
    else:
        with pytest.raises(ProviderUnavailable, match=r"silent for 0\.6 seconds"):
            proxied.full_round()


# --- size ----------------------------------------------------------------------------------------


def test_answer_that_is_too_large_is_asked_for_in_halves(proxied, proxy):
    proxied.add_some(12)
    proxied.limits = Limits(size=5000)  # room for the list of twelve, and for the texts of eight

    assert len(titles(proxied.full_round())) == 12
    assert proxy.fetched() == [12, 6, 6]


def add_huge(calendar: CalDavCalendar) -> str:
    """An event that no answer of 4,000 bytes has room for."""
    series = calendar.add("Huge", TEN, TEN + HOUR, f"DESCRIPTION:{'x' * 5000}")
    calendar.limits = Limits(size=4000)
    return series


def problems(pages: list[ChangePage]) -> list[Problem]:
    return [problem for page in pages for problem in page.problems]


def partial(request: Request, forward: Answer) -> Response:
    """As a server answers that returns only the properties it was asked for (RFC 4791 §9.6.1)."""
    wanted = [
        prop.get("name").encode()
        for prop in etree.fromstring(request.body).iter("{urn:ietf:params:xml:ns:caldav}prop")
    ]
    answer = forward(request)
    unwanted = rb"^(?!BEGIN|END|<|(?:%s)[:;])[A-Z-]+[:;][^<]*?\n(?! )" % b"|".join(wanted)
    return replace(answer, body=re.sub(unwanted, b"", answer.body, flags=re.MULTILINE))


def test_times_of_an_event_that_is_too_large_are_asked_for_alone(proxied, proxy):
    proxied.add_some(2)
    add_huge(proxied)
    proxy.commit("REPORT", partial, about='comp name="VEVENT"')

    pages = proxied.full_round()

    assert titles(pages) == ["Event 0", "Event 1", "Huge"]
    assert problems(pages) == []


@pytest.mark.parametrize(
    "answer",
    [
        lambda request, forward: forward(request),
        edited(lambda body: body.replace("200 OK", "404 Not Found")),
        instead(400),
        instead(403),
        instead(501),
        instead(207, "<multistatus xmlns='DAV:'/>"),
    ],
    ids=["all of it", "a missing property", "400", "403", "501", "nothing"],
)
def test_event_that_is_too_large_in_every_way_stops_no_other(answer, proxied, proxy):
    """C-T7: it is shown as a problem, and what was stored of it stays."""
    proxied.add_some(2)
    huge = add_huge(proxied)
    proxy.commit("REPORT", answer, about='comp name="VEVENT"')

    pages = proxied.full_round()

    assert titles(pages) == ["Event 0", "Event 1"]
    assert problems(pages) == [
        Problem(huge, "the event is too large to read; what was known of it is kept")
    ]
    assert [page.kept for page in pages if page.kept] == [{huge}]
    assert huge not in removed(pages) | {one for page in pages for one in page.replaced}
    assert pages[-1].sync_token


def test_server_that_asks_to_wait_is_not_taken_to_hold_something_too_large(proxied, proxy):
    add_huge(proxied)
    proxy.commit("REPORT", instead(429), about='comp name="VEVENT"')

    with pytest.raises(RateLimited):
        proxied.full_round()
