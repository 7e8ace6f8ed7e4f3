"""Secrets at rest: encrypted with Fernet, the first key encrypting and every key decrypting."""

from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models


class SecretUnreadable(Exception):
    """A stored secret was encrypted with a key that TOKEN_ENCRYPTION_KEYS no longer holds."""


@lru_cache(maxsize=4)
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def fernet() -> MultiFernet:
    return _fernet(tuple(settings.TOKEN_ENCRYPTION_KEYS))


class Secret:
    """A value that stays encrypted until ``reveal()`` and never shows itself in text."""

    __slots__ = ("ciphertext",)

    def __init__(self, ciphertext: str) -> None:
        self.ciphertext = ciphertext

    @classmethod
    def of(cls, plain: str) -> "Secret":
        return cls(fernet().encrypt(plain.encode()).decode())

    def reveal(self) -> str:
        """The plain value. Raises ``SecretUnreadable`` when no key fits."""
        try:
            return fernet().decrypt(self.ciphertext.encode()).decode()
        except InvalidToken:
            raise SecretUnreadable(
                "A stored secret cannot be decrypted: put the key it was encrypted with back into "
                "TOKEN_ENCRYPTION_KEYS, or reconnect the calendar."
            ) from None

    def rotated(self) -> "Secret":
        """The same value under the first key."""
        return Secret(fernet().rotate(self.ciphertext.encode()).decode())

    def __repr__(self) -> str:
        return "Secret(…)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self.ciphertext == other.ciphertext

    def __hash__(self) -> int:
        return hash(self.ciphertext)


class EncryptedTextField(models.TextField):
    """A text column of Fernet tokens. Reads as ``Secret`` or None; takes a str or a ``Secret``."""

    def from_db_value(self, value, expression, connection):
        return Secret(value) if value else None

    def to_python(self, value):
        return Secret.of(value) if isinstance(value, str) and value else value or None

    def get_prep_value(self, value):
        secret = self.to_python(value)
        return secret.ciphertext if secret else None
