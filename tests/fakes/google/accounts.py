"""People with a Google account: the calendars they list, and what they have allowed an app."""

from dataclasses import dataclass, field

from tests.fakes.google.store import Calendar

OWNER, WRITER, READER = "owner", "writer", "reader"
BUSY_READER = "freeBusyReader"


@dataclass
class Entry:
    """A calendar as an account lists it. ``settings`` holds further fields of the resource."""

    calendar: Calendar
    role: str
    settings: dict = field(default_factory=dict)

    def resource(self) -> dict:
        return {
            "kind": "calendar#calendarListEntry",
            "id": self.calendar.id,
            "summary": self.calendar.summary,
            "timeZone": self.calendar.time_zone,
            "accessRole": self.role,
            "selected": True,
            **self.settings,
        }


@dataclass
class Grant:
    """What an account has allowed the app; its end is the end of all tokens made from it."""

    account: "Account"
    scopes: frozenset[str]
    is_revoked: bool = False


class Account:
    """``google`` is the FakeGoogle it lives at."""

    def __init__(self, google, email: str, *, time_zone: str) -> None:
        self._google, self.email, self.time_zone = google, email, time_zone
        self.name = email.partition("@")[0].title()
        self.entries: dict[str, Entry] = {}
        self.primary = self._own(email, email, primary=True)

    def calendar(self, summary: str, *, time_zone: str = "") -> Calendar:
        """A new calendar of its own."""
        number = len(self._google.calendars)
        return self._own(f"c{number}@group.calendar.google.com", summary, time_zone)

    def subscribe(self, calendar: Calendar, role: str = READER, **settings) -> None:
        """List somebody else's calendar, or one of its own in another way."""
        self.entries[calendar.id] = Entry(calendar, role, settings)

    def unsubscribe(self, calendar: Calendar) -> None:
        """Lose sight of a calendar."""
        del self.entries[calendar.id]

    def sign_in(self, scopes: frozenset[str] | None = None) -> str:
        """An access token, without the consent screen."""
        return self._google.tokens.access_token(self._google.tokens.grant(self, scopes))

    def stay_signed_in(self, scopes: frozenset[str] | None = None) -> str:
        """A refresh token, without the consent screen."""
        return self._google.tokens.refresh_token(self._google.tokens.grant(self, scopes))

    def revoke(self) -> None:
        """Take back, in the account's settings, all it has allowed."""
        self._google.tokens.revoke_all(self)

    def _own(self, calendar_id: str, summary: str, time_zone: str = "", **settings) -> Calendar:
        calendar = self._google.new_calendar(calendar_id, summary, time_zone or self.time_zone)
        self.subscribe(calendar, OWNER, **settings)
        return calendar
