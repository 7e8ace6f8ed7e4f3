"""``/api/docs/``: the API's description to read and try, from our own assets alone."""

from django.http import HttpRequest, HttpResponse
from drf_spectacular.views import SpectacularSwaggerSplitView

# Its styles are inline, and its icons are data; every script is a file of ours (CSP level 3).
POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "base-uri 'none'; object-src 'none'; form-action 'self'; frame-ancestors 'none'"
)


class DocsView(SpectacularSwaggerSplitView):
    url_name = "schema"

    def dispatch(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        response = super().dispatch(request, *args, **kwargs)
        response.headers["Content-Security-Policy"] = POLICY
        return response
