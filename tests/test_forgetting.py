"""Whoever is deleted is gone: no table keeps a word of them."""

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.db import connection
from django.utils import timezone

from bookings.audit import audit
from bookings.endpoints import WebhookDelivery
from bookings.models import AuditFinding, Booking, EventDoubt
from connections.models import Consultant
from tests.factories import BookingFactory, ConnectionFactory, ConsultantFactory, SyncedEventFactory

pytestmark = pytest.mark.django_db

TABLES = """
SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
WHERE schemaname IN ('public', 'calsync')
"""


@pytest.fixture
def booking() -> Booking:
    """With all that can follow from one, and a consultant with all ways to sign in."""
    ada = ConsultantFactory(name="Ada Lovelace", email="ada@lovelace.example")
    ada.webhookendpoint_set.create(url="https://crm.lovelace.example/", secret="whsec")
    booking = BookingFactory(
        user=ada,
        invitee_name="Ivy Inkwell",
        invitee_email="ivy@inkwell.example",
        invitee_notes="Inkwell is ill",
    )
    EventDoubt.objects.create(booking=booking, as_of=booking.updated_at)
    calendar = ConnectionFactory(user=ada, provider_email=ada.email, last_synced_at=timezone.now())
    SyncedEventFactory(connection=calendar, start_time=booking.start_time, title="Lovelace")
    audit(now=timezone.now())
    EmailAddress.objects.create(user=ada, email=ada.email)
    Authenticator.objects.create(user=ada, type="totp", data={})
    SocialAccount.objects.create(user=ada, uid="1", extra_data={"email": ada.email})
    return booking


def tables_that_say(*words: object) -> set[str]:
    """Where any of these stands in any row."""
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        return {table for (table,) in cursor.fetchall() if _says(cursor, table, words)}


def _says(cursor, table: str, words: tuple) -> bool:
    patterns = [f"%{word}%" for word in words]
    cursor.execute(
        f"SELECT EXISTS (SELECT FROM {table} t WHERE t::text ILIKE ANY (%s))", [patterns]
    )
    return cursor.fetchone()[0]


def test_a_booking_that_the_website_deletes_leaves_nothing_of_its_invitee(booking):
    assert WebhookDelivery.objects.count() == 1
    assert "public.bookings" in tables_that_say("inkwell", booking.pk)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM public.bookings")
    audit(now=timezone.now())
    assert tables_that_say("inkwell", booking.pk) == set()


def test_a_consultant_who_is_deleted_leaves_nothing(booking):
    ada = booking.user
    assert AuditFinding.objects.filter(user=ada).exists()
    Consultant.objects.filter(pk=ada.pk).delete()
    assert tables_that_say("lovelace", "inkwell", ada.pk, booking.pk) == set()
