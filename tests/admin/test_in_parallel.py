"""What holds once holds once, however many hands ask for it at the same time."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from allauth.socialaccount.models import SocialAccount
from django.db import connection

from availability.hours import use_office_hours
from availability.models import AvailabilityRule
from connections.models import CalendarConnection, Consultant
from connections.oauth import identities
from tests.factories import ConnectionFactory, ConsultantFactory

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(calls: list) -> list:
    """The results of the calls, each made in a thread of its own."""

    def call(function):
        try:
            return function()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(call, calls))


def test_parallel_choices_leave_one_destination():
    consultant = ConsultantFactory()
    ConnectionFactory(user=consultant, is_primary=True)
    others = ConnectionFactory.create_batch(6, user=consultant)

    for _ in range(5):
        at_once([row.receive_bookings for row in others])

        assert CalendarConnection.objects.get(is_primary=True) in others


def test_parallel_clicks_add_office_hours_once():
    for _ in range(5):
        consultant = ConsultantFactory()

        added = at_once([lambda who=consultant: use_office_hours(who)] * 6)

        assert sorted(added) == [False] * 5 + [True]
        assert AvailabilityRule.objects.filter(user=consultant).count() == 5


def test_parallel_clicks_leave_one_way_in(settings):
    settings.GOOGLE_CLIENT_ID = settings.GOOGLE_CLIENT_SECRET = "registered"
    consultant = ConsultantFactory()
    consultant.set_unusable_password()
    consultant.save()
    for _ in range(5):
        rows = [
            SocialAccount.objects.create(
                user=consultant,
                provider="google_sign_in",
                uid=str(number),
                extra_data={"email": ""},
            )
            for number in range(6)
        ]

        done = at_once([lambda key=row.pk: unlinks(consultant, key) for row in rows])

        assert sorted(done) == [False] + [True] * 5
        assert SocialAccount.objects.count() == 1
        SocialAccount.objects.all().delete()


def unlinks(consultant: Consultant, account_id: int) -> bool:
    try:
        identities.unlink(consultant, account_id)
    except identities.OnlyWayIn:
        return False
    return True
