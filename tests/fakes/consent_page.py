"""The consent screen that a person sees at a fake provider, instead of one that answers at once."""

from html import escape

from tests.connections.providers.far_end import Answer, Request, Response
from tests.fakes.http import Call

DECIDED = "&decided=yes"
PAGE = """<!doctype html>
<html lang="en"><title>Sign in</title><link rel="icon" href="data:,">
<h1>calsync wants to access your account</h1>
<ul>{scopes}</ul>
<p><a href="{allow}">Allow</a> <a href="{deny}">Deny</a></p>
"""


def consent_page(request: Request, forward: Answer) -> Response:
    """A fault, to be committed on authorization: show a page that leads to the decision."""
    if DECIDED in request.path:
        return forward(request)
    call = Call(request)
    scopes = "".join(f"<li>{escape(scope)}</li>" for scope in sorted(call.first("scope").split()))
    denied = f"{call.first('redirect_uri')}?error=access_denied&state={call.first('state')}"
    page = PAGE.format(
        scopes=scopes, allow=escape(request.path + DECIDED), deny=escape(denied, quote=True)
    )
    headers = {"Content-Type": "text/html; charset=utf-8"}
    return Response(200, headers, page.encode())
