"""All of Google that calsync talks to, on one loopback port."""

from collections.abc import Callable
from random import Random
from typing import Self

from tests.fakes.google import free_busy
from tests.fakes.google.accounts import Account, Entry
from tests.fakes.google.channels import Channels
from tests.fakes.google.events import Events
from tests.fakes.google.oauth import OAuth
from tests.fakes.google.partial import parse, part_of
from tests.fakes.google.refusals import not_authenticated, not_found, not_permitted
from tests.fakes.google.store import Calendar
from tests.fakes.google.tokens import PREFIX, Tokens
from tests.fakes.http import Call, FakeService, Route

# Which scopes allow what; any one of them is enough.
LIST_CALENDARS = {"calendar", "calendar.readonly", "calendar.calendarlist.readonly"}
READ = {"calendar", "calendar.readonly", "calendar.events", "calendar.events.readonly"}
WRITE = {"calendar", "calendar.events"}
FREE_BUSY = {"calendar", "calendar.readonly", "calendar.freebusy", "calendar.events.freebusy"}

EVENTS = r"/calendar/v3/calendars/([^/]+)/events"
EVENT = rf"{EVENTS}/([^/]+)"


class FakeGoogle(FakeService):
    """See the package. Accounts and calendars are made on demand and live as long as it does."""

    def __init__(self, **options) -> None:
        self.accounts: dict[str, Account] = {}
        self.calendars: dict[str, Calendar] = {}
        self.tokens = Tokens()
        self.oauth = OAuth(self.tokens, self.accounts)
        self.events = Events()
        self.channels = Channels(lambda: self.url)
        super().__init__(self._table(), **options)

    def __enter__(self) -> Self:
        super().__enter__()
        self.channels.start()
        return self

    def __exit__(self, *exc_info) -> None:
        self.channels.stop()
        super().__exit__(*exc_info)

    def account(self, email: str, *, time_zone: str = "Europe/Berlin") -> Account:
        """The account of that address, opened when it is first asked for."""
        if email not in self.accounts:
            self.accounts[email] = Account(self, email, time_zone=time_zone)
        return self.accounts[email]

    def new_calendar(self, calendar_id: str, summary: str, time_zone: str) -> Calendar:
        self.calendars[calendar_id] = Calendar(
            calendar_id,
            summary,
            time_zone=time_zone,
            lock=self.lock,
            tick=self._tick,
            on_change=self.channels.tell,
        )
        return self.calendars[calendar_id]

    def remove_calendar(self, calendar: Calendar) -> None:
        """Nobody has it any more."""
        for account in self.accounts.values():
            account.entries.pop(calendar.id, None)

    def cut_pages(self, seed: int) -> None:
        """From now on pages are of any size, and some are empty."""
        random = Random(seed)
        self.events.lists.page_size = lambda limit, left: random.choice(
            (0, random.randint(1, max(left, 1)), limit)
        )

    def cut_pages_into(self, *sizes: int) -> None:
        """The next pages hold so many events; those after them as many as they can."""
        given = iter(sizes)
        self.events.lists.page_size = lambda limit, left: next(given, limit)

    def expire_sync_tokens(self) -> None:
        self.events.lists.expire_sync_tokens()

    def expire_access_tokens(self) -> None:
        self.tokens.expire_access()

    def _tick(self) -> int:
        self.events.number += 1
        return self.events.number

    def _table(self) -> list[Route]:
        events, calendar = self.events, self._with_calendar
        return [
            ("GET", r"/o/oauth2/(?:v2/)?auth", self.oauth.authorize),
            ("POST", r"/token", self.oauth.token),
            ("POST", r"/revoke", self.oauth.revoke),
            ("GET", r"/oauth2/v\d/userinfo", self.oauth.user_info),
            ("GET", r"/calendar/v3/users/me/calendarList", self._list_calendars),
            ("GET", EVENTS, calendar(READ, events.listed)),
            ("POST", EVENTS, calendar(WRITE, events.insert)),
            ("POST", rf"{EVENTS}/watch", self._watch),
            ("GET", rf"{EVENT}/instances", calendar(READ, events.instances)),
            ("GET", EVENT, calendar(READ, events.get)),
            ("PATCH", EVENT, calendar(WRITE, events.patch)),
            ("PUT", EVENT, calendar(WRITE, events.update)),
            ("DELETE", EVENT, calendar(WRITE, events.delete)),
            ("POST", r"/calendar/v3/channels/stop", self._stop),
            ("POST", r"/calendar/v3/freeBusy", self._free_busy),
        ]

    def _with_calendar(self, scopes: set[str], route: Callable) -> Callable:
        def answer(call: Call, calendar_id: str, *rest: str) -> object:
            return route(call, self._entry(call, scopes, calendar_id), *rest)

        return answer

    def _list_calendars(self, call: Call) -> dict:
        entries = self._caller(call, LIST_CALENDARS).entries.values()
        shown = [entry.resource() for entry in entries]
        if call.first("showHidden") != "true":
            shown = [one for one in shown if not one.get("hidden")]
        if call.first("showDeleted") != "true":
            shown = [one for one in shown if not one.get("deleted")]
        first, size = int(call.first("pageToken", "0")), int(call.first("maxResults", "100"))
        page = {"kind": "calendar#calendarList", "items": shown[first : first + size]}
        if first + size < len(shown):
            page["nextPageToken"] = str(first + size)
        return part_of(page, parse(call.first("fields")))

    def _watch(self, call: Call, calendar_id: str) -> dict:
        entry = self._entry(call, READ, calendar_id)
        return self.channels.watch(self._caller(call, READ), entry.calendar, call.json)

    def _stop(self, call: Call) -> None:
        self.channels.end(self._caller(call, READ | LIST_CALENDARS), call.json)

    def _free_busy(self, call: Call) -> dict:
        return free_busy.query(call, self._caller(call, FREE_BUSY))

    def _entry(self, call: Call, scopes: set[str], calendar_id: str) -> Entry:
        account = self._caller(call, scopes)
        real_id = account.primary.id if calendar_id == "primary" else calendar_id
        if real_id not in account.entries:
            raise not_found()
        return account.entries[real_id]

    def _caller(self, call: Call, scopes: set[str]) -> Account:
        grant = self.tokens.of_access(call.header("Authorization").removeprefix("Bearer "))
        if grant is None:
            raise not_authenticated()
        if not grant.scopes & {f"{PREFIX}{name}" for name in scopes}:
            raise not_permitted()
        return grant.account
