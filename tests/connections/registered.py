"""This installation, registered at the fake providers through its settings alone."""

from connections.models import Provider
from tests.fakes.google import FakeGoogle
from tests.fakes.microsoft import FakeMicrosoft


def register_at_google(settings, google: FakeGoogle) -> None:
    settings.GOOGLE_CLIENT_ID = google.oauth.client_id
    settings.GOOGLE_CLIENT_SECRET = google.oauth.client_secret
    settings.GOOGLE_ACCOUNTS_URL = google.url
    settings.GOOGLE_OAUTH_URL = google.url
    settings.GOOGLE_API_URL = google.url


def register_at_microsoft(settings, microsoft: FakeMicrosoft) -> None:
    settings.MICROSOFT_CLIENT_ID = microsoft.identity.client_id
    settings.MICROSOFT_CLIENT_SECRET = microsoft.identity.client_secret
    settings.MICROSOFT_LOGIN_URL = microsoft.url
    settings.MICROSOFT_GRAPH_URL = microsoft.url


REGISTER = {Provider.GOOGLE: register_at_google, Provider.MICROSOFT: register_at_microsoft}
