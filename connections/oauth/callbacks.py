"""Where the browser comes back to from a provider's consent screen.

The answer carries tokens. What is marked here keeps them out of the reports of crashes.
"""

from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from django.urls import path
from django.views.decorators.debug import sensitive_variables

from connections.oauth.provider import GoogleConsentAdapter, MicrosoftConsentAdapter

google_callback = sensitive_variables()(OAuth2CallbackView.adapter_view(GoogleConsentAdapter))
microsoft_callback = sensitive_variables()(OAuth2CallbackView.adapter_view(MicrosoftConsentAdapter))

# allauth asks for these names.
urlpatterns = [
    path("google/login/callback/", google_callback, name="google_callback"),
    path("microsoft/login/callback/", microsoft_callback, name="microsoft_callback"),
]
