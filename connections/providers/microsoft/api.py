"""One account's line to Microsoft Graph: each request is sent once, and to Graph alone.

https://learn.microsoft.com/en-us/graph/use-the-api
"""

import weakref
from collections.abc import Iterator
from datetime import UTC, datetime
from time import sleep
from urllib.parse import quote, urlencode, urljoin

import requests
from urllib3.exceptions import HTTPError

from connections.providers.base import (
    AccessTokenRefused,
    AddressRefused,
    ProviderUnavailable,
    RateLimited,
)
from connections.providers.microsoft.app import MicrosoftApp
from connections.providers.microsoft.replies import Reply, makes_no_sense, refusal_of_all
from connections.providers.retry_after import seconds_to_wait

TIMEOUT = 10.0  # seconds to connect, and of silence
MAX_PAGES = 2000  # beyond that Graph is walking in a circle
SHORTEST_PAUSE, LONGEST_PAUSE = 1.0, 20.0  # seconds between two requests for the same page
NEXT = "@odata.nextLink"

# Graph answers four requests of an app to one mailbox at the same time and refuses further ones.
# Three calendars that are read leave one for whatever else is under way.
# https://learn.microsoft.com/en-us/graph/throttling-limits#outlook-service-limits
MOST_AT_ONCE = 3
PUBLIC = "https://graph.microsoft.com/"

# Ids that stay when an event moves, times in UTC, bodies as they were written, large pages.
PREFER = (
    'IdType="ImmutableId", outlook.timezone="UTC", outlook.body-content-type="text", '
    "odata.maxpagesize=200"
)


class GraphApi:
    """Asks with one access token, one request at a time. Paths are below ``/v1.0/``."""

    def __init__(self, access_token: str, *, app: MicrosoftApp, timeout: float) -> None:
        if not access_token:
            raise AccessTokenRefused("There is no access token.")
        self._root = app.graph_url.rstrip("/") + "/"
        self._origin = urljoin(self._root, "/")
        self._timeout = timeout
        self._http = new_http()
        self._http.headers["Authorization"] = f"Bearer {access_token}"
        self._http.headers["Prefer"] = PREFER
        weakref.finalize(self, self._http.close)

    def ask(self, method: str, path: str, *, body: dict | None = None, **query: str) -> Reply:
        """Send a request; the names in ``query`` are sent as they are (``**{"$top": "100"}``).

        Refusals (4xx) are returned: what they mean depends on what was asked. Raises
        ``AccessTokenRefused``, ``RateLimited`` and ``ProviderUnavailable``.
        """
        return self._send(method, self.address(path, **query), body)

    def address(self, path: str, **query: str) -> str:
        """Spaces as ``%20``: a plus is a plus to Graph."""
        question = f"?{urlencode(query, quote_via=quote, safe='$')}" if query else ""
        return f"{self._root}v1.0/{path}{question}"

    def pages(self, address: str, *, patience: float = 0.0) -> Iterator[Reply]:
        """A list from its first page on, empty ones included; a refusal ends it.

        ``patience`` is for how many seconds in all a further page may be waited for, where Graph
        asks to slow down for a moment: else a long list would never come to its end.
        Links are followed as they are written, and never away from Graph: the access token goes
        along. Raises ``AddressRefused`` where one leads elsewhere. What stands in for Graph may
        have copied Graph's own links: they lead to it as well.
        """
        seen = set()
        for _ in range(MAX_PAGES):
            reply, waited = self._page(address, patience if seen else 0.0)
            patience -= waited
            yield reply
            seen.add(address)
            address = reply.body.get(NEXT)
            if not address:
                return
            if address in seen:
                break
        raise ProviderUnavailable("Microsoft never comes to the end of its list.")

    def _page(self, address: object, patience: float) -> tuple[Reply, float]:
        """A page, and for how long it had to be waited."""
        waited = 0.0
        while True:
            try:
                return self._send("GET", address), waited
            except RateLimited as limit:
                pause = max(limit.retry_after, SHORTEST_PAUSE)
                if pause > min(patience - waited, LONGEST_PAUSE):
                    raise
            sleep(pause)
            waited += pause

    def _send(self, method: str, address: object, body: dict | None = None) -> Reply:
        reply = self._exchange(method, self._at_home(address), body)
        error = refusal_of_all(reply)
        if error is not None:
            raise error
        return reply

    def _at_home(self, address: object) -> str:
        if isinstance(address, str) and address.startswith(PUBLIC):
            address = self._root + address.removeprefix(PUBLIC)
        if not isinstance(address, str) or not address.startswith(self._origin):
            raise AddressRefused(
                "A link of the calendar's list of changes leads to a foreign server."
            )
        return address

    def _exchange(self, method: str, address: str, body: dict | None) -> Reply:
        prepared = self._http.prepare_request(requests.Request(method, self._root, json=body))
        prepared.url = address  # the library would quote it anew
        try:
            response = self._http.send(prepared, timeout=self._timeout, allow_redirects=False)
        except (OSError, HTTPError) as error:
            raise ProviderUnavailable(explain(error)) from None
        return _read(response)


def event_path(calendar_id: str, event_id: str) -> str:
    return f"{calendar_path(calendar_id)}/events/{quote(event_id, safe='')}"


def calendar_of_event_path(event_id: str) -> str:
    """Of the calendar that an event is in now: its id stays when it moves within the mailbox."""
    return f"me/events/{quote(event_id, safe='')}/calendar"


def calendar_path(calendar_id: str) -> str:
    return f"me/calendars/{quote(calendar_id, safe='')}"


def new_http() -> requests.Session:
    """A line that takes no proxy and no password from its surroundings."""
    http = requests.Session()
    http.trust_env = False
    return http


def explain(error: Exception) -> str:
    """A sentence for the person; the library's own text holds the whole address."""
    if isinstance(error, (requests.Timeout, TimeoutError)):
        return "Microsoft did not answer in time."
    return "The connection to Microsoft failed or broke off."


def _read(response: requests.Response) -> Reply:
    wait = seconds_to_wait(response.headers.get("Retry-After", ""), now=datetime.now(UTC))
    try:
        body = response.json() if response.content else {}
    except ValueError:
        body = None
    if isinstance(body, dict):
        return Reply(response.status_code, body, wait)
    if response.ok:
        raise makes_no_sense(Reply(response.status_code))
    return Reply(response.status_code, {}, wait)
