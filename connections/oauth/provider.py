"""Google and Microsoft as allauth knows them, where the settings say they are.

allauth finds this module by its name. What is asked for is written here: allauth's own pages, which
let the address bar have a say in that, have no address. Of the profile only who it is is read.
"""

from dataclasses import asdict

from allauth.socialaccount.models import SocialApp, SocialToken
from allauth.socialaccount.providers.google.provider import GoogleProvider
from allauth.socialaccount.providers.google.views import GoogleOAuth2Adapter
from allauth.socialaccount.providers.microsoft.provider import MicrosoftGraphProvider
from allauth.socialaccount.providers.microsoft.views import MicrosoftGraphOAuth2Adapter

from connections.oauth.offers import Offer, configured_offers
from connections.providers import google, microsoft
from connections.token_sources import google_app


class KeepsScopes:
    """An OAuth2 adapter that remembers on the token what was allowed; None if that is not said."""

    def parse_token(self, data: dict) -> SocialToken:
        token = super().parse_token(data)
        token.granted_scopes = data.get("scope")
        return token


class GoogleConsentAdapter(KeepsScopes, GoogleOAuth2Adapter):
    @property
    def authorize_url(self) -> str:
        return f"{google_app().accounts_url}/o/oauth2/v2/auth"

    @property
    def access_token_url(self) -> str:
        return f"{google_app().oauth_url}/token"

    @property
    def identity_url(self) -> str:
        return f"{google_app().api_url}/oauth2/v2/userinfo"

    def complete_login(self, request, app, token, **kwargs):
        """Who it is, by asking: then there is no id token to be checked."""
        return super().complete_login(request, app, token, response={})


class GoogleConsent(GoogleProvider):
    pkce_enabled_default = True
    oauth2_adapter_class = GoogleConsentAdapter

    def get_scope(self) -> list[str]:
        return ["email", *google.SCOPES]

    def get_auth_params(self) -> dict[str, str]:
        """Google gives a refresh token only to who asks for it, and only with a new consent."""
        return {"access_type": "offline", "prompt": "select_account consent"}


class MicrosoftConsentAdapter(KeepsScopes, MicrosoftGraphOAuth2Adapter):
    profile_url_params = {"$select": "id,mail,userPrincipalName"}


class MicrosoftConsent(MicrosoftGraphProvider):
    pkce_enabled_default = True
    oauth2_adapter_class = MicrosoftConsentAdapter

    def get_scope(self) -> list[str]:
        return [*microsoft.SCOPES, "offline_access"]

    def get_auth_params(self) -> dict[str, str]:
        return {"prompt": "select_account"}


def registered_apps() -> list[SocialApp]:
    """This installation's registrations, from the settings: the database holds none."""
    return [_registered(offer) for offer in configured_offers()]


def _registered(offer: Offer) -> SocialApp:
    """``settings`` is where allauth looks for Microsoft's addresses."""
    app = asdict(offer.app())
    client_id, secret = app.pop("client_id"), app.pop("client_secret")
    return SocialApp(provider=offer.provider, client_id=client_id, secret=secret, settings=app)


provider_classes = [GoogleConsent, MicrosoftConsent]
