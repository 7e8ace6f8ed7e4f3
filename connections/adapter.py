"""How allauth behaves here: nobody signs up, and tokens of a provider never reach its hands.

Every answer of a provider ends in this module, so that nothing of it but what is meant to be gets
into the session or the database.
"""

import logging
from typing import ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp, SocialLogin
from allauth.socialaccount.providers.base import Provider
from allauth.socialaccount.providers.base.constants import AuthError
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from connections import views
from connections.oauth import consent, sign_in
from connections.oauth.offers import offer_of
from connections.oauth.provider import registered_apps

logger = logging.getLogger(__name__)


class AccountAdapter(DefaultAccountAdapter):
    error_messages: ClassVar[dict[str, str]] = DefaultAccountAdapter.error_messages | {
        # Five tries in five minutes for an address, see allauth's RATE_LIMITS.
        "too_many_login_attempts": "Too many tries. Wait five minutes, then try again.",
    }

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

    def get_app(self, request, provider, client_id=None) -> SocialApp:
        """Raises ``Http404`` where this installation is not registered."""
        try:
            return super().get_app(request, provider, client_id)
        except SocialApp.DoesNotExist:
            raise Http404(f"{provider} is not configured here.") from None

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
    offer = offer_of(login.account.provider)
    if login.account.provider == offer.sign_in:
        return sign_in.finish(request, login, offer)
    if not admin.site.has_permission(request):
        return redirect("admin:index")
    try:
        connection = consent.finish(login, now=timezone.now())
    except consent.NotConnected as refusal:
        return _refusal(request, login.account.provider, login.state, str(refusal))
    return redirect("connections:choose", connection.pk)


def _reason(provider: str, error: str, exception: Exception | None) -> str:
    """What to tell the consultant. The exception's text may quote the provider: it is not shown."""
    offer = offer_of(provider)
    name, denied = offer.name, consent.DENIED
    if provider == offer.sign_in:
        name, denied = offer.company, sign_in.DENIED
    if error == AuthError.CANCELLED:
        return denied.format(name=name)
    logger.warning("%s did not finish a consent (%s).", provider, type(exception).__name__)
    return consent.UNFINISHED.format(name=name)


def _refusal(request: HttpRequest, provider: str, state: dict | None, reason: str) -> HttpResponse:
    """Without a known beginning, beginning again is connecting an account of one's own."""
    offer = offer_of(provider)
    if provider == offer.sign_in:
        return sign_in.refuse(request, offer, reason)
    if not admin.site.has_permission(request):
        return redirect("admin:index")
    again = state["data"]["again"] if state else reverse("connections:consent", args=[provider])
    return views.not_connected(request, offer, reason, again=again)
