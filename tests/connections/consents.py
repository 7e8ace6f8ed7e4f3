"""A consultant's browser on its way through a provider's consent screen."""

from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import requests
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from tests.fakes.google import FakeGoogle
from tests.fakes.microsoft import FakeMicrosoft


@dataclass
class Browser:
    """Signed in to the desk; ``far`` is the fake provider that is asked."""

    client: Client
    provider: str
    far: FakeGoogle | FakeMicrosoft

    @property
    def consent(self):
        """What the consultant does at the consent screen."""
        return (self.far.oauth if self.provider == "google" else self.far.identity).consent

    @property
    def tokens(self) -> list[str]:
        """All that the provider ever gave out."""
        return (self.far.tokens if self.provider == "google" else self.far.identity).given_out

    def connect(self) -> HttpResponse:
        """The button on the desk, the consent screen, and what is shown at the end."""
        return self.come_back(self.go(reverse("connections:consent", args=[self.provider])))

    def reconnect(self, connection) -> HttpResponse:
        return self.come_back(self.go(reverse("connections:reconnect", args=[connection.pk])))

    def link(self) -> HttpResponse:
        """The button on the desk that lets an account in, and what is shown at the end."""
        return self.come_back(self.go(reverse("identity_link", args=[self.provider])))

    def sign_in(self, **fields: str) -> HttpResponse:
        """The button on the sign-in page."""
        return self.come_back(self.go(reverse("identity_sign_in", args=[self.provider]), **fields))

    def go(self, address: str, **fields: str) -> str:
        """The address of the consent screen that a button leads to."""
        response = self.client.post(address, fields)
        assert response.status_code == 302
        return response.url

    def decide(self, screen: str) -> str:
        """The address that the consent screen leads back to."""
        return requests.get(screen, allow_redirects=False, timeout=10).headers["Location"]

    def come_back(self, screen: str) -> HttpResponse:
        return self.client.get(self.decide(screen))


def asked(screen: str) -> dict[str, str]:
    """What is asked for at a consent screen."""
    return {name: values[0] for name, values in parse_qs(urlsplit(screen).query).items()}
