"""One account's line to the Calendar API: requests of Google's client library, sent once each.

The library builds requests and reads answers. What it would do of its own accord is switched off:
it refreshes no token, repeats nothing and follows no redirect.
"""

import weakref
from collections.abc import Callable, Iterator
from http.client import HTTPException
from traceback import clear_frames

from google.auth.exceptions import GoogleAuthError
from google.oauth2.credentials import Credentials
from google_auth_httplib2 import AuthorizedHttp
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError
from googleapiclient.http import HttpRequest
from httplib2 import Http, HttpLib2Error

from connections.providers.base import AccessTokenRefused, ProviderUnavailable
from connections.providers.google.app import GoogleApp
from connections.providers.google.replies import (
    Reply,
    makes_no_sense,
    refusal,
    refusal_of_all,
    refusal_of_calendar,
)

TIMEOUT = 10.0  # seconds to connect, and of silence
MAX_PAGES = 2000  # beyond that Google is walking in a circle

# Google's libraries trip over answers of a shape they do not know.
TRIPS = (ValueError, LookupError, TypeError, AttributeError)
FAILURES = (OSError, HTTPException, HttpLib2Error, GoogleAuthError, *TRIPS)


def new_http(timeout: float) -> Http:
    """A line that goes nowhere but where it was told. Not to be shared by threads."""
    http = Http(timeout=timeout)
    http.follow_redirects = False
    return http


def let_go(error: BaseException | None) -> None:
    """Close what a failed call left open: an answer that broke off holds on to its connection."""
    while error is not None:
        clear_frames(error.__traceback__)
        error = error.__context__


class CalendarApi:
    """Asks with one access token. ``events``, ``calendar_list``… are the library's resources."""

    def __init__(self, access_token: str, *, app: GoogleApp, timeout: float) -> None:
        if not access_token:
            raise AccessTokenRefused("There is no access token.")
        http = new_http(timeout)
        weakref.finalize(self, http.close)
        service = build(
            "calendar",
            "v3",
            http=AuthorizedHttp(Credentials(access_token), http, refresh_status_codes=()),
            client_options={"api_endpoint": f"{app.api_url.rstrip('/')}/calendar/v3/"},
            static_discovery=True,
            cache_discovery=False,
        )
        self.events = service.events()
        self.calendar_list = service.calendarList()
        self.channels = service.channels()
        self.free_busy = service.freebusy()

    def ask(self, request: HttpRequest, *, version: str = "") -> Reply:
        """Send a request, if need be on condition that the event still has this version.

        Refusals (4xx) are returned: what they mean depends on what was asked. Raises
        ``AccessTokenRefused``, ``AccessRevoked``, ``ProviderMisconfigured``, ``RateLimited`` and
        ``ProviderUnavailable``.
        """
        if version:
            request.headers["If-Match"] = version
        reply = _sent(request)
        error = refusal_of_all(reply)
        if error is not None:
            raise error
        return reply

    def read(self, request: HttpRequest) -> dict:
        """The answer to a question about a calendar. Also raises ``CalendarGone``."""
        reply = self.ask(request)
        if not reply.is_ok:
            raise refusal_of_calendar(reply)
        return reply.body

    def pages(self, method: Callable[..., HttpRequest], **question) -> Iterator[Reply]:
        """All pages of a list, empty ones included; a refusal ends it.

        Every page is asked for with the very same question, as the API demands.
        """
        page_token, seen = None, set()
        for _ in range(MAX_PAGES):
            reply = self.ask(method(**question, pageToken=page_token))
            yield reply
            page_token = reply.body.get("nextPageToken")
            if not page_token:
                return
            if page_token in seen:
                break
            seen.add(page_token)
        raise ProviderUnavailable("Google never comes to the end of its list.")


def _sent(request: HttpRequest) -> Reply:
    """The answer to a request. No error of the library's goes along with what is raised later."""
    try:
        body = request.execute()
    except HttpError as error:
        return refusal(error)
    except FAILURES as error:
        let_go(error)
        raise ProviderUnavailable(_explain(error)) from None
    if not isinstance(body or {}, dict):
        raise makes_no_sense(Reply(200))
    return Reply(200, body or {})


def _explain(error: Exception) -> str:
    """A sentence for the person; the library's own text may hold the whole address."""
    if isinstance(error, TimeoutError):
        return "Google did not answer in time."
    if isinstance(error, (OSError, HTTPException, HttpLib2Error)):
        return "The connection to Google failed or broke off."
    return "Google's answer cannot be read."
