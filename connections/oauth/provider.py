"""Google and Microsoft as allauth knows them, where the settings say they are.

allauth finds this module by its name. What is asked for is written here: allauth's own pages, which
let the address bar have a say in that, have no address. Of the profile only who it is is read.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialApp, SocialLogin, SocialToken
from allauth.socialaccount.providers.google.provider import GoogleProvider
from allauth.socialaccount.providers.google.views import GoogleOAuth2Adapter
from allauth.socialaccount.providers.microsoft.provider import MicrosoftGraphProvider
from allauth.socialaccount.providers.microsoft.views import MicrosoftGraphOAuth2Adapter
from allauth.socialaccount.providers.oauth2.client import OAuth2Error

from connections.oauth.offers import WHO_IT_IS, Offer, configured_offers
from connections.providers import google, microsoft
from connections.token_sources import google_app, microsoft_app

# What allauth trips over in an answer of a shape that it does not know.
SENSELESS = (LookupError, TypeError, ValueError, AttributeError, OverflowError)


class RefusesNonsense:
    """An OAuth2 adapter that an answer without sense makes refuse, as any other failure does."""

    def get_access_token_data(self, *args, **options) -> dict:
        with _refusal_of_nonsense():
            return super().get_access_token_data(*args, **options)

    def parse_token(self, data: dict) -> SocialToken:
        with _refusal_of_nonsense():
            return super().parse_token(data)

    def complete_login(self, request, app, token: SocialToken, **kwargs) -> SocialLogin:
        with _refusal_of_nonsense():
            return super().complete_login(request, app, token, **kwargs)


@contextmanager
def _refusal_of_nonsense() -> Iterator[None]:
    try:
        yield
    except SENSELESS:
        raise OAuth2Error("The answer makes no sense.") from None


class KeepsScopes:
    """An OAuth2 adapter that remembers on the token what was allowed; None if that is not said."""

    def parse_token(self, data: dict) -> SocialToken:
        token = super().parse_token(data)
        token.granted_scopes = data.get("scope")
        return token


class GoogleConsentAdapter(RefusesNonsense, KeepsScopes, GoogleOAuth2Adapter):
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


class MicrosoftConsentAdapter(RefusesNonsense, KeepsScopes, MicrosoftGraphOAuth2Adapter):
    profile_url_params = {"$select": "id,mail,userPrincipalName"}


class MicrosoftConsent(MicrosoftGraphProvider):
    pkce_enabled_default = True
    oauth2_adapter_class = MicrosoftConsentAdapter

    def get_scope(self) -> list[str]:
        return [*microsoft.SCOPES, "offline_access"]

    def get_auth_params(self) -> dict[str, str]:
        return {"prompt": "select_account"}


class SignsIn:
    """A provider that says who somebody is, and nothing more. Of that, the address is kept."""

    pkce_enabled_default = True

    def get_scope(self) -> list[str]:
        return list(WHO_IT_IS)

    def get_auth_params(self) -> dict[str, str]:
        return {"prompt": "select_account"}

    def extract_extra_data(self, data: dict) -> dict[str, str]:
        """What tells a consultant's linked accounts apart. It lets nobody in."""
        return {"email": data.get("email") or ""}


class GoogleSignInAdapter(GoogleConsentAdapter):
    provider_id = "google_sign_in"


class GoogleSignIn(SignsIn, GoogleProvider):
    id = "google_sign_in"
    oauth2_adapter_class = GoogleSignInAdapter


class MicrosoftUserInfoAdapter(MicrosoftGraphOAuth2Adapter):
    """Asks the endpoint of OpenID Connect: with these scopes, Graph says nothing of a profile.

    https://learn.microsoft.com/en-us/entra/identity-platform/userinfo
    """

    def complete_login(self, request, app, token: SocialToken, **kwargs) -> SocialLogin:
        with get_adapter().get_requests_session() as session:
            answer = session.get(
                f"{microsoft_app().graph_url}/oidc/userinfo",
                headers={"Authorization": f"Bearer {token.token}"},
            )
        answer.raise_for_status()
        return self.get_provider().sociallogin_from_response(request, answer.json())


class MicrosoftSignInAdapter(RefusesNonsense, MicrosoftUserInfoAdapter):
    provider_id = "microsoft_sign_in"


class MicrosoftSignIn(SignsIn, MicrosoftGraphProvider):
    id = "microsoft_sign_in"
    oauth2_adapter_class = MicrosoftSignInAdapter

    def extract_uid(self, data: dict) -> str:
        """Never changes, unlike the address, and is another one for every app."""
        return data["sub"]

    def extract_common_fields(self, data: dict) -> dict[str, str | None]:
        return {"email": data.get("email")}


def registered_apps() -> list[SocialApp]:
    """This installation's registrations, from the settings: the database holds none."""
    return [
        _registered(offer, provider)
        for offer in configured_offers()
        for provider in (offer.provider, offer.sign_in)
    ]


def _registered(offer: Offer, provider: str) -> SocialApp:
    """``settings`` is where allauth looks for Microsoft's addresses."""
    app = asdict(offer.app())
    client_id, secret = app.pop("client_id"), app.pop("client_secret")
    return SocialApp(provider=provider, client_id=client_id, secret=secret, settings=app)


provider_classes = [GoogleConsent, MicrosoftConsent, GoogleSignIn, MicrosoftSignIn]
