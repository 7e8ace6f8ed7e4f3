"""A CalDAV server's own word on busy times, on real servers and on ones that have none."""

import pytest

from connections.providers.base import (
    CalendarGone,
    FreeBusyUnsupported,
    ProviderUnavailable,
    Window,
)
from tests.connections.providers.caldav_servers import (
    USERNAME,
    CalDavCalendar,
    Device,
    calendar_on,
)
from tests.connections.providers.contract import HOUR, TEN, WINDOW
from tests.connections.providers.far_end import Proxy, cut_off, instead, refused


@pytest.fixture(params=["radicale", "xandikos"])
def far(request, radicale: Device, xandikos: Device) -> CalDavCalendar:
    homes = {
        "radicale": (radicale, f"/{USERNAME}/"),
        "xandikos": (xandikos, "/consultant/calendars/"),
    }
    return calendar_on(*homes[request.param])


def busy(far: CalDavCalendar, window: Window = WINDOW) -> list[tuple]:
    periods = far.adapter().busy(far.calendar_id, window=window)
    return [(period.start, period.end) for period in periods]


def test_busy_periods_are_told_in_order(far):
    far.add("Late", TEN + 8 * HOUR, TEN + 9 * HOUR)
    far.add("Weekly", TEN, TEN + HOUR, "RRULE:FREQ=WEEKLY;COUNT=2")
    far.add("Free", TEN + 4 * HOUR, TEN + 5 * HOUR, "TRANSP:TRANSPARENT")
    far.add("Maybe", TEN + 2 * HOUR, TEN + 3 * HOUR, "STATUS:TENTATIVE")
    assert busy(far) == [
        (TEN, TEN + HOUR),
        (TEN + 2 * HOUR, TEN + 3 * HOUR),
        (TEN + 8 * HOUR, TEN + 9 * HOUR),
        (TEN + 168 * HOUR, TEN + 169 * HOUR),
    ]


def test_only_the_window_is_asked_for(far):
    far.add("Inside", TEN, TEN + HOUR)
    far.add("Outside", WINDOW.end, WINDOW.end + HOUR)
    assert busy(far) == [(TEN, TEN + HOUR)]


def test_free_time_is_an_empty_list(far):
    assert busy(far) == []


def answer(*lines: str) -> str:
    inside = ("BEGIN:VFREEBUSY", *lines, "END:VFREEBUSY")
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", *inside, "END:VCALENDAR", ""])


def test_periods_are_read_in_all_the_ways_they_may_be_written(proxied, proxy: Proxy):
    text = answer(
        "FREEBUSY;FBTYPE=FREE:20260615T080000Z/PT1H",
        "FREEBUSY;FBTYPE=BUSY-UNAVAILABLE:20260615T110000Z/20260615T120000Z,20260615T13000",
        " 0Z/PT30M",
        "FREEBUSY:20260615T100000Z/+PT1H",
    )
    proxy.commit("REPORT", instead(200, text))
    assert busy(proxied) == [
        (TEN, TEN + HOUR),
        (TEN + HOUR, TEN + 2 * HOUR),
        (TEN + 3 * HOUR, TEN + 3.5 * HOUR),
    ]


@pytest.mark.parametrize(
    "fault",
    [instead(400), refused(403, "<D:supported-report/>"), instead(405), instead(501)],
    ids=["400", "403", "405", "501"],
)
def test_server_without_free_busy_is_named_so(proxied, proxy: Proxy, fault):
    proxy.commit("REPORT", fault)
    with pytest.raises(FreeBusyUnsupported, match="does not tell busy times"):
        busy(proxied)


@pytest.mark.parametrize(
    "fault",
    [
        cut_off,
        instead(200, answer("FREEBUSY:20260615T100000Z/PT1H")[:80]),
        instead(200, answer("FREEBUSY:20260615T100000/PT1H")),
        instead(200, answer("FREEBUSY:20260615T100000Z")),
        instead(200, "<html>Please sign in</html>"),
        instead(200, ""),
        instead(207, answer()),
        instead(503),
    ],
    ids=[
        "a cut-off answer",
        "a text that ends too early",
        "a time without a zone",
        "a period without an end",
        "a login page",
        "nothing",
        "another status",
        "503",
    ],
)
def test_answer_that_makes_no_sense_is_not_free_time(proxied, proxy: Proxy, fault):
    proxy.commit("REPORT", fault)
    with pytest.raises(ProviderUnavailable):
        busy(proxied)


def test_calendar_that_is_gone_is_not_free(proxied, proxy: Proxy):
    proxy.commit("REPORT", instead(404))
    with pytest.raises(CalendarGone):
        busy(proxied)
