"""Access tokens for a refresh token.

https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-auth-code-flow

Of the library only its OAuth client is used, at the address that the settings lead to. What it has
above that looks for addresses elsewhere, asks for more than was consented to (``openid``,
``profile``), and keeps all tokens in memory, in clear.
"""

import json
from datetime import UTC, datetime, timedelta

import requests
from msal.oauth2cli.oauth2 import BaseClient
from urllib3.exceptions import HTTPError

from connections.providers.base import (
    AccessRevoked,
    ProviderError,
    ProviderMisconfigured,
    ProviderUnavailable,
    RateLimited,
    Tokens,
)
from connections.providers.microsoft.api import TIMEOUT, new_http
from connections.providers.microsoft.app import LASTING, SCOPES, MicrosoftApp
from connections.providers.microsoft.replies import SOON, TOO_MANY
from connections.providers.retry_after import seconds_to_wait

REVOKED = {"invalid_grant", "interaction_required", "consent_required", "login_required"}
OPERATOR = {
    "invalid_client",
    "invalid_request",
    "invalid_resource",
    "invalid_scope",
    "invalid_tenant",
    "unauthorized_client",
    "unsupported_grant_type",
}
SECRET_TROUBLE = {7000215, 7000222}  # AADSTS numbers: the app's secret is wrong, or has expired
LOOP = 50196  # AADSTS number: so many requests that this looks like a loop
LOOP_PAUSE = 300.0  # seconds

# The library trips over answers of a shape it does not know.
TRIPS = (ValueError, LookupError, TypeError, AttributeError, OverflowError)
FAILURES = (OSError, HTTPError, *TRIPS)


def refresh(app: MicrosoftApp, refresh_token: str, *, timeout: float = TIMEOUT) -> Tokens:
    """A new access token, and the new refresh token that Microsoft sends with each.

    Raises ``AccessRevoked`` where Microsoft says so, ``ProviderMisconfigured``, ``RateLimited`` and
    ``ProviderUnavailable``. ``timeout`` is in seconds: to connect, and of silence.
    """
    line = _Line(timeout)
    client = BaseClient(
        {"token_endpoint": f"{app.login_url.rstrip('/')}/{app.tenant}/oauth2/v2.0/token"},
        app.client_id,
        http_client=line,
        default_body={"client_secret": app.client_secret},
    )
    asked_at = datetime.now(UTC)
    try:
        answer = client.obtain_token_by_refresh_token(refresh_token, scope=[*SCOPES, LASTING])
        return _tokens(answer, refresh_token, asked_at)
    except FAILURES:
        raise _refusal(line.answer) from None
    finally:
        line.close()


class _Line:
    """The library's way to Microsoft, with time-outs and without redirects.

    Remembers the last answer: the errors of the library do not tell enough of it.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._http = new_http()
        self.answer: requests.Response | None = None

    def post(self, url: str, **content) -> requests.Response:
        """Raises ``ValueError`` for what is no JSON: the library would write it to the log."""
        self.answer = self._http.post(url, **content, timeout=self._timeout, allow_redirects=False)
        self.answer.json()
        return self.answer

    def close(self) -> None:
        self._http.close()


def _tokens(answer: dict, used: str, asked_at: datetime) -> Tokens:
    """Raises ``LookupError`` or the like for an answer without tokens."""
    new = answer.get("refresh_token", "")
    return Tokens(
        access_token=answer["access_token"],
        expires_at=asked_at + timedelta(seconds=float(answer["expires_in"])),
        refresh_token="" if new == used else new,
    )


def _refusal(answer: requests.Response | None) -> ProviderError:
    """Only Microsoft's own word means that access was revoked."""
    if answer is None:
        return ProviderUnavailable("Microsoft did not answer, or the connection broke off.")
    error, numbers = _error_of(answer)
    wait = seconds_to_wait(answer.headers.get("Retry-After", ""), now=datetime.now(UTC))
    must_wait = answer.status_code == TOO_MANY or (answer.status_code >= 500 and wait)
    if must_wait or LOOP in numbers:
        pause = LOOP_PAUSE if LOOP in numbers else SOON
        return RateLimited("Microsoft asks to slow down.", retry_after=wait or pause)
    if error in OPERATOR or numbers & SECRET_TROUBLE:
        return ProviderMisconfigured(
            f"Microsoft does not accept this installation ({_named(error, numbers)}). Look at "
            "MICROSOFT_CLIENT_ID, MICROSOFT_CLIENT_SECRET (secrets expire) and MICROSOFT_TENANT."
        )
    if error in REVOKED:
        return AccessRevoked("Microsoft no longer accepts the sign-in. Connect the account again.")
    return ProviderUnavailable(f"Microsoft renews no access now (status {answer.status_code}).")


def _error_of(answer: requests.Response) -> tuple[str, set[int]]:
    """The error's name and its AADSTS numbers. Where the body is not as documented: none."""
    try:
        body = json.loads(answer.text)
        return str(body["error"]), {int(number) for number in body.get("error_codes", ())}
    except (ValueError, TypeError, LookupError, AttributeError):
        return "", set()


def _named(error: str, numbers: set[int]) -> str:
    return ", ".join([error, *(f"AADSTS{number}" for number in sorted(numbers))])
