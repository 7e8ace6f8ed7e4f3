"""How allauth behaves here: nobody signs up, and a consent at a provider connects calendars only.

Every answer of a provider ends in this module, so that allauth neither signs anybody in nor keeps
anything of it in the session or the database.
"""

import logging

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp, SocialLogin
from allauth.socialaccount.providers.base import Provider
from allauth.socialaccount.providers.base.constants import AuthError
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from connections import views
from connections.oauth import consent
from connections.oauth.offers import OFFERS
from connections.oauth.provider import registered_apps

logger = logging.getLogger(__name__)


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request) -> bool:
        return False


class SocialAdapter(DefaultSocialAccountAdapter):
    def list_apps(self, request, provider=None, client_id=None) -> list[SocialApp]:
        """Those of the settings; rows that somebody put into the database do not count."""
        return [
            app
            for app in registered_apps()
            if provider in (None, app.provider) and client_id in (None, app.client_id)
        ]

    def is_open_for_signup(self, request, sociallogin) -> bool:
        return False

    @sensitive_variables()
    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Take over: what allauth would do next does not happen."""
        raise ImmediateHttpResponse(_finish(request, sociallogin))

    def on_authentication_error(
        self, request, provider: Provider, error=None, exception=None, extra_context=None
    ) -> None:
        state = (extra_context or {}).get("state")
        reason = _reason(provider.id, error, exception) if state else consent.TOO_LATE
        if state and consent.needs_administrator(*request.GET.values(), str(exception)):
            reason = consent.BY_ADMINISTRATORS.format(name=provider.name)
        raise ImmediateHttpResponse(_refusal(request, provider.id, state, reason))


@sensitive_variables()
def _finish(request: HttpRequest, login: SocialLogin) -> HttpResponse:
    if not admin.site.has_permission(request):
        return redirect("admin:index")
    try:
        connection = consent.finish(login, now=timezone.now())
    except consent.NotConnected as refusal:
        return _refusal(request, login.account.provider, login.state, str(refusal))
    return redirect("connections:choose", connection.pk)


def _reason(provider: str, error: str, exception: Exception | None) -> str:
    """What to tell the consultant. The exception's text may quote the provider: it is not shown."""
    if error == AuthError.CANCELLED:
        return consent.DENIED.format(name=OFFERS[provider].name)
    logger.warning("%s did not finish a consent (%s).", provider, type(exception).__name__)
    return consent.UNFINISHED.format(name=OFFERS[provider].name)


def _refusal(request: HttpRequest, provider: str, state: dict | None, reason: str) -> HttpResponse:
    """Without a known beginning, beginning again is connecting an account of one's own."""
    if not admin.site.has_permission(request):
        return redirect("admin:index")
    again = state["data"]["again"] if state else reverse("connections:consent", args=[provider])
    return views.not_connected(request, OFFERS[provider], reason, again=again)
