"""The providers that accounts can be connected at, or signed in with, and what is asked for."""

from collections.abc import Callable
from dataclasses import dataclass

from connections.models import Provider
from connections.providers import google, microsoft
from connections.token_sources import google_app, microsoft_app

WHO_IT_IS = ("openid", "email", "profile")  # scopes of signing in


@dataclass(frozen=True, slots=True)
class Offer:
    """``all_in_one`` is a scope, never asked for, that holds all of ``scopes``; empty: none does.

    ``access_page`` is where the consultant sees, and takes back, what they have allowed.

    ``name`` is what the calendars are called there, ``company`` whose accounts one signs in with.
    """

    provider: str
    name: str
    company: str
    scopes: tuple[str, ...]
    access_page: str
    app: Callable[[], google.GoogleApp | microsoft.MicrosoftApp]
    all_in_one: str = ""

    @property
    def sign_in(self) -> str:
        """What allauth knows signing in there by: another provider than the one with calendars."""
        return f"{self.provider}_sign_in"

    @property
    def is_configured(self) -> bool:
        app = self.app()
        return bool(app.client_id and app.client_secret)


OFFERS = {
    Provider.GOOGLE: Offer(
        Provider.GOOGLE,
        "Google Calendar",
        "Google",
        google.SCOPES,
        "https://myaccount.google.com/connections",
        google_app,
        all_in_one=google.ALL_IN_ONE,
    ),
    Provider.MICROSOFT: Offer(
        Provider.MICROSOFT,
        "Outlook",
        "Microsoft",
        microsoft.SCOPES,
        "https://myapps.microsoft.com (a personal account: https://account.live.com/consent/Manage)",
        microsoft_app,
    ),
}


def configured_offers() -> list[Offer]:
    """What this installation is registered for."""
    return [offer for offer in OFFERS.values() if offer.is_configured]


def offer_of(provider: str) -> Offer:
    """The one that allauth knows by this name, for calendars or for signing in."""
    return next(offer for offer in OFFERS.values() if provider in (offer.provider, offer.sign_in))
