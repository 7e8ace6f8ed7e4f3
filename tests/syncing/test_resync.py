"""The command for a resync by hand."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from connections.providers.base import ChangePage, ProviderUnavailable
from tests.factories import ConnectionFactory, ConsultantFactory

pytestmark = pytest.mark.django_db

DONE = ChangePage(sync_token="token")


def resync(*args) -> str:
    out = StringIO()
    call_command("resync", *args, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_every_active_calendar_is_synced_and_named(calendar):
    ConnectionFactory(calendar_name="Work")
    ConnectionFactory(calendar_name="Home")
    ConnectionFactory(is_active=False)
    calendar.then(DONE)
    calendar.then(DONE)
    lines = resync().splitlines()
    assert [line.split("  ")[1].split(":")[0] for line in lines] == ["Work", "Home"]
    assert len(calendar.asked) == 2


@pytest.mark.parametrize("choose", ["--connection", "--consultant"])
def test_the_choice_can_be_narrowed(calendar, choose):
    chosen = ConnectionFactory(user=ConsultantFactory(email="anna@example.com"))
    ConnectionFactory()
    calendar.then(DONE)
    resync(choose, {"--connection": str(chosen.pk), "--consultant": "Anna@example.com"}[choose])
    assert len(calendar.asked) == 1


def test_a_full_resync_asks_without_a_token(calendar):
    ConnectionFactory(sync_token="token")
    calendar.then(DONE)
    resync("--full", "--provider", "apple")
    assert calendar.asked[0]["sync_token"] == ""


def test_one_failure_among_several_makes_the_exit_code_honest(calendar):
    ConnectionFactory()
    ConnectionFactory()
    calendar.then(ProviderUnavailable("The server answered 503."))
    calendar.then(DONE)
    with pytest.raises(CommandError, match="1 of 2 calendars could not be synced"):
        resync()


def test_a_choice_of_nothing_is_an_error():
    with pytest.raises(CommandError, match="No active connection matches"):
        resync("--provider", "google")


def test_a_malformed_id_is_said():
    with pytest.raises(CommandError, match="is not a connection's id"):
        resync("--connection", "17")
