"""How often one network address, and one e-mail address, may try to book."""

import math
from hashlib import sha256
from ipaddress import IPv6Address, ip_address, ip_network

from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView


class BookingThrottle(SimpleRateThrottle):
    """Counts in the shared cache, where nobody's address stands in the clear."""

    def get_rate(self) -> str:
        return api_settings.DEFAULT_THROTTLE_RATES[self.scope]

    def key_of(self, counted: str) -> str:
        digest = sha256(counted.encode(errors="replace")).hexdigest()
        return self.cache_format % {"scope": self.scope, "ident": digest}


class AddressThrottle(BookingThrottle):
    """By network address; behind proxies the one that TRUSTED_PROXIES says is the invitee's."""

    scope = "bookings_per_address"

    def get_cache_key(self, request: Request | HttpRequest, view: APIView | None) -> str:
        return self.key_of(network_of(self.get_ident(request)))


class EmailThrottle(BookingThrottle):
    """By the invitee's e-mail address, so that nobody's mailbox can be flooded."""

    scope = "bookings_per_email"

    def get_cache_key(self, request: Request | HttpRequest, view: APIView | None) -> str | None:
        given = request.data if isinstance(request, Request) else request.POST
        email = given.get("email") if isinstance(given, dict) else None
        return self.key_of(email.strip().lower()) if isinstance(email, str) else None


THROTTLES = [AddressThrottle, EmailThrottle]


def seconds_to_wait(request: HttpRequest) -> int:
    """Count a form that was sent from a page; 0 if it may book now."""
    throttles = [throttle() for throttle in THROTTLES]
    refusing = [each for each in throttles if not each.allow_request(request, None)]
    return max((math.ceil(each.wait() or 1) for each in refusing), default=0)


def network_of(address: str) -> str:
    """What one household has: an IPv4 address, or a /64 of IPv6."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or ip_network((parsed, 64), strict=False))
