"""Push: channels, and the calls that Google makes to their addresses.

https://developers.google.com/workspace/calendar/api/guides/push
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from itertools import count
from queue import Queue
from threading import Event, Thread
from urllib.parse import urlsplit

from tests.fakes.google.accounts import Account
from tests.fakes.google.refusals import invalid, not_found, refusal
from tests.fakes.google.store import Calendar

LIFE = timedelta(days=7)
AGAIN_AFTER = {500, 502, 503, 504}
TRIES, PAUSE = 3, 0.05  # seconds
LOOPBACK = {"127.0.0.1", "localhost"}


@dataclass
class Channel:
    """Calls its address about changes of one calendar, on behalf of an account."""

    account: Account
    calendar: Calendar
    id: str
    token: str
    address: str
    resource_id: str
    resource_uri: str
    expires_at: datetime

    def __post_init__(self) -> None:
        self._numbers = count(1, 3)  # they grow, and not by one

    def headers(self, state: str) -> dict[str, str]:
        return {
            "X-Goog-Channel-ID": self.id,
            "X-Goog-Channel-Token": self.token,
            "X-Goog-Channel-Expiration": format_datetime(self.expires_at, usegmt=True),
            "X-Goog-Resource-ID": self.resource_id,
            "X-Goog-Resource-URI": self.resource_uri,
            "X-Goog-Resource-State": state,
            "X-Goog-Message-Number": str(next(self._numbers)),
        }


@dataclass(frozen=True)
class Delivery:
    """One call to an address. ``status`` is 0 where nobody answered."""

    channel_id: str
    headers: dict[str, str]
    status: int


class Channels:
    """``loses`` makes notifications get lost, ``repeats`` makes them come twice."""

    def __init__(self, url: Callable[[], str]) -> None:
        self.open: dict[str, Channel] = {}
        self.deliveries: list[Delivery] = []
        self.loses = self.repeats = False
        self.life = LIFE
        self._url = url
        self._used_ids: set[str] = set()
        self._is_closing = Event()
        self._queue: Queue[tuple[Channel, str] | None] = Queue()
        self._courier = Thread(target=self._deliver_all, daemon=True)

    def start(self) -> None:
        self._courier.start()

    def stop(self) -> None:
        self._is_closing.set()
        self._queue.put(None)
        self._courier.join()

    def settle(self) -> None:
        """Wait until all that was to be told has been told."""
        self._queue.join()

    def watch(self, account: Account, calendar: Calendar, body: dict) -> dict:
        self._check(calendar, body)
        uri = f"{self._url()}/calendar/v3/calendars/{calendar.id}/events?alt=json"
        channel = Channel(
            account=account,
            calendar=calendar,
            id=body["id"],
            token=body.get("token", ""),
            address=body["address"],
            resource_id=f"r{abs(hash(calendar.id)):x}",
            resource_uri=uri,
            expires_at=self._expiry(body),
        )
        self.open[channel.id] = channel
        self._used_ids.add(channel.id)
        self._queue.put((channel, "sync"))
        return _resource(channel)

    def end(self, account: Account, body: dict) -> None:
        channel = self.open.get(body.get("id", ""))
        ours = channel and channel.account is account
        if not ours or channel.resource_id != body.get("resourceId"):
            raise not_found()
        del self.open[channel.id]

    def tell(self, calendar: Calendar) -> None:
        """Something in the calendar has changed."""
        now = datetime.now(UTC)
        for channel in self.open.values():
            if channel.calendar is calendar and channel.expires_at > now and not self.loses:
                for _ in range(2 if self.repeats else 1):
                    self._queue.put((channel, "exists"))

    def _check(self, calendar: Calendar, body: dict) -> None:
        address = urlsplit(body.get("address", ""))
        if not calendar.has_push:
            message = "Push notifications are not supported by this resource."
            raise refusal(400, "pushNotSupportedForRequestedResource", message)
        if address.scheme != "https" and address.hostname not in LOOPBACK:
            raise refusal(400, "push.webhookUrlNotHttps", "WebHook callback must be HTTPS.")
        if body.get("type") not in ("web_hook", "webhook") or not 0 < len(body.get("id", "")) <= 64:
            raise invalid("Invalid channel.")
        if len(body.get("token", "")) > 256:
            raise invalid("Invalid channel token.")
        if body["id"] in self._used_ids:
            raise refusal(400, "channelIdNotUnique", "Channel id not unique")

    def _expiry(self, body: dict) -> datetime:
        """What was wished for, but no later than Google likes."""
        latest = (datetime.now(UTC) + self.life).replace(microsecond=0)
        if wished := body.get("expiration"):
            return min(latest, datetime.fromtimestamp(int(wished) / 1000, UTC))
        return latest

    def _deliver_all(self) -> None:
        while (job := self._queue.get()) is not None:
            channel, state = job
            if not self._is_closing.is_set():
                self._deliver(channel, channel.headers(state))
            self._queue.task_done()
        self._queue.task_done()

    def _deliver(self, channel: Channel, headers: dict[str, str]) -> None:
        for _ in range(TRIES):
            status = _post(channel.address, headers)
            self.deliveries.append(Delivery(channel.id, headers, status))
            if status not in AGAIN_AFTER or self._is_closing.wait(PAUSE):
                return


def _resource(channel: Channel) -> dict:
    return {
        "kind": "api#channel",
        "id": channel.id,
        "resourceId": channel.resource_id,
        "resourceUri": channel.resource_uri,
        "token": channel.token,
        "expiration": str(int(channel.expires_at.timestamp() * 1000)),
    }


def _post(address: str, headers: dict[str, str]) -> int:
    target = urlsplit(address)
    kind = HTTPSConnection if target.scheme == "https" else HTTPConnection
    connection = kind(target.hostname, target.port, timeout=10)
    try:
        path = target.path + (f"?{target.query}" if target.query else "")
        connection.request("POST", path or "/", b"", headers)
        return connection.getresponse().status
    except (OSError, HTTPException):
        return 0
    finally:
        connection.close()
