"""Access tokens for a refresh token, and the end of an account's access.

https://developers.google.com/identity/protocols/oauth2/web-server#offline
https://developers.google.com/identity/protocols/oauth2#expiration
"""

import json
from datetime import UTC, datetime
from urllib.parse import urlencode

from google.auth.transport import Response
from google.oauth2.credentials import Credentials
from google_auth_httplib2 import Request

from connections.providers.base import (
    AccessRevoked,
    ProviderError,
    ProviderMisconfigured,
    ProviderUnavailable,
    RateLimited,
    Tokens,
)
from connections.providers.google.api import FAILURES, TIMEOUT, let_go, new_http
from connections.providers.google.app import GoogleApp
from connections.providers.google.replies import BAD_REQUEST, SOON, TOO_MANY
from connections.providers.retry_after import seconds_to_wait

REVOKED = "invalid_grant"
BY_ADMINISTRATORS = "admin_policy_enforced"  # also where they had allowed it before
OPERATOR = {
    "deleted_client",
    "disabled_client",
    "invalid_client",
    "invalid_request",
    "unauthorized_client",
    "unsupported_grant_type",
}


def refresh(app: GoogleApp, refresh_token: str, *, timeout: float = TIMEOUT) -> Tokens:
    """A new access token, and the refresh token if Google sent another one.

    Raises ``AccessRevoked`` where Google says so, ``ProviderMisconfigured``, ``RateLimited`` and
    ``ProviderUnavailable``. ``timeout`` is in seconds; a server that is out of order is asked
    three times within some 3 seconds.
    """
    credentials = Credentials(
        None,
        refresh_token=refresh_token,
        token_uri=f"{app.oauth_url.rstrip('/')}/token",
        client_id=app.client_id,
        client_secret=app.client_secret,
    )
    line = _Line(timeout)
    try:
        credentials.refresh(line)
    except FAILURES as error:
        let_go(error)
        raise _refusal(line.answer) from None
    finally:
        line.http.close()
    return _tokens(credentials, refresh_token)


def revoke(app: GoogleApp, token: str, *, timeout: float = TIMEOUT) -> None:
    """End all that the account has allowed this installation. What has ended already is fine."""
    line = _Line(timeout)
    try:
        answer = line(
            f"{app.oauth_url.rstrip('/')}/revoke",
            method="POST",
            body=urlencode({"token": token}),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
    except FAILURES as error:
        let_go(error)
        raise _refusal(None) from None
    finally:
        line.http.close()
    if answer.status >= 300 and answer.status != BAD_REQUEST:
        raise _refusal(answer)


class _Line(Request):
    """Remembers the last answer: the errors of the library do not tell enough of it."""

    def __init__(self, timeout: float) -> None:
        super().__init__(new_http(timeout))
        self.answer: Response | None = None

    def __call__(self, *args, **options) -> Response:
        self.answer = super().__call__(*args, **options)
        return self.answer


def _tokens(credentials: Credentials, used: str) -> Tokens:
    if credentials.expiry is None:
        raise ProviderUnavailable("Google's answer about the account's access makes no sense.")
    is_new = credentials.refresh_token != used
    return Tokens(
        access_token=credentials.token,
        expires_at=credentials.expiry.replace(tzinfo=UTC),  # the library's is naive, in UTC
        refresh_token=credentials.refresh_token if is_new else "",
    )


def _refusal(answer: Response | None) -> ProviderError:
    """Only Google's own word means that access was revoked."""
    if answer is None:
        return ProviderUnavailable("Google did not answer, or the connection broke off.")
    error = _error_of(answer)
    if error == REVOKED:
        return AccessRevoked("Google no longer accepts the sign-in. Connect the account again.")
    if error == BY_ADMINISTRATORS:
        return AccessRevoked(
            "Administrators of your organisation no longer allow calsync at Google. Ask one of "
            "them to allow it, then connect the account again."
        )
    if error in OPERATOR:
        return ProviderMisconfigured(
            f"Google does not accept this installation ({error}). "
            "Look at GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET."
        )
    if answer.status == TOO_MANY:
        wait = seconds_to_wait(answer.headers.get("retry-after", ""), now=datetime.now(UTC))
        return RateLimited("Google asks to slow down.", retry_after=wait or SOON)
    return ProviderUnavailable(f"Google renews no access now (status {answer.status}).")


def _error_of(answer: Response) -> str:
    try:
        return str(json.loads(answer.data)["error"])
    except (ValueError, TypeError, LookupError):
        return ""
