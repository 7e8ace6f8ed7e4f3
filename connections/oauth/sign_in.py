"""Signing in at a provider, and linking the account there that lets a consultant in.

Both lead there and back in the same way; which of them it is, is kept in the browser's session
meanwhile. The tokens that come back are dropped: who it is has been read by then.
"""

from allauth.account.utils import perform_login
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.providers.base.constants import AuthProcess
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_variables

from connections.oauth import identities
from connections.oauth.offers import Offer

DENIED = "{name} was not allowed to say who you are. Begin again and allow it."
NOT_LINKED = (
    "{account} at {name} lets nobody in here. Sign in with your password, and link it on your "
    "desk, at “Sign-in”. Then you can sign in with it."
)
LINKED_ELSEWHERE = (
    "{account} at {name} lets another consultant in. Sign in as that one and unlink it, or "
    "choose another account."
)


def begin(
    request: HttpRequest, offer: Offer, *, is_link: bool, next_url: str | None = None
) -> HttpResponse:
    """Send the browser to the provider; ``next_url`` is where to go once signed in."""
    provider = get_adapter().get_provider(request, offer.sign_in)
    return provider.redirect(
        request, process=AuthProcess.REDIRECT, next_url=next_url, data={"is_link": is_link}
    )


@sensitive_variables()
def finish(request: HttpRequest, login: SocialLogin, offer: Offer) -> HttpResponse:
    """What the browser came back for. The tokens are taken off ``login``."""
    login.token = None
    end = _link if login.state["data"]["is_link"] else _enter
    return end(request, login, offer)


def refuse(request: HttpRequest, offer: Offer, reason: str) -> HttpResponse:
    context = {"company": offer.company, "reason": reason}
    return render(request, "socialaccount/refused.html", context, status=403)


def _link(request: HttpRequest, login: SocialLogin, offer: Offer) -> HttpResponse:
    if not admin.site.has_permission(request):
        return redirect("admin:index")
    try:
        identities.link(request.user, login.account)
    except identities.LinkedElsewhere:
        return refuse(request, offer, _about(login, offer, LINKED_ELSEWHERE))
    messages.success(request, _about(login, offer, "{account} at {name} lets you in now."))
    return redirect("mfa_index")


def _enter(request: HttpRequest, login: SocialLogin, offer: Offer) -> HttpResponse:
    """Past the second step, where there is one. Who is signed in already stays who they are."""
    if request.user.is_authenticated:
        return redirect("admin:index")
    if login.account.pk is None:
        return refuse(request, offer, _about(login, offer, NOT_LINKED))
    return perform_login(request, login.account.user, redirect_url=login.state.get("next"))


def _about(login: SocialLogin, offer: Offer, text: str) -> str:
    account = login.account.extra_data["email"] or "This account"
    return text.format(account=account, name=offer.company)
