"""People with a Microsoft account: their calendars, and what they have allowed an app."""

from dataclasses import dataclass

from tests.fakes.microsoft.store import Calendar


@dataclass
class Grant:
    """What an account has allowed the app; its end is the end of all tokens made from it."""

    account: "Account"
    scopes: frozenset[str]
    ended_by: int = 0  # the AADSTS number of what ended it


class Account:
    """``microsoft`` is the FakeMicrosoft it lives at."""

    def __init__(self, microsoft, email: str, *, time_zone: str) -> None:
        self._microsoft, self.email, self.time_zone = microsoft, email, time_zone
        self.name = email.partition("@")[0].title()
        self.calendars: dict[str, Calendar] = {}
        self.transactions: dict[str, str] = {}  # each transaction id, and the event it made
        self.has_teams = True
        self.default = self.calendar("Calendar")
        self.default.is_default = True

    def calendar(self, name: str, *, can_edit: bool = True) -> Calendar:
        """A new calendar of its own."""
        calendar = self._microsoft.new_calendar(self, name)
        calendar.can_edit = can_edit
        self.calendars[calendar.id] = calendar
        return calendar

    def drop(self, calendar: Calendar) -> None:
        """Delete a calendar, or lose sight of it."""
        del self.calendars[calendar.id]

    def move(self, event_id: str, source: Calendar, target: Calendar) -> None:
        """Move an event to another calendar: its immutable id stays."""
        source.hand_over(event_id, target)

    def sign_in(self, scopes: frozenset[str] | None = None) -> str:
        """An access token, without the consent screen."""
        return self._microsoft.identity.access_token(self._grant(scopes))

    def stay_signed_in(self, scopes: frozenset[str] | None = None) -> str:
        """A refresh token, without the consent screen."""
        return self._microsoft.identity.refresh_token(self._grant(scopes))

    def revoke(self, number: int = 50173) -> None:
        """End all it has allowed, by changing the password or for another reason."""
        self._microsoft.identity.end_all(self, number)

    def resource(self) -> dict:
        return {
            "id": f"user-{self.email}",
            "displayName": self.name,
            "mail": self.email,
            "userPrincipalName": self.email,
        }

    def _grant(self, scopes: frozenset[str] | None) -> Grant:
        return Grant(self, self._microsoft.identity.all_scopes if scopes is None else scopes)
