"""All of Microsoft that calsync talks to, on one loopback port."""

from collections.abc import Callable
from random import Random
from typing import Self

from tests.fakes.http import Call, FakeService, Route
from tests.fakes.microsoft.accounts import Account
from tests.fakes.microsoft.delta import Delta
from tests.fakes.microsoft.events import Events, page_of
from tests.fakes.microsoft.identity import Identity
from tests.fakes.microsoft.refusals import denied, not_authenticated, not_found
from tests.fakes.microsoft.store import Calendar
from tests.fakes.microsoft.subscriptions import Subscriptions

# Which scopes allow what; any one of them is enough.
READ = {"Calendars.Read", "Calendars.ReadWrite"}
WRITE = {"Calendars.ReadWrite"}
SIGN_IN = {"User.Read"}

CALENDAR = r"/v1\.0/me/calendars/([^/]+)"
EVENTS = rf"{CALENDAR}/events"
EVENT = rf"{EVENTS}/([^/]+)"
SUBSCRIPTIONS = r"/v1\.0/subscriptions"


class FakeMicrosoft(FakeService):
    """See the package. Accounts and calendars are made on demand and live as long as it does."""

    def __init__(self, **options) -> None:
        self.accounts: dict[str, Account] = {}
        self.number = 0  # of the last change anywhere
        self._calendars = 0
        self.identity = Identity(self.accounts)
        self.events = Events()
        self.delta = Delta(lambda: self.url, lambda: self.number)
        self.subscriptions = Subscriptions()
        super().__init__(self._table(), **options)

    def __enter__(self) -> Self:
        super().__enter__()
        self.subscriptions.start()
        return self

    def __exit__(self, *exc_info) -> None:
        self.subscriptions.stop()
        super().__exit__(*exc_info)

    def account(self, email: str, *, time_zone: str = "Europe/Berlin") -> Account:
        """The account of that address, opened when it is first asked for."""
        if email not in self.accounts:
            self.accounts[email] = Account(self, email, time_zone=time_zone)
        return self.accounts[email]

    def new_calendar(self, account: Account, name: str) -> Calendar:
        self._calendars += 1
        return Calendar(
            account,
            f"AQMk{self._calendars:04d}/-_==",
            name,
            lock=self.lock,
            tick=self._tick,
            on_change=self._tell,
        )

    def cut_pages(self, seed: int) -> None:
        """From now on pages of changes are of any size and in any order, and some are empty."""
        random = Random(seed)
        self.delta.shuffles = random
        self.delta.page_size = lambda limit, left: random.choice(
            (0, random.randint(1, max(left, 1)), limit)
        )

    def cut_pages_into(self, *sizes: int) -> None:
        """The next pages of changes hold so many items; those after them as many as they can."""
        given = iter(sizes)
        self.delta.page_size = lambda limit, left: next(given, limit)

    def _tick(self) -> int:
        self.number += 1
        return self.number

    def _tell(self, calendar: Calendar, event_id: str, change: str) -> None:
        self.subscriptions.tell(calendar.account, event_id, change)

    def _table(self) -> list[Route]:
        events, calendar, account = self.events, self._with_calendar, self._with_account
        identity, subscriptions = self.identity, self.subscriptions
        return [
            ("GET", r"/([^/]+)/oauth2/v2\.0/authorize", identity.authorize),
            ("POST", r"/([^/]+)/oauth2/v2\.0/token", identity.token),
            ("GET", r"/oidc/userinfo", identity.user_info),
            ("GET", r"/v1\.0/me", account(SIGN_IN, lambda call, account: account.resource())),
            ("GET", r"/v1\.0/me/calendars", account(READ, _list_calendars)),
            ("GET", CALENDAR, calendar(READ, lambda call, calendar: calendar.resource())),
            ("GET", rf"{CALENDAR}/calendarView/delta", calendar(READ, self.delta.listed)),
            ("GET", rf"{CALENDAR}/calendarView", calendar(READ, events.view)),
            ("GET", EVENTS, calendar(READ, events.listed)),
            ("POST", EVENTS, calendar(WRITE, events.create)),
            ("GET", rf"{EVENT}/instances", calendar(READ, events.instances)),
            ("GET", EVENT, calendar(READ, events.get)),
            ("GET", r"/v1\.0/me/events/([^/]+)/calendar", account(READ, _calendar_of)),
            ("PATCH", EVENT, calendar(WRITE, events.patch)),
            ("DELETE", EVENT, calendar(WRITE, events.delete)),
            ("GET", SUBSCRIPTIONS, account(READ, subscriptions.listed)),
            ("POST", SUBSCRIPTIONS, account(READ, subscriptions.create)),
            ("PATCH", rf"{SUBSCRIPTIONS}/([^/]+)", account(READ, subscriptions.renew)),
            ("DELETE", rf"{SUBSCRIPTIONS}/([^/]+)", account(READ, subscriptions.end)),
        ]

    def _with_account(self, scopes: set[str], route: Callable) -> Callable:
        return lambda call, *rest: route(call, self._caller(call, scopes), *rest)

    def _with_calendar(self, scopes: set[str], route: Callable) -> Callable:
        def answer(call: Call, calendar_id: str, *rest: str) -> object:
            account = self._caller(call, scopes)
            if calendar_id not in account.calendars:
                raise not_found()
            return route(call, account.calendars[calendar_id], *rest)

        return answer

    def _caller(self, call: Call, scopes: set[str]) -> Account:
        grant = self.identity.of_access(call.header("Authorization").removeprefix("Bearer "))
        if grant is None:
            raise not_authenticated()
        if not grant.scopes & scopes:
            raise denied()
        return grant.account


def _list_calendars(call: Call, account: Account) -> dict:
    return page_of([one.resource() for one in account.calendars.values()], call)


def _calendar_of(call: Call, account: Account, event_id: str) -> dict:
    found = (one for one in account.calendars.values() if one.get(event_id))
    calendar = next(found, None)
    if calendar is None:
        raise not_found()
    return calendar.resource()
