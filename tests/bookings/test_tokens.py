"""The invitee's key to a booking."""

import pytest
from django.conf import settings
from django.test import override_settings

from bookings.models import Booking
from bookings.tokens import (
    ManageTokenLost,
    booking_by_decision_token,
    booking_by_token,
    decision_token,
    hash_of,
    ics_url,
    manage_token,
    manage_url,
)
from connections.models import Consultant
from tests.factories import BookingFactory

pytestmark = pytest.mark.django_db


def booked() -> Booking:
    booking = BookingFactory()
    booking.manage_token_hash = hash_of(manage_token(booking))
    booking.save()
    return booking


def test_a_token_opens_its_own_booking_and_no_other():
    one, other = booked(), booked()
    assert (booking_by_token(manage_token(one)), booking_by_token(manage_token(other))) == (
        one,
        other,
    )


@pytest.mark.parametrize("guess", ["", "x", "None", "\ud800", "0" * 43])
def test_a_guess_opens_nothing(guess):
    booked()
    BookingFactory()  # one without a token
    with pytest.raises(Booking.DoesNotExist):
        booking_by_token(guess)


def test_the_hash_that_is_stored_opens_nothing():
    with pytest.raises(Booking.DoesNotExist):
        booking_by_token(booked().manage_token_hash)


def test_a_token_is_long_and_fits_into_an_address():
    token = manage_token(booked())
    assert len(token) == 43  # 256 bits
    assert token.replace("-", "").replace("_", "").isalnum()


def test_links_outlive_a_change_of_the_secret_key():
    booking = booked()
    token = manage_token(booking)
    with override_settings(SECRET_KEY="new", SECRET_KEY_FALLBACKS=[settings.SECRET_KEY]):
        assert manage_token(booking) == token
        assert manage_token(booked()) != token


def test_a_key_that_is_gone_is_named_as_what_is_missing():
    booking = booked()
    with (
        override_settings(SECRET_KEY="new", SECRET_KEY_FALLBACKS=["another"]),
        pytest.raises(ManageTokenLost, match="SECRET_KEY_FALLBACKS"),
    ):
        manage_token(booking)


def test_links_lead_to_the_public_address():
    booking = booked()
    token = manage_token(booking)
    assert manage_url(booking) == f"http://testserver/booking/{token}/"
    assert ics_url(booking) == f"http://testserver/booking/{token}/invite.ics"


def test_the_consultants_key_opens_its_own_booking_and_no_other():
    one, other = booked(), booked()
    found = [booking_by_decision_token(decision_token(each)) for each in (one, other)]
    assert found == [one, other]


def test_no_other_key_decides():
    """Above all not the one that the invitee holds."""
    one, other = booked(), booked()
    mac = decision_token(one).partition(".")[2]
    guesses = ["", ".", "x", str(one.pk), f"{one.pk}.", f"{other.pk}.{mac}", f"{one.pk}.\ud800"]
    guesses += [f"{one.pk}.{manage_token(one)}", manage_token(one), decision_token(one)[:-1]]
    for guess in guesses:
        with pytest.raises(Booking.DoesNotExist):
            booking_by_decision_token(guess)


def test_the_key_of_a_booking_that_was_deleted_opens_nothing():
    booking = booked()
    token = decision_token(booking)
    booking.delete()
    with pytest.raises(Booking.DoesNotExist):
        booking_by_decision_token(token)


def test_the_key_of_a_consultant_who_left_opens_nothing():
    """The mails are still theirs."""
    booking = booked()
    token = decision_token(booking)
    Consultant.objects.update(is_active=False)
    with pytest.raises(Booking.DoesNotExist):
        booking_by_decision_token(token)


def test_the_consultants_key_outlives_a_change_of_the_secret_key():
    booking = booked()
    token = decision_token(booking)
    with override_settings(SECRET_KEY="new", SECRET_KEY_FALLBACKS=[settings.SECRET_KEY]):
        assert booking_by_decision_token(token) == booking
        assert decision_token(booking) != token
    with (
        override_settings(SECRET_KEY="new", SECRET_KEY_FALLBACKS=[]),
        pytest.raises(Booking.DoesNotExist),
    ):
        booking_by_decision_token(token)
