"""What browsers are told about pages that need no signing in, and which forms they believe.

The pages use no cookie: a booking carries no session, and a cookie would not reach a page that is
embedded in another website. So a form is believed by the ``Origin`` that the browser states with
every POST (Fetch standard, section 3.2), not by a cookie.
"""

from collections.abc import Callable
from functools import wraps

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

View = Callable[..., HttpResponse]


def content_security_policy() -> str:
    """Everything from here, nothing inline; framed by the allowed websites alone (CSP level 3)."""
    embedders = " ".join(["'self'", *settings.ALLOWED_ORIGINS])
    return (
        "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; "
        f"frame-ancestors {embedders}"
    )


def is_own_form(request: HttpRequest) -> bool:
    """Whether a POST was sent by one of our own pages."""
    own = {f"{request.scheme}://{request.get_host()}", *settings.CSRF_TRUSTED_ORIGINS}
    return request.headers.get("Origin") in own


def open_page(view: View) -> View:
    """A page for whoever has its address, signed in or not: guarded, never cached.

    What is absent has a friendly page.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args, **kwargs) -> HttpResponse:
        response = _answer(view, request, *args, **kwargs)
        response.headers["Content-Security-Policy"] = content_security_policy()
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Robots-Tag"] = "noindex"
        response.xframe_options_exempt = True  # frame-ancestors says it better
        return response

    guarded.csrf_exempt = True
    return guarded


def _answer(view: View, request: HttpRequest, *args, **kwargs) -> HttpResponse:
    if request.method == "POST" and not is_own_form(request):
        return render(request, "bookings/foreign_form.html", status=403)
    try:
        return view(request, *args, **kwargs)
    except Http404 as absent:
        return render(request, "bookings/not_found.html", {"reason": str(absent)}, status=404)
