"""A calendar at the fake Microsoft, as the adapter contract wants it."""

from dataclasses import dataclass
from datetime import date, datetime

from connections.providers.base import Credentials
from connections.providers.microsoft import MicrosoftAdapter, MicrosoftApp
from tests.connections.providers.contract import Far
from tests.fakes.microsoft import Account, Calendar, FakeMicrosoft

TIMEOUT = 5.0  # seconds


def app_at(microsoft: FakeMicrosoft) -> MicrosoftApp:
    return MicrosoftApp(
        client_id=microsoft.identity.client_id,
        client_secret=microsoft.identity.client_secret,
        login_url=microsoft.url,
        graph_url=microsoft.url,
    )


@dataclass(kw_only=True)
class MicrosoftCalendar(Far):
    """A new calendar of an account; ``timeout`` is how long its adapters wait, in seconds."""

    microsoft: FakeMicrosoft
    account: Account
    calendar: Calendar
    timeout: float = TIMEOUT

    @property
    def calendar_id(self) -> str:
        return self.calendar.id

    def adapter(self, access_token: str | None = None) -> MicrosoftAdapter:
        token = self.account.sign_in() if access_token is None else access_token
        credentials = Credentials(access_token=token)
        return MicrosoftAdapter(credentials, app=app_at(self.microsoft), timeout=self.timeout)

    def add(self, title: str, start: datetime | date, end: datetime | date, **fields) -> str:
        return self.calendar.add(title, start, end, **fields)

    def change(self, series_id: str, title: str, start: datetime, end: datetime) -> None:
        self.calendar.change(series_id, title, start, end)

    def remove(self, series_id: str) -> None:
        self.calendar.remove(series_id)


def calendar_at(microsoft: FakeMicrosoft) -> MicrosoftCalendar:
    account = microsoft.account("anna@example.com")
    return MicrosoftCalendar(
        microsoft=microsoft, account=account, calendar=account.calendar("Work")
    )
