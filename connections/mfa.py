"""The second step of signing in, a code from an authenticator app: who needs it, and its secrets.

allauth asks for the codes and counts the wrong ones. What it checks them with, in the ``data`` of
its own table, is encrypted like every other secret: the app's key, and the seed of recovery codes.
"""

from collections.abc import Iterator

from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.internal.auth import SECRET_SESSION_KEY
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings

from connections.fields import Secret
from connections.models import Consultant

ENCRYPTED = ("secret", "seed")  # in the data of an app, and of recovery codes


class MFAAdapter(DefaultMFAAdapter):
    """Everything that allauth stores goes through here."""

    def encrypt(self, text: str) -> str:
        return Secret.of(text).ciphertext

    def decrypt(self, encrypted_text: str) -> str:
        """Raises ``SecretUnreadable``: without the key nobody gets past the second step."""
        return Secret(encrypted_text).reveal()


class ActivateForm(ActivateTOTPForm):
    """From the page with the new key to the first code of it, the session holds it encrypted.

    allauth would keep it there in clear, and a copy of the session would be a second phone.
    """

    def __init__(self, *args, **kwargs) -> None:
        session = context.request.session
        shown = session.get(SECRET_SESSION_KEY)
        super().__init__(*args, **kwargs)
        if self.is_bound and shown:
            self.secret = Secret(shown).reveal()
        session[SECRET_SESSION_KEY] = Secret.of(self.secret).ciphertext

    @property
    def is_required(self) -> bool:
        return settings.REQUIRE_MFA


def is_missing(consultant: Consultant) -> bool:
    """Whether everybody needs a second step here, and this consultant has none yet."""
    return settings.REQUIRE_MFA and not is_mfa_enabled(consultant, [Authenticator.Type.TOTP])


def remove(consultant: Consultant) -> bool:
    """Forget the app and the recovery codes, for who has lost both; whether there were any."""
    deleted, _ = Authenticator.objects.filter(user=consultant).delete()
    return deleted > 0


def secrets_of(authenticator: Authenticator) -> dict[str, Secret]:
    return {name: Secret(text) for name, text in authenticator.data.items() if name in ENCRYPTED}


def stored_secrets() -> Iterator[tuple[object, Secret]]:
    """Primary keys and secrets of all: one or two rows a consultant."""
    for authenticator in Authenticator.objects.order_by("pk"):
        for secret in secrets_of(authenticator).values():
            yield authenticator.pk, secret
