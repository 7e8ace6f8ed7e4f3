"""The keys to one booking, as links that cannot be guessed: its invitee's, and its consultant's.

A token is derived, never stored: an idempotent replay and every later mail give the same link, and
whoever reads the database gets at most its hash.
"""

from base64 import urlsafe_b64encode
from hashlib import sha256
from uuid import UUID

from django.conf import settings
from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac

from bookings.models import Booking

MANAGE_SALT = "bookings.manage_token"
DECISION_SALT = "bookings.decision_token"
AT_ONCE = 50


class ManageTokenLost(Exception):
    """The key that a booking's link was derived with is in no setting any more."""


def manage_token(booking: Booking) -> str:
    """The token of a booking, or of one that is about to be stored.

    Derived with SECRET_KEY, or with the fallback that it was first derived with. Raises
    ``ManageTokenLost``.
    """
    for secret in _secrets():
        token = _derive(MANAGE_SALT, booking.pk, secret)
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
    return _with_consultant().get(manage_token_hash=hash_of(token))


def hash_of(token: str) -> str:
    """What is stored of a token: enough to look it up, no use to open anything."""
    return sha256(token.encode(errors="replace")).hexdigest()


def manage_url(booking: Booking) -> str:
    """The invitee's page of the booking."""
    return settings.PUBLIC_URL + reverse("booking", args=[manage_token(booking)])


def ics_url(booking: Booking) -> str:
    """The booking as a file for the invitee's calendar."""
    return settings.PUBLIC_URL + reverse("booking-invite", args=[manage_token(booking)])


def decision_token(booking: Booking) -> str:
    """What the mail to the consultant carries, to confirm or decline a request without signing in.

    Nothing of it is stored, so it names the booking itself.
    """
    return f"{booking.pk}.{_derive(DECISION_SALT, booking.pk, settings.SECRET_KEY)}"


def decision_url(booking: Booking) -> str:
    """The page on which the consultant decides. To open it decides nothing."""
    return settings.PUBLIC_URL + reverse("booking-decide", args=[decision_token(booking)])


def booking_by_decision_token(token: str) -> Booking:
    """Raises ``Booking.DoesNotExist``."""
    named, _, mac = token.partition(".")
    try:
        booking_id = UUID(named)
    except ValueError:
        raise Booking.DoesNotExist from None
    macs = [_derive(DECISION_SALT, booking_id, secret) for secret in _secrets()]
    given = mac.encode(errors="replace")
    if not any(constant_time_compare(given, known) for known in macs):
        raise Booking.DoesNotExist
    return _with_consultant().get(pk=booking_id, user__is_active=True)  # mails outlive an access


def _with_consultant():
    return Booking.objects.select_related("user__booking_settings", "meeting_type")


def _secrets() -> list[str]:
    """The keys that links were ever derived with, the one for new links first."""
    return [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]


def _derive(salt: str, booking_id: UUID, secret: str) -> str:
    mac = salted_hmac(salt, str(booking_id), secret=secret, algorithm="sha256")
    return urlsafe_b64encode(mac.digest()).rstrip(b"=").decode()
