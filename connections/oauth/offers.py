"""The providers that accounts can be connected at by consent, and what is asked for there."""

from collections.abc import Callable
from dataclasses import dataclass

from connections.models import Provider
from connections.providers import google, microsoft
from connections.token_sources import google_app, microsoft_app


@dataclass(frozen=True, slots=True)
class Offer:
    """``access_page`` is where the consultant sees, and takes back, what they have allowed."""

    provider: str
    name: str
    scopes: tuple[str, ...]
    access_page: str
    app: Callable[[], google.GoogleApp | microsoft.MicrosoftApp]

    @property
    def is_configured(self) -> bool:
        app = self.app()
        return bool(app.client_id and app.client_secret)


OFFERS = {
    Provider.GOOGLE: Offer(
        Provider.GOOGLE,
        "Google Calendar",
        google.SCOPES,
        "https://myaccount.google.com/connections",
        google_app,
    ),
    Provider.MICROSOFT: Offer(
        Provider.MICROSOFT,
        "Outlook",
        microsoft.SCOPES,
        "https://myapps.microsoft.com (a personal account: https://account.live.com/consent/Manage)",
        microsoft_app,
    ),
}


def configured_offers() -> list[Offer]:
    """What this installation is registered for."""
    return [offer for offer in OFFERS.values() if offer.is_configured]
