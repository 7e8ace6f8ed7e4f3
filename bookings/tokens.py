"""The key to one booking that its invitee holds: a link that cannot be guessed.

The token is derived, never stored: an idempotent replay and every later mail give the same link,
and whoever reads the database gets only its hash.
"""

from base64 import urlsafe_b64encode
from hashlib import sha256

from django.conf import settings
from django.urls import reverse
from django.utils.crypto import salted_hmac

from bookings.models import Booking

SALT = "bookings.manage_token"
AT_ONCE = 50


class ManageTokenLost(Exception):
    """The key that a booking's link was derived with is in no setting any more."""


def manage_token(booking: Booking) -> str:
    """The token of a booking, or of one that is about to be stored.

    Derived with SECRET_KEY, or with the fallback that it was first derived with. Raises
    ``ManageTokenLost``.
    """
    for secret in [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]:
        token = _derive(booking, secret)
        if booking.manage_token_hash in (None, hash_of(token)):
            return token
    raise ManageTokenLost(
        "The link of this booking was made with an older SECRET_KEY: put that key into "
        "SECRET_KEY_FALLBACKS."
    )


def give_tokens() -> int:
    """Give a link to the bookings that the website wrote itself."""
    bookings = list(Booking.objects.filter(manage_token_hash=None, hold_token_hash=None)[:AT_ONCE])
    for booking in bookings:
        Booking.objects.filter(pk=booking.pk, manage_token_hash=None).update(
            manage_token_hash=hash_of(manage_token(booking))
        )
    return len(bookings)


def booking_by_token(token: str) -> Booking:
    """Raises ``Booking.DoesNotExist``."""
    bookings = Booking.objects.select_related("user__booking_settings", "meeting_type")
    return bookings.get(manage_token_hash=hash_of(token))


def hash_of(token: str) -> str:
    """What is stored of a token: enough to look it up, no use to open anything."""
    return sha256(token.encode(errors="replace")).hexdigest()


def manage_url(booking: Booking) -> str:
    """The invitee's page of the booking."""
    return settings.PUBLIC_URL + reverse("booking", args=[manage_token(booking)])


def ics_url(booking: Booking) -> str:
    """The booking as a file for the invitee's calendar."""
    return settings.PUBLIC_URL + reverse("booking-invite", args=[manage_token(booking)])


def _derive(booking: Booking, secret: str) -> str:
    mac = salted_hmac(SALT, str(booking.pk), secret=secret, algorithm="sha256")
    return urlsafe_b64encode(mac.digest()).rstrip(b"=").decode()
