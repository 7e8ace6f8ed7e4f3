"""How often one network address, and one e-mail address, may try to book or change a booking."""

from hashlib import sha256
from ipaddress import IPv6Address, ip_address, ip_network

from django.db import connection
from django.http import HttpRequest
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView

COUNT = """
INSERT INTO calsync.tries AS t (key, count, ends_at)
VALUES (%(key)s, 1, now() + make_interval(secs => %(seconds)s))
ON CONFLICT (key) DO UPDATE SET
  count = CASE WHEN t.ends_at > now() THEN t.count + 1 ELSE 1 END,
  ends_at = CASE WHEN t.ends_at > now() THEN t.ends_at ELSE excluded.ends_at END
RETURNING count, ceil(extract(epoch FROM ends_at - now()))::integer
"""
FORGET = "DELETE FROM calsync.tries WHERE ends_at <= now()"


class BookingThrottle(SimpleRateThrottle):
    """Counts in the database, for all processes, where nobody's address stands in the clear.

    ``get_cache_key`` says whose tries are counted; None: nobody's.
    """

    def get_rate(self) -> str:
        return api_settings.DEFAULT_THROTTLE_RATES[self.scope]

    def allow_request(self, request: Request | HttpRequest, view: APIView | None) -> bool:
        counted = self.get_cache_key(request, view)
        return counted is None or self.allow(counted)

    def allow(self, counted: str) -> bool:
        """Count a try of this address; whether it was not one too many."""
        digest = sha256(counted.encode(errors="replace")).hexdigest()
        with connection.cursor() as cursor:
            cursor.execute(COUNT, {"key": f"{self.scope}:{digest}", "seconds": self.duration})
            count, self.seconds_left = cursor.fetchone()
        return count <= self.num_requests

    def wait(self) -> int:
        """Seconds until the count begins anew."""
        return self.seconds_left


class AddressThrottle(BookingThrottle):
    """By network address; behind proxies the one that TRUSTED_PROXIES says is the invitee's."""

    scope = "bookings_per_address"

    def get_cache_key(self, request: Request | HttpRequest, view: APIView | None) -> str:
        return network_of(self.get_ident(request))


class HoldThrottle(AddressThrottle):
    scope = "holds_per_address"


class EmailThrottle(BookingThrottle):
    """By the invitee's e-mail address, so that nobody's mailbox can be flooded."""

    scope = "bookings_per_email"

    def get_cache_key(self, request: Request | HttpRequest, view: APIView | None) -> str | None:
        given = request.data if isinstance(request, Request) else request.POST
        email = given.get("email") if isinstance(given, dict) else None
        return mailbox_of(email) if isinstance(email, str) else None


THROTTLES = [AddressThrottle, EmailThrottle]


def seconds_to_wait(request: HttpRequest) -> int:
    """Count a form that was sent from a page; 0 if it may book now."""
    throttles = [throttle() for throttle in THROTTLES]
    refusing = [each for each in throttles if not each.allow_request(request, None)]
    return max((each.wait() for each in refusing), default=0)


def require_quiet_mailbox(email: str) -> None:
    """Count a change that its invitee will be mailed about. Raises ``Throttled``."""
    throttle = EmailThrottle()
    if email and not throttle.allow(mailbox_of(email)):
        raise Throttled(wait=throttle.wait())


def forget_old_tries() -> None:
    with connection.cursor() as cursor:
        cursor.execute(FORGET)


def mailbox_of(email: str) -> str:
    return email.strip().lower()


def network_of(address: str) -> str:
    """What one household has: an IPv4 address, or a /64 of IPv6."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or ip_network((parsed, 64), strict=False))
