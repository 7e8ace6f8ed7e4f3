"""The samples of mails on the desk, in a real browser."""

import pytest

from tests.browser.screens import ON_BOTH_SCREENS
from tests.factories import ConsultantFactory, MeetingTypeFactory

pytestmark = pytest.mark.browser


@ON_BOTH_SCREENS
def test_a_sample_is_shown_without_a_barrier(signed_in, barriers, options):
    consultant = ConsultantFactory(name="Ada Lovelace")
    MeetingTypeFactory(user=consultant, title="Tax talk", has_conference=True)
    page = signed_in(consultant, **options)
    page.goto("/admin/bookings/booking/mails/")
    mail = page.frame_locator("iframe").get_by_text("Tax talk with Ada Lovelace")
    assert (mail.is_visible(), barriers(page)) == (True, [])
