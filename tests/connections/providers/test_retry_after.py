"""When to come again, as servers say it."""

from datetime import UTC, datetime

import pytest

from connections.providers.retry_after import seconds_to_wait

NOW = datetime(2027, 1, 1, 12, tzinfo=UTC)


def test_seconds():
    assert (seconds_to_wait("120", now=NOW), seconds_to_wait(" 0 ", now=NOW)) == (120, 0)
    assert seconds_to_wait("9" * 400, now=NOW) == 999_999_999


def test_date():
    assert seconds_to_wait("Fri, 01 Jan 2027 12:02:00 GMT", now=NOW) == 120
    assert seconds_to_wait("Fri, 01 Jan 2027 11:00:00 GMT", now=NOW) == 0


@pytest.mark.parametrize("odd", ["", "soon", "-5", "²", "1.5", "Fri, 99 Nov 2026 25:00:00 GMT"])
def test_what_cannot_be_read_says_nothing(odd):
    assert seconds_to_wait(odd, now=NOW) == 0
