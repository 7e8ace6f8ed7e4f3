"""A calendar at the fake Google, as the adapter contract wants it."""

from dataclasses import dataclass
from datetime import date, datetime

from connections.providers.base import Credentials
from connections.providers.google import GoogleAdapter, GoogleApp
from tests.connections.providers.contract import Far
from tests.fakes.google import Account, Calendar, FakeGoogle

TIMEOUT = 5.0  # seconds


def app_at(google: FakeGoogle) -> GoogleApp:
    return GoogleApp(
        client_id=google.oauth.client_id,
        client_secret=google.oauth.client_secret,
        accounts_url=google.url,
        oauth_url=google.url,
        api_url=google.url,
    )


@dataclass(kw_only=True)
class GoogleCalendar(Far):
    """A new calendar of an account; ``timeout`` is how long its adapters wait, in seconds."""

    google: FakeGoogle
    account: Account
    calendar: Calendar
    timeout: float = TIMEOUT

    @property
    def calendar_id(self) -> str:
        return self.calendar.id

    def adapter(self, access_token: str | None = None) -> GoogleAdapter:
        token = self.account.sign_in() if access_token is None else access_token
        credentials = Credentials(access_token=token)
        return GoogleAdapter(credentials, app=app_at(self.google), timeout=self.timeout)

    def add(self, title: str, start: datetime | date, end: datetime | date, **fields) -> str:
        return self.calendar.add(title, start, end, **fields)

    def change(self, series_id: str, title: str, start: datetime, end: datetime) -> None:
        self.calendar.change(series_id, title, start, end)

    def remove(self, series_id: str) -> None:
        self.calendar.remove(series_id)


def calendar_at(google: FakeGoogle, *, time_zone: str = "Europe/Berlin") -> GoogleCalendar:
    account = google.account("anna@example.com")
    return GoogleCalendar(
        google=google, account=account, calendar=account.calendar("Work", time_zone=time_zone)
    )
