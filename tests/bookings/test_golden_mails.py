"""What the mails say, word for word: compared with files that a person has read.

After an intended change ``GOLDEN=write pytest tests/bookings/test_golden_mails.py`` writes the
files anew. Then read the diff.
"""

import os
from pathlib import Path

import pytest

from bookings.emails import COMPOSERS
from tests.bookings.sample_mails import (
    HAPPENED,
    SERVER_ZONE,
    booked,
    mail_of,
    part_of,
    sample,
    shown,
)

pytestmark = pytest.mark.django_db

GOLDEN = Path(__file__).parent.parent / "data" / "mails"
WRITE = os.environ.get("GOLDEN") == "write"


@pytest.fixture(autouse=True)
def _same_links_every_time(settings):
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a key for golden files", []
    settings.TIME_ZONE = SERVER_ZONE


def assert_golden(name: str, text: str) -> None:
    file = GOLDEN / name
    if WRITE:
        file.write_text(text)
    assert text == file.read_text()


def test_there_is_a_sample_of_every_kind_of_mail():
    assert list(HAPPENED) == list(COMPOSERS)


@pytest.mark.parametrize(("kind", "recipient"), HAPPENED)
def test_a_mail_reads_as_agreed(kind, recipient):
    assert_golden(f"{kind}_to_{recipient}.txt", shown(sample(kind, recipient)))


@pytest.mark.parametrize(
    ("kind", "recipient"), [("confirmation", "invitee"), ("approval", "consultant")]
)
def test_the_html_of_a_mail_says_the_same(kind, recipient):
    html = part_of(sample(kind, recipient), "text/html")
    assert_golden(f"{kind}_to_{recipient}.html", html)


@pytest.mark.parametrize(
    ("kind", "recipient"), [("confirmation", "invitee"), ("consultant_notice", "consultant")]
)
def test_the_bare_minimum_leaves_no_gaps(kind, recipient):
    """A row that the website wrote with next to nothing in it, for somebody in the same zone."""
    booking = booked(
        meeting_type=None,
        title="",
        location="",
        invitee_name="",
        invitee_notes="",
        answers={},
        invitee_time_zone="Europe/Berlin",
    )
    assert_golden(f"bare_{kind}_to_{recipient}.txt", shown(mail_of(booking, kind, recipient)))
