"""Where an account's access tokens come from: one entry per provider that has them."""

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings

from connections.models import Provider
from connections.providers import google, microsoft
from connections.providers.base import Tokens


@dataclass(frozen=True, slots=True)
class TokenSource:
    """A provider's token endpoint. Both calls raise ``ProviderError``."""

    refresh: Callable[[str], Tokens]  # takes the refresh token
    revoke: Callable[[str], None] | None  # None: the provider has no such call


def google_app() -> google.GoogleApp:
    return google.GoogleApp(
        client_id=settings.GOOGLE_CLIENT_ID,
        client_secret=settings.GOOGLE_CLIENT_SECRET,
        accounts_url=settings.GOOGLE_ACCOUNTS_URL,
        oauth_url=settings.GOOGLE_OAUTH_URL,
        api_url=settings.GOOGLE_API_URL,
    )


def microsoft_app() -> microsoft.MicrosoftApp:
    return microsoft.MicrosoftApp(
        client_id=settings.MICROSOFT_CLIENT_ID,
        client_secret=settings.MICROSOFT_CLIENT_SECRET,
        tenant=settings.MICROSOFT_TENANT,
        login_url=settings.MICROSOFT_LOGIN_URL,
        graph_url=settings.MICROSOFT_GRAPH_URL,
    )


TOKEN_SOURCES: dict[str, TokenSource] = {
    Provider.GOOGLE: TokenSource(
        refresh=lambda token: google.refresh(google_app(), token),
        revoke=lambda token: google.revoke(google_app(), token),
    ),
    Provider.MICROSOFT: TokenSource(
        refresh=lambda token: microsoft.refresh(microsoft_app(), token),
        revoke=None,
    ),
}
