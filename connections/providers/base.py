"""The contract between calsync and a calendar provider.

An adapter speaks one provider's protocol and answers in the words of this module. It knows
HTTP and vendor vocabulary; it knows no Django model and nothing of the other apps. Whoever
calls it needs to know nothing of the provider.

All instants are timezone-aware and in UTC; all spans are half-open, ``[start, end)``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

CONFIRMED, TENTATIVE, CANCELLED = "confirmed", "tentative", "cancelled"
OPAQUE, TRANSPARENT = "opaque", "transparent"

# What a notification means: a calendar changed; the watch works, and nothing changed; the watch
# must be renewed now; it has ended; it lives, and has failed to tell of changes.
CHANGED, HELLO, RENEW, LOST, MISSED = "changed", "hello", "renew", "lost", "missed"


# --- nouns ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What an adapter needs to sign in. Never logged: the secrets are kept out of ``repr``."""

    username: str = ""
    server_url: str = ""
    password: str = ""
    access_token: str = ""

    def __repr__(self) -> str:
        return f"Credentials(username=…, server_url={self.server_url!r})"


@dataclass(frozen=True, slots=True)
class Window:
    """The half-open span of time for which busy time is kept."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteCalendar:
    """One calendar of an account, as the provider lists it."""

    calendar_id: str
    name: str
    time_zone: str = ""
    is_default: bool = False
    is_writable: bool = True
    blocks_time: bool = True  # False where the provider says the whole calendar never blocks


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteEvent:
    """One occurrence of an event, as the provider holds it now.

    ``provider_event_id`` is unique per occurrence within its calendar; ``series_id`` names what
    the provider reports as a whole (a series, a CalDAV object) and is what removals may refer to.
    All-day events carry their dates (``end_date`` exclusive) besides the instants derived from
    them. An event that could not be read in full has a ``problem`` and blocks its best-known span.
    """

    provider_event_id: str
    start: datetime
    end: datetime
    series_id: str = ""
    title: str = ""
    start_date: date | None = None
    end_date: date | None = None
    status: str = CONFIRMED
    transparency: str = OPAQUE
    booking_id: UUID | None = None
    updated_at: datetime | None = None
    uid: str = ""
    sequence: int = 0
    version: str = ""  # the provider's version tag (etag) of the object this comes from
    problem: str = ""
    floats_in: str = ""  # the zone its wall times were read in, where they do not define one

    @property
    def is_all_day(self) -> bool:
        return self.start_date is not None


@dataclass(frozen=True, slots=True)
class Problem:
    """One object that could not be read, named so that a person can find it."""

    object_id: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePage:
    """One page of a round of changes. A later page wins over an earlier one.

    ``removed`` holds ids that are gone: every stored row whose id *or* series is named goes.
    ``replaced`` holds series of which ``events`` (of this page) shows everything that is left.
    ``kept`` holds ids of what is there and could not be read: in a full round every stored row
    whose id or series is named stays.
    ``sync_token`` is set on the last page only, and is opaque to everyone but the adapter.
    A round without a token to begin with lists the whole window: what it neither shows nor keeps is
    gone.
    """

    events: Sequence[RemoteEvent] = ()
    removed: frozenset[str] = frozenset()
    replaced: frozenset[str] = frozenset()
    kept: frozenset[str] = frozenset()
    problems: Sequence[Problem] = ()
    sync_token: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDraft:
    """A booking as it is to stand in the consultant's calendar."""

    booking_id: UUID
    uid: str
    sequence: int
    start: datetime
    end: datetime
    title: str
    description: str = ""
    location: str = ""
    wants_conference: bool = False  # a video call of the provider's own, where it has one


@dataclass(frozen=True, slots=True)
class WrittenEvent:
    """Where a draft now stands at the provider."""

    provider_event_id: str
    conference_url: str = ""  # where the draft's conference is held, once the provider knows
    awaits_conference: bool = False  # it is being made: the next write may find out where


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """A push subscription as the provider granted it. ``secret`` comes with each notification."""

    watch_id: str
    resource_id: str
    secret: str
    expires_at: datetime

    def __repr__(self) -> str:
        return f"Watch(watch_id={self.watch_id!r}, expires_at={self.expires_at!r})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """What somebody who called a watch's address says. To be believed only if the secret fits."""

    watch_id: str
    secret: str
    meaning: str
    resource_id: str | None = None  # None: this provider does not repeat it

    def __repr__(self) -> str:
        return f"Notification(watch_id={self.watch_id!r}, meaning={self.meaning!r})"


class NotificationUnreadable(ValueError):
    """What was sent to a watch's address is not what the provider sends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What a token endpoint answered. An empty ``refresh_token`` means: the old one stays."""

    access_token: str
    expires_at: datetime
    refresh_token: str = ""

    def __repr__(self) -> str:
        return f"Tokens(expires_at={self.expires_at!r})"


class CalendarAdapter(Protocol):
    """One account at one provider. Cheap to build, used for one task, not shared by threads.

    Every method may raise any ``ProviderError``; every network call has a time-out.
    """

    def calendars(self) -> list[RemoteCalendar]:
        """All calendars of the account that can hold events."""

    def changes(
        self, calendar_id: str, *, window: Window, zone: ZoneInfo, sync_token: str = ""
    ) -> Iterator[ChangePage]:
        """What changed since ``sync_token``, or the whole window without one.

        ``zone`` gives floating and all-day times their instants. Raises ``SyncTokenExpired`` when
        the provider no longer knows the token: the caller then asks again without one. A walk that
        cannot be finished raises; it never ends early with a token.
        """

    def create_event(self, calendar_id: str, draft: EventDraft) -> WrittenEvent:
        """Write the draft once: repeating it after a lost answer leaves exactly one event."""

    def update_event(
        self, calendar_id: str, provider_event_id: str, draft: EventDraft
    ) -> WrittenEvent:
        """Bring our event to the draft, in place. Raises ``EventGone`` where there is none."""

    def delete_event(self, calendar_id: str, provider_event_id: str) -> None:
        """Remove our event. One that is gone already counts as removed."""

    def read_event(
        self, calendar_id: str, provider_event_id: str, *, zone: ZoneInfo
    ) -> RemoteEvent:
        """A direct read of one of our events. Raises ``EventGone`` only on positive proof."""

    def busy(self, calendar_id: str, *, window: Window) -> list[Window]:
        """The provider's own word on when the calendar is busy; to be compared with ours.

        Raises ``FreeBusyUnsupported`` where there is none.
        """

    def watch(self, calendar_id: str, *, address: str, secret: str) -> Watch:
        """Ask for notifications at ``address`` (https), each to carry ``secret``.

        Raises ``PushUnsupported`` where the calendar has none. Of providers with push alone.
        """

    def renew_watch(self, calendar_id: str, watch: Watch, *, address: str) -> Watch:
        """The same watch for longer, or a new one beside it: the caller then stops the old one."""

    def stop_watch(self, watch: Watch) -> None:
        """End a watch. One that is gone already counts as ended."""


# --- errors, sorted by what the caller does next ---------------------------------------------


class ProviderError(Exception):
    """Anything that went wrong at a provider. The text is fit for a person and holds no secret."""


class ProviderUnavailable(ProviderError):
    """Retry later: time-out, broken connection, 5xx, an answer that makes no sense."""


class RateLimited(ProviderUnavailable):
    """Retry later, and not before ``retry_after`` seconds have passed."""

    def __init__(self, message: str, *, retry_after: float = 60.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class SyncTokenExpired(ProviderError):
    """Start over: the provider no longer knows the sync token."""


class AccessRevoked(ProviderError):
    """Ask the consultant: the credentials are refused, calls must stop until they reconnect."""


class AccessTokenRefused(ProviderError):
    """Refresh the access token and try once more; a second refusal means ``AccessRevoked``."""


class CalendarGone(ProviderError):
    """Ask the consultant: the calendar was removed or is no longer shared."""


class EventGone(ProviderError):
    """The event does not exist at the provider, on positive proof."""


class EventConflict(ProviderError):
    """The event changed at the provider since it was last read; read again and decide."""


class WriteRefused(ProviderError):
    """The provider will not take this event, however often it is tried (read-only, over quota)."""


class PushUnsupported(ProviderError):
    """This calendar sends no notifications: poll it."""


class FreeBusyUnsupported(ProviderError):
    """This server does not tell when a calendar is busy: there is nothing to compare with."""


class AddressRefused(ProviderError):
    """An address that calsync must not call: not https, private, or a foreign origin."""


class ProviderMisconfigured(ProviderError):
    """Tell the operator: this installation's own registration or settings are wrong."""


def unexpected(error: Exception) -> str:
    """What a person is told of an error outside this family: its own text may hold anything."""
    return f"Internal error ({type(error).__name__}); the server's log has the details."
