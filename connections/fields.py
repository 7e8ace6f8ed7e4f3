"""Secrets at rest: encrypted with Fernet, the first key encrypting and every key decrypting."""

from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models
from django.db.models.query_utils import DeferredAttribute


class SecretUnreadable(Exception):
    """A stored secret was encrypted with a key that TOKEN_ENCRYPTION_KEYS no longer holds."""

    def __init__(self) -> None:
        super().__init__(
            "A stored secret cannot be decrypted: put the key it was encrypted with back into "
            "TOKEN_ENCRYPTION_KEYS, or reconnect the calendar."
        )


@lru_cache(maxsize=4)
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def fernet() -> MultiFernet:
    """What encrypts with the first of TOKEN_ENCRYPTION_KEYS and decrypts with each of them."""
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
            raise SecretUnreadable from None

    def rotated(self) -> "Secret":
        """The same value under the first key. Raises ``SecretUnreadable`` when no key fits."""
        try:
            return Secret(fernet().rotate(self.ciphertext.encode()).decode())
        except InvalidToken:
            raise SecretUnreadable from None

    def is_current(self) -> bool:
        """Whether it is encrypted with the first key."""
        try:
            _fernet((settings.TOKEN_ENCRYPTION_KEYS[0],)).decrypt(self.ciphertext.encode())
        except InvalidToken:
            return False
        return True

    def __repr__(self) -> str:
        return "Secret(…)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self.ciphertext == other.ciphertext

    def __hash__(self) -> int:
        return hash(self.ciphertext)


class _SecretAttribute(DeferredAttribute):
    """Encrypts what is assigned at once, so that no instance ever carries a plain secret."""

    def __set__(self, instance, value) -> None:
        instance.__dict__[self.field.attname] = self.field.to_python(value)


class EncryptedTextField(models.TextField):
    """A text column of Fernet tokens. Reads as ``Secret`` or None; takes a str or a ``Secret``.

    It is in no form, and cannot be searched by its text: each encryption of a text differs.
    """

    descriptor_class = _SecretAttribute

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs | {"editable": False})

    def from_db_value(self, value, expression, connection):
        return Secret(value) if value else None

    def to_python(self, value):
        return Secret.of(value) if isinstance(value, str) and value else value or None

    def get_db_prep_save(self, value, connection):
        return super().get_db_prep_save(self.to_python(value), connection)

    def get_prep_value(self, value):
        if isinstance(value, str):
            raise TypeError(f"{self} is encrypted: it can be compared with a Secret, not a text.")
        return value and value.ciphertext

    def value_to_string(self, obj):
        raise TypeError(f"{self} is not exported: its keys stay here. Use pg_dump for a backup.")
