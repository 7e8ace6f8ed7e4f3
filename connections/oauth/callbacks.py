"""Where the browser comes back to from a provider's screen.

The answer carries tokens. What is marked here keeps them out of the reports of crashes.
"""

from collections.abc import Callable

from allauth.socialaccount.providers.oauth2.views import OAuth2Adapter, OAuth2CallbackView
from django.http import HttpResponse
from django.urls import path
from django.views.decorators.debug import sensitive_variables

from connections.oauth.provider import (
    GoogleConsentAdapter,
    GoogleSignInAdapter,
    MicrosoftConsentAdapter,
    MicrosoftSignInAdapter,
)


def callback(adapter: type[OAuth2Adapter]) -> Callable[..., HttpResponse]:
    return sensitive_variables()(OAuth2CallbackView.adapter_view(adapter))


# allauth asks for these names.
urlpatterns = [
    path("google/login/callback/", callback(GoogleConsentAdapter), name="google_callback"),
    path("google/sign-in/callback/", callback(GoogleSignInAdapter), name="google_sign_in_callback"),
    path("microsoft/login/callback/", callback(MicrosoftConsentAdapter), name="microsoft_callback"),
    path(
        "microsoft/sign-in/callback/",
        callback(MicrosoftSignInAdapter),
        name="microsoft_sign_in_callback",
    ),
]
