"""A calendar that two of a consultant's accounts can see."""

from datetime import UTC, datetime, timedelta

import pytest

from connections.accounts import disconnect, remember_account
from connections.models import CalendarConnection, Consultant
from connections.providers.base import Credentials, RemoteCalendar, Tokens
from tests.factories import ConsultantFactory

pytestmark = pytest.mark.django_db

NOW = datetime.now(UTC)
HOME, WORK = "anna@home.example", "anna@work.example"


@pytest.fixture
def consultant() -> Consultant:
    return ConsultantFactory()


def calendar(email: str, **facts) -> RemoteCalendar:
    return RemoteCalendar(calendar_id=email, name=email, **facts)


def connect(consultant: Consultant, email: str, *calendars: RemoteCalendar) -> list[str]:
    """Which calendars the account has then."""
    tokens = Tokens(
        access_token="a", expires_at=NOW + timedelta(hours=1), refresh_token=f"of {email}"
    )
    credentials = Credentials(username=email, access_token="a")
    rows = remember_account(consultant, "google", credentials, calendars, tokens=tokens, now=NOW)
    return [row.calendar_id for row in rows]


def accounts() -> dict[str, str]:
    return dict(CalendarConnection.objects.values_list("calendar_id", "provider_email"))


def test_calendar_stays_with_the_account_whose_own_it_is(consultant):
    connect(consultant, HOME, calendar(HOME, is_default=True))
    shared = calendar(HOME, is_writable=False)
    assert connect(consultant, WORK, calendar(WORK, is_default=True), shared) == [WORK]
    assert accounts() == {HOME: HOME, WORK: WORK}
    home = CalendarConnection.objects.get(calendar_id=HOME)
    assert (home.is_writable, home.refresh_token.reveal()) == (True, f"of {HOME}")
    disconnect(CalendarConnection.objects.get(calendar_id=WORK), now=NOW)
    assert accounts() == {HOME: HOME}


def test_calendar_goes_to_the_account_whose_own_it_is(consultant):
    own = calendar(HOME, is_default=True)
    connect(consultant, HOME, own, calendar(WORK))
    CalendarConnection.objects.update(sync_token="of the other account")
    connect(consultant, WORK, calendar(WORK, is_default=True))
    assert accounts() == {HOME: HOME, WORK: WORK}
    tokens = dict(CalendarConnection.objects.values_list("calendar_id", "sync_token"))
    assert tokens == {HOME: "of the other account", WORK: None}


def test_calendar_goes_to_the_account_that_may_write_to_it(consultant):
    team = "team@example.com"
    connect(consultant, HOME, calendar(team, is_writable=False))
    connect(consultant, WORK, calendar(team))
    assert accounts() == {team: WORK}
    assert connect(consultant, HOME, calendar(team)) == []
    assert accounts() == {team: WORK}


def test_calendar_goes_to_the_account_that_works(consultant):
    team = "team@example.com"
    connect(consultant, HOME, calendar(team))
    CalendarConnection.objects.update(reconnect_needed_at=NOW)
    connect(consultant, WORK, calendar(team, is_writable=False))
    assert accounts() == {team: WORK}
