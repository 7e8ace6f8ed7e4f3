"""What Microsoft Graph answered, and what a refusal means.

https://learn.microsoft.com/en-us/graph/errors
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from connections.providers.base import (
    AccessTokenRefused,
    CalendarGone,
    ProviderError,
    ProviderUnavailable,
    RateLimited,
)

BAD_REQUEST, UNAUTHORIZED, FORBIDDEN, NOT_FOUND = 400, 401, 403, 404
CONFLICT, GONE, CHANGED, TOO_MANY = 409, 410, 412, 429
MISSING = {NOT_FOUND, GONE}

# How the codes begin that an account without a mailbox gets, or with one that is not in the cloud:
# MailboxNotEnabledForRESTAPI, MailboxNotSupportedForRESTAPI, MailboxNotHostedIn…
NO_MAILBOX = "mailboxnot"

SOON = 60.0  # seconds

_NAME = re.compile(r"[\w.]{1,80}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, read. ``codes`` name why Graph refused; their case differs from day to day."""

    status: int
    body: Mapping = field(default_factory=dict)
    retry_after: float = 0.0  # seconds; 0 where Graph does not say

    @property
    def is_ok(self) -> bool:
        return self.status < 300

    @property
    def codes(self) -> frozenset[str]:
        return frozenset(code.casefold() for code in _codes(self.body.get("error")))

    @property
    def has_no_mailbox(self) -> bool:
        return any(code.startswith(NO_MAILBOX) for code in self.codes)

    @property
    def items(self) -> list[dict]:
        """The entries of a page. Raises where there are none to be seen."""
        items = self.body.get("value")
        is_page = isinstance(items, list)
        if not is_page or not all(isinstance(one, dict) and one.get("id") for one in items):
            raise makes_no_sense(self)
        return items


def refusal_of_all(reply: Reply) -> ProviderError | None:
    """What a refusal means that has nothing to do with what was asked; None for any other."""
    if reply.status == UNAUTHORIZED:
        return AccessTokenRefused("Microsoft no longer accepts the access token.")
    if reply.status == TOO_MANY:
        return RateLimited("Microsoft asks to slow down.", retry_after=reply.retry_after or SOON)
    if reply.status >= 500 and reply.retry_after:
        return RateLimited("Microsoft is out of order.", retry_after=reply.retry_after)
    if reply.status >= 500:
        return ProviderUnavailable(f"Microsoft is out of order (status {reply.status}).")
    return None


def refusal_of_calendar(reply: Reply) -> ProviderError:
    """What any other refusal means where a calendar was asked for."""
    if reply.status == NOT_FOUND:
        return CalendarGone("The calendar no longer exists, or is no longer shared.")
    if reply.status == FORBIDDEN:
        return CalendarGone("This account may not use the calendar any more.")
    return makes_no_sense(reply)


def makes_no_sense(reply: Reply) -> ProviderUnavailable:
    reasons = ", ".join([f"status {reply.status}", *sorted(reply.codes)])
    return ProviderUnavailable(f"Microsoft's answer makes no sense ({reasons}).")


def _codes(error: object) -> Iterator[str]:
    """The codes of an error and of those within it: nothing else gets into a text for people."""
    while isinstance(error, dict):
        code = error.get("code")
        if isinstance(code, str) and _NAME.fullmatch(code):
            yield code
        error = error.get("innerError") or error.get("innererror")
