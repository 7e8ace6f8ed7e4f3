"""How a consultant signs in: the sign-in page, the overview on the desk, accounts at providers."""

from allauth.account.utils import get_next_redirect_url
from allauth.account.views import LoginView
from allauth.mfa.base.views import IndexView
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from connections.buttons import button
from connections.oauth import identities, sign_in
from connections.oauth.offers import OFFERS, Offer, configured_offers

ONLY_WAY_IN = "You could not sign in any more. Set a password first, or link another account."


class SignIn(LoginView):
    """With a password, or at a provider."""

    def get_context_data(self, **kwargs) -> dict:
        return super().get_context_data(**kwargs) | {"offers": configured_offers()}


class Overview(IndexView):
    """Password, second step, and linked accounts."""

    def get_context_data(self, **kwargs) -> dict:
        links = identities.links_of(self.request.user)
        return super().get_context_data(**kwargs) | {"links": links, "offers": configured_offers()}


def to_the_overview(request: HttpRequest) -> HttpResponse:
    return redirect("mfa_index")


@require_POST
def enter(request: HttpRequest, provider: str) -> HttpResponse:
    """Go to a provider to sign in."""
    next_url = get_next_redirect_url(request)
    return sign_in.begin(request, _offer(provider), is_link=False, next_url=next_url)


@button(to_the_overview)
def link(request: HttpRequest, provider: str) -> HttpResponse:
    """Go to a provider to choose the account that will sign the consultant in."""
    return sign_in.begin(request, _offer(provider), is_link=True)


@button(to_the_overview)
def unlink(request: HttpRequest, account_id: int) -> HttpResponse:
    try:
        identities.unlink(request.user, account_id)
    except identities.OnlyWayIn:
        messages.error(request, ONLY_WAY_IN)
    else:
        messages.success(request, "That account lets you in no more.")
    return to_the_overview(request)


def _offer(provider: str) -> Offer:
    if provider not in OFFERS:
        raise Http404(f"There is no provider {provider}.")
    return OFFERS[provider]
