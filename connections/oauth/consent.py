"""One consent, from the button on the desk to the account's calendars.

What was asked for, for whom, is kept in the consultant's session until the browser comes back: who
did not start here cannot finish here.
"""

import re
from collections.abc import Iterable
from datetime import datetime

from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialLogin, SocialToken
from allauth.socialaccount.providers.base.constants import AuthProcess
from django.http import HttpRequest, HttpResponse
from django.views.decorators.debug import sensitive_variables

from connections import accounts
from connections.models import CalendarConnection, Consultant
from connections.oauth.offers import OFFERS, Offer
from connections.providers.base import (
    AccessRevoked,
    CalendarGone,
    Credentials,
    ProviderError,
    ProviderMisconfigured,
    RemoteCalendar,
    Tokens,
)

TOO_LATE = (
    "This took longer than ten minutes, or it was begun in another browser or by somebody else. "
    "Begin again here."
)
DENIED = (
    "The access was not allowed at {name}. Begin again and allow it. If you were not asked, your "
    "organisation lets only its administrators do so: ask them to allow calsync."
)
BY_ADMINISTRATORS = (
    "Only administrators of your organisation may allow this at {name}. Ask one of them to allow "
    "calsync, then begin again."
)
UNFINISHED = (
    "{name} did not finish the sign-in. Begin again in a while. If it stays like this, whoever "
    "runs this calsync should look at its registration there."
)
PARTLY_ALLOWED = (
    "Not everything was allowed at {name}. calsync must list your calendars, read their busy times "
    "and write bookings. Begin again and tick every box."
)
NOT_LASTING = (
    "{name} allowed access for an hour only. Remove calsync at {access_page}, then begin again and "
    "allow it anew."
)
WRONG_ACCOUNT = (
    "You chose {chosen}, but {expected} is to be connected again. Begin again and choose that one. "
    "Another account is connected with the button on your desk."
)
SAME_NAME = (
    "Another account with the address {chosen} is connected already: a personal and a work "
    "account, perhaps. Disconnect that one first."
)
NO_CALENDARS = "This account has no calendar. Create one at {name}, then begin again."
ALL_CONNECTED = "All calendars of {chosen} are connected already, by another account of yours."
NOT_THIS_ONE = "{error} Begin again and choose another account."
LATER = "{error} Begin again in a while."

# How Microsoft and Google say that an administrator has to allow it first.
# https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes
ASKS_ADMINISTRATORS = re.compile(
    r"AADSTS(65001|9009[345])\b|consent_required|admin_policy_enforced|org_internal", re.ASCII
)


class NotConnected(Exception):
    """Nothing was stored; the text says why and what to do."""


def begin(
    request: HttpRequest, offer: Offer, consultant: Consultant, *, account: str = ""
) -> HttpResponse:
    """Send the browser to the consent screen; with ``account`` to connect that one again."""
    provider = get_adapter().get_provider(request, offer.provider)
    hint = {"login_hint": account} if account else {}
    return provider.redirect(
        request,
        process=AuthProcess.REDIRECT,
        data={"consultant": str(consultant.pk), "account": account, "again": request.path},
        auth_params=provider.get_auth_params() | hint,
    )


@sensitive_variables()
def finish(login: SocialLogin, *, now: datetime) -> CalendarConnection:
    """Store the account that was consented to, and return one of its calendars.

    The tokens are taken off ``login``. Raises ``NotConnected``.
    """
    token, login.token = login.token, None
    offer, asked = OFFERS[login.account.provider], login.state["data"]
    credentials = Credentials(
        username=login.user.email or login.account.uid, access_token=token.token
    )
    _check_account(credentials.username, asked["account"])
    _check_scopes(offer, token.granted_scopes)
    consultant = Consultant.objects.get(pk=asked["consultant"])
    calendars = _calendars(offer, consultant, credentials)
    tokens = _tokens(token, now)
    try:
        rows = accounts.remember_account(
            consultant, offer.provider, credentials, calendars, tokens=tokens, now=now
        )
    except accounts.NoRefreshToken:
        reason = NOT_LASTING.format(name=offer.name, access_page=offer.access_page)
        raise NotConnected(reason) from None
    if not rows:
        raise NotConnected(ALL_CONNECTED.format(chosen=credentials.username))
    return rows[0]


def needs_administrator(*said: str) -> bool:
    """Whether a provider's words about a consent that failed mean that the consultant may not."""
    return any(ASKS_ADMINISTRATORS.search(words) for words in said)


def _check_account(chosen: str, expected: str) -> None:
    """Raises ``NotConnected`` where another account than the expected one was chosen."""
    if expected and expected.casefold() != chosen.casefold():
        raise NotConnected(WRONG_ACCOUNT.format(chosen=chosen, expected=expected))


def _check_scopes(offer: Offer, granted: str | None) -> None:
    """Raises ``NotConnected`` where less was granted than is needed.

    An answer that names no scopes means all that was asked for (RFC 6749 §5.1).
    """
    if granted is None or offer.all_in_one in granted.split():
        return
    if not _short(offer.scopes) <= _short(granted.split()):
        raise NotConnected(PARTLY_ALLOWED.format(name=offer.name))


def _short(scopes: Iterable[str]) -> set[str]:
    """Without their addresses: providers write the same scope with and without."""
    return {scope.rpartition("/")[2].casefold() for scope in scopes}


def _calendars(
    offer: Offer, consultant: Consultant, credentials: Credentials
) -> list[RemoteCalendar]:
    try:
        calendars = accounts.list_calendars(offer.provider, credentials)
    except ProviderError as error:
        raise NotConnected(_advice(error).format(error=error)) from None
    if not calendars:
        raise NotConnected(NO_CALENDARS.format(name=offer.name))
    if accounts.is_another(consultant, offer.provider, credentials, calendars):
        raise NotConnected(SAME_NAME.format(chosen=credentials.username))
    return calendars


def _advice(error: ProviderError) -> str:
    """What to do about it; where somebody else has to, or anew, the error says so itself."""
    if isinstance(error, CalendarGone):
        return NOT_THIS_ONE
    return "{error}" if isinstance(error, AccessRevoked | ProviderMisconfigured) else LATER


def _tokens(token: SocialToken, now: datetime) -> Tokens:
    """Without a life said, the access token is renewed before its first use."""
    return Tokens(
        access_token=token.token,
        expires_at=token.expires_at or now,
        refresh_token=token.token_secret,
    )
