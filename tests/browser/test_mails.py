"""The samples of mails on the desk, in a real browser."""

import pytest
from django.test import Client

from tests.factories import ConsultantFactory, MeetingTypeFactory

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    "options",
    [
        {"viewport": {"width": 1280, "height": 900}},
        {"viewport": {"width": 320, "height": 640}, "color_scheme": "dark"},
    ],
    ids=["desktop", "phone-dark"],
)
def test_a_sample_is_shown_without_a_barrier(new_page, barriers, live_server, options):
    consultant = ConsultantFactory(name="Ada Lovelace")
    MeetingTypeFactory(user=consultant, title="Tax talk", has_conference=True)
    client = Client()
    client.force_login(consultant)
    page = new_page(**options)
    key = client.cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": key, "url": live_server.url}])
    page.goto("/admin/bookings/booking/mails/")
    mail = page.frame_locator("iframe").get_by_text("Tax talk with Ada Lovelace")
    assert (mail.is_visible(), barriers(page)) == (True, [])
