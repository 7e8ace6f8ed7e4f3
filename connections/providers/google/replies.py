"""What Google answered, and what a refusal means.

https://developers.google.com/workspace/calendar/api/guides/errors
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from googleapiclient.errors import HttpError

from connections.providers.base import (
    AccessRevoked,
    AccessTokenRefused,
    CalendarGone,
    ProviderError,
    ProviderMisconfigured,
    ProviderUnavailable,
    RateLimited,
)
from connections.providers.retry_after import seconds_to_wait

BAD_REQUEST, UNAUTHORIZED, FORBIDDEN, NOT_FOUND = 400, 401, 403, 404
CONFLICT, GONE, CHANGED, TOO_MANY = 409, 410, 412, 429
MISSING = {NOT_FOUND, GONE}

TOO_FAST = {"rateLimitExceeded", "userRateLimitExceeded", "RATE_LIMIT_EXCEEDED"}
USED_UP = {"quotaExceeded", "dailyLimitExceeded"}
LIMITS = "usageLimits"  # the domain of all errors that waiting mends, and of some of ``OPERATOR``
NOT_ALLOWED = {"insufficientPermissions", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"}
OPERATOR = {
    "accessNotConfigured",
    "SERVICE_DISABLED",
    "webhookUrlNotHttps",
    "webhookUrlUnauthorized",
}

SOON, LATER = 60.0, 1800.0  # seconds; waiting less does not bring a used-up quota back

_NAME = re.compile(r"[\w.]{1,80}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, read.

    ``reasons`` name why Google refused, ``domains`` what sort of reasons these are, ``locations``
    what of the question it is about.
    """

    status: int
    body: dict = field(default_factory=dict)
    reasons: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()
    locations: frozenset[str] = frozenset()
    retry_after: float = 0.0  # seconds; 0 where Google does not say

    @property
    def is_ok(self) -> bool:
        return self.status < 300

    @property
    def items(self) -> list[dict]:
        """The entries of a page; Google may leave an empty list out. Raises for any other thing."""
        items = self.body.get("items") or []
        is_list = isinstance(items, list)
        if not is_list or not all(isinstance(one, dict) and one.get("id") for one in items):
            raise makes_no_sense(self)
        return items


def refusal(error: HttpError) -> Reply:
    """The refusal that the library raised, whose own text holds the whole address."""
    details = list(_details(error.content))
    return Reply(
        status=error.status_code,
        reasons=frozenset(_names("reason", details)),
        domains=frozenset(_names("domain", details)),
        locations=frozenset(_names("location", details)),
        retry_after=seconds_to_wait(error.resp.get("retry-after", ""), now=datetime.now(UTC)),
    )


def refusal_of_all(reply: Reply) -> ProviderError | None:
    """What a refusal means that has nothing to do with what was asked; None for any other."""
    if reply.reasons & OPERATOR:
        return ProviderMisconfigured(
            f"Google does not serve this installation ({_reason(reply)}). "
            "Look at its settings and at the project in the Google Cloud console."
        )
    if reply.status == UNAUTHORIZED:
        return AccessTokenRefused("Google no longer accepts the access token.")
    if reply.reasons & NOT_ALLOWED:
        return AccessRevoked(
            "A permission is missing. Connect the account again and tick them all."
        )
    if reply.reasons & USED_UP:
        wait = max(reply.retry_after, LATER)
        return RateLimited("Google's quota is used up for now.", retry_after=wait)
    if reply.status == TOO_MANY or reply.reasons & TOO_FAST or LIMITS in reply.domains:
        return RateLimited("Google asks to slow down.", retry_after=reply.retry_after or SOON)
    if reply.status >= 500 and reply.retry_after:
        return RateLimited("Google is out of order.", retry_after=reply.retry_after)
    if reply.status >= 500:
        return ProviderUnavailable(f"Google is out of order (status {reply.status}).")
    return None


def refusal_of_calendar(reply: Reply) -> ProviderError:
    """What any other refusal means where a calendar was asked for."""
    if reply.status in MISSING:
        return CalendarGone("The calendar no longer exists, or is no longer shared.")
    if reply.status == FORBIDDEN:
        return CalendarGone(f"This account may not use the calendar any more ({_reason(reply)}).")
    return makes_no_sense(reply)


def makes_no_sense(reply: Reply) -> ProviderUnavailable:
    return ProviderUnavailable(f"Google's answer makes no sense ({_reason(reply)}).")


def _reason(reply: Reply) -> str:
    return ", ".join([f"status {reply.status}", *sorted(reply.reasons)])


def _details(content: bytes) -> Iterator[dict]:
    """The parts of a refusal. Where the body is not what is documented, there are none."""
    try:
        error = json.loads(content)["error"]
        parts = [*error.get("errors", []), *error.get("details", [])]
    except (ValueError, TypeError, LookupError, AttributeError):
        return
    yield from (part for part in parts if isinstance(part, dict))


def _names(key: str, details: list[dict]) -> Iterator[str]:
    """Names only: nothing else from outside gets into a text for people."""
    for detail in details:
        value = detail.get(key)
        if isinstance(value, str) and _NAME.fullmatch(value):
            yield value.removeprefix("push.")  # how a refused watch spells the same names
