"""This installation's registration at Google, where Google is, and what it is asked to allow."""

from dataclasses import dataclass

# Whoever leaves one of them unticked on the consent screen has connected in part only.
SCOPES = (
    "https://www.googleapis.com/auth/calendar.events",  # changes, bookings, watches
    "https://www.googleapis.com/auth/calendar.calendarlist.readonly",  # which calendars there are
    "https://www.googleapis.com/auth/calendar.freebusy",  # Google's own word on busy time
)

ALL_IN_ONE = "https://www.googleapis.com/auth/calendar"  # never asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class GoogleApp:
    """An OAuth client of Google's, and the addresses of its services without a slash at the end."""

    client_id: str
    client_secret: str
    accounts_url: str = "https://accounts.google.com"
    oauth_url: str = "https://oauth2.googleapis.com"
    api_url: str = "https://www.googleapis.com"

    def __repr__(self) -> str:
        return f"GoogleApp(client_id={self.client_id!r})"
