"""The mails of a booking, shown to the consultant as samples."""

from html import unescape

import pytest
from django.urls import reverse
from lxml.html import document_fromstring

from bookings.booking_mails import BookingMail
from bookings.emails import COMPOSERS
from bookings.mail_previews import SAMPLES
from bookings.models import Booking
from tests.factories import (
    AvailabilityRuleFactory,
    ConnectionFactory,
    ConsultantFactory,
    MeetingTypeFactory,
)

pytestmark = pytest.mark.django_db

MAILS = "/admin/bookings/booking/mails/"


def page_of(desk, address: str) -> str:
    return unescape(desk.get(address).content.decode())


def test_there_is_a_sample_of_every_mail():
    assert list(SAMPLES) == list(COMPOSERS)


@pytest.mark.parametrize(("kind", "recipient"), SAMPLES)
def test_every_mail_is_shown_as_the_consultants_own(desk, consultant, kind, recipient):
    MeetingTypeFactory(
        user=consultant,
        title="Tax talk",
        location="Kurfürstendamm 1",
        questions=[{"name": "topic", "label": "What about?"}],
    )
    page = page_of(desk, f"{MAILS}{kind}/{recipient}/")
    reader = "America/New York" if recipient == "invitee" else "Europe/Berlin"
    for text in ("Tax talk", "Kurfürstendamm 1", reader):
        assert page.count(text) >= 2  # as HTML and as text
    assert f'/mails/{kind}/{recipient}/" aria-current="page"' in page


def test_the_html_can_do_nothing_to_the_desk(desk, consultant):
    MeetingTypeFactory(user=consultant, title='"><script>alert(1)</script>')
    page = document_fromstring(desk.get(MAILS).content)
    [frame] = page.iter("iframe")
    assert frame.get("sandbox") == ""  # no scripts, no forms, no origin
    assert frame.get("srcdoc").startswith("<!DOCTYPE html>")
    assert "&lt;script&gt;alert(1)" in frame.get("srcdoc")
    assert [script for script in page.iter("script") if "alert" in (script.text or "")] == []


def test_the_invitation_is_shown_where_the_mail_has_one(desk):
    cancelled = page_of(desk, f"{MAILS}cancellation/invitee/")
    assert ("METHOD:CANCEL" in cancelled, "SEQUENCE:1" in cancelled) == (True, True)
    assert "BEGIN:VCALENDAR" not in page_of(desk, f"{MAILS}reminder/invitee/")


def test_a_sample_is_of_ones_own_meeting_types_and_leaves_no_trace(desk):
    MeetingTypeFactory(user=ConsultantFactory(), title="Foreign-mark")
    page = page_of(desk, MAILS)
    assert ("Foreign-mark" in page, "First talk with" in page) == (False, True)
    assert (Booking.objects.count(), BookingMail.objects.count()) == (0, 0)


def test_the_sample_invitee_lives_in_another_zone(client):
    consultant = ConsultantFactory(settings__time_zone="America/New_York")
    client.force_login(consultant)
    page = page_of(client, f"{MAILS}consultant_notice/consultant/")
    assert ("For Maria Example: " in page, "Europe/London" in page) == (True, True)


@pytest.mark.parametrize("mail", ["unheard-of/invitee", "reminder/consultant", "change/x"])
def test_a_mail_that_is_never_sent_is_not_found(desk, mail):
    assert desk.get(f"{MAILS}{mail}/").status_code == 404


def test_samples_are_for_those_who_are_signed_in(client):
    assert client.get(MAILS).url == f"{reverse('admin:login')}?next={MAILS}"


def test_the_desk_leads_to_the_mails(desk, consultant):
    ConnectionFactory(user=consultant)
    AvailabilityRuleFactory(user=consultant)
    assert f'<a href="{MAILS}">Mails your invitees get</a>' in desk.get("/admin/").content.decode()
