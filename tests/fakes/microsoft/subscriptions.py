"""Push: subscriptions, and the calls that Microsoft makes to their addresses.

https://learn.microsoft.com/en-us/graph/change-notifications-delivery-webhooks
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from itertools import count
from queue import Queue
from threading import Event, Thread
from urllib.parse import quote, urlsplit

from tests.fakes.http import Call, as_response
from tests.fakes.microsoft.accounts import Account
from tests.fakes.microsoft.refusals import not_found, refusal

LONGEST = timedelta(minutes=10_080)
TRIES, PAUSE = 3, 0.05  # seconds
LOOPBACK = {"127.0.0.1", "localhost"}
TOKEN = "Validation: Testing client application reachability for+subscription/Request-Id: a=b:c"


@dataclass
class Subscription:
    """Calls its address about the events of an account."""

    account: Account
    id: str
    body: dict

    @property
    def expires_at(self) -> datetime:
        return datetime.fromisoformat(self.body["expirationDateTime"])

    def resource(self) -> dict:
        """``clientState`` is never given back."""
        return {"id": self.id, **self.body, "clientState": None}

    def about(self, **news: object) -> dict:
        return {
            "subscriptionId": self.id,
            "subscriptionExpirationDateTime": self.body["expirationDateTime"],
            "clientState": self.body.get("clientState"),
            "tenantId": "tenant-0",
            **news,
        }


@dataclass(frozen=True)
class Delivery:
    """One call to an address. ``status`` is 0 where nobody answered."""

    address: str
    items: list[dict]
    status: int


class Subscriptions:
    """``loses`` makes notifications get lost, ``repeats`` makes them come twice."""

    def __init__(self) -> None:
        self.open: dict[str, Subscription] = {}
        self.deliveries: list[Delivery] = []
        self.loses = self.repeats = self.refuses_duplicates = False
        self.longest = LONGEST
        self._numbers = count(1)
        self._is_closing = Event()
        self._queue: Queue[tuple[str, list[dict]] | None] = Queue()
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

    # --- over HTTP -----------------------------------------------------------------------------

    def create(self, call: Call, account: Account) -> object:
        body = call.json
        self._check(body, account)
        for name in ("notificationUrl", "lifecycleNotificationUrl"):
            if name in body and not _answers(body[name]):
                message = "Subscription validation request failed. Must respond with 200 OK."
                raise refusal(400, "ValidationError", message)
        subscription = Subscription(account, f"sub-{next(self._numbers)}", body)
        self.open[subscription.id] = subscription
        return as_response(subscription.resource(), 201)

    def listed(self, call: Call, account: Account) -> dict:
        return {"value": [one.resource() for one in self.open.values() if one.account is account]}

    def renew(self, call: Call, account: Account, subscription_id: str) -> dict:
        subscription = self._found(account, subscription_id)
        self._check_life(call.json)
        subscription.body = subscription.body | call.json
        return subscription.resource()

    def end(self, call: Call, account: Account, subscription_id: str) -> None:
        self._found(account, subscription_id)
        del self.open[subscription_id]

    # --- telling -------------------------------------------------------------------------------

    def tell(self, account: Account, event_id: str, change: str) -> None:
        """Something in one of the account's calendars has changed."""
        data = {"@odata.type": "#Microsoft.Graph.Event", "id": event_id}
        news = {
            "changeType": change,
            "resource": f"Users/u/Events/{event_id}",
            "resourceData": data,
        }
        for one in self.open.values():
            is_alive = one.account is account and one.expires_at > datetime.now(UTC)
            if is_alive and change in one.body["changeType"] and not self.loses:
                for _ in range(2 if self.repeats else 1):
                    self._queue.put((one.body["notificationUrl"], [one.about(**news)]))

    def tell_lifecycle(self, subscription_id: str, event: str) -> None:
        """``reauthorizationRequired``, ``missed``, or ``subscriptionRemoved``, which ends it."""
        subscription = self.open[subscription_id]
        if event == "subscriptionRemoved":
            del self.open[subscription_id]
        address = subscription.body["lifecycleNotificationUrl"]
        self._queue.put((address, [subscription.about(lifecycleEvent=event)]))

    def _found(self, account: Account, subscription_id: str) -> Subscription:
        found = self.open.get(subscription_id)
        if found is None or found.account is not account:
            raise not_found()
        return found

    def _check(self, body: dict, account: Account) -> None:
        for name in ("notificationUrl", "lifecycleNotificationUrl"):
            target = urlsplit(body.get(name, "https:"))
            if target.scheme != "https" and target.hostname not in LOOPBACK:
                raise refusal(400, "InvalidRequest", f"{name} must be https.")
        if body.get("resource") != "me/events" or len(body.get("clientState", "")) > 128:
            raise refusal(400, "InvalidRequest", "Invalid subscription.")
        others = [one for one in self.open.values() if one.account is account]
        if self.refuses_duplicates and others:
            raise refusal(409, "Conflict", "Subscription already exists.")
        self._check_life(body)

    def _check_life(self, body: dict) -> None:
        left = datetime.fromisoformat(body["expirationDateTime"]) - datetime.now(UTC)
        if left > self.longest:
            minutes = int(self.longest.total_seconds() // 60)
            message = f"Subscription expiration can only be {minutes} minutes in the future."
            raise refusal(400, "ExtensionError", message)

    def _deliver_all(self) -> None:
        while (job := self._queue.get()) is not None:
            if not self._is_closing.is_set():
                self._deliver(*job)
            self._queue.task_done()
        self._queue.task_done()

    def _deliver(self, address: str, items: list[dict]) -> None:
        body = json.dumps({"value": items}).encode()
        for _ in range(TRIES):
            status, *_ = _post(address, body, "application/json")
            self.deliveries.append(Delivery(address, items, status))
            if 200 <= status < 300 or self._is_closing.wait(PAUSE):
                return


def _answers(address: str) -> bool:
    """Whether an address gives a token back as it is, and as plain text."""
    mark = "&" if "?" in address else "?"
    asked = f"{address}{mark}validationToken={quote(TOKEN, safe='')}"
    status, kind, body = _post(asked, b"", "text/plain; charset=utf-8")
    return (status, kind.partition(";")[0], body) == (200, "text/plain", TOKEN.encode())


def _post(address: str, body: bytes, kind: str) -> tuple[int, str, bytes]:
    target = urlsplit(address)
    connect = HTTPSConnection if target.scheme == "https" else HTTPConnection
    connection = connect(target.hostname, target.port, timeout=10)
    try:
        path = target.path + (f"?{target.query}" if target.query else "")
        connection.request("POST", path or "/", body, {"Content-Type": kind})
        answer = connection.getresponse()
        return answer.status, answer.headers.get("Content-Type", ""), answer.read()
    except (OSError, HTTPException):
        return 0, "", b""
    finally:
        connection.close()
