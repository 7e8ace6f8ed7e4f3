"""Every stored secret under the first key, re-encrypted while the service runs."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial

from allauth.mfa.models import Authenticator
from django.apps import apps
from django.db import transaction
from django.db.models import QuerySet

from connections import mfa
from connections.fields import EncryptedTextField, Secret, SecretUnreadable

BATCH_ROWS = 500


@dataclass
class Rotation:
    """What became of one column: counts, and the primary keys of rows that no key opens."""

    column: str
    rotated: int = 0
    current: int = 0
    unreadable: list = field(default_factory=list)


def encrypted_fields() -> list[EncryptedTextField]:
    """The encrypted fields of all models."""
    fields = (each for model in apps.get_models() for each in model._meta.local_fields)
    return [each for each in fields if isinstance(each, EncryptedTextField)]


def encrypted_columns() -> dict[tuple[str, str], Iterator[tuple[object, Secret]]]:
    """The primary keys and secrets, not read yet, of every column by table and name."""
    columns = {
        (each.model._meta.db_table, each.column): stored_secrets(each)
        for each in encrypted_fields()
    }
    return columns | {(Authenticator._meta.db_table, "data"): mfa.stored_secrets()}


def rotate_all() -> Iterator[Rotation]:
    """Bring everything under the first key, a column at a time."""
    yield from map(rotate, encrypted_fields())
    yield rotate_authenticators()


def rotate(encrypted: EncryptedTextField) -> Rotation:
    """Bring all of one column under the first key. Safe to run twice, and beside the service."""
    rows = stored_secrets(encrypted)
    return _rotate_each(
        f"{encrypted.model._meta.db_table}.{encrypted.column}",
        ((key, partial(rotate_row, encrypted, key, secret)) for key, secret in rows),
    )


def rotate_authenticators() -> Rotation:
    """The same for what codes of the second step are checked with: parts of a JSON column."""
    keys = Authenticator.objects.order_by("pk").values_list("pk", flat=True)
    return _rotate_each(
        f"{Authenticator._meta.db_table}.data",
        ((key, partial(_rotate_authenticator, key)) for key in keys),
    )


def _rotate_each(column: str, rows: Iterable[tuple[object, Callable[[], bool]]]) -> Rotation:
    """``rows`` are primary keys, and what re-encrypts the row and says whether it had to."""
    result = Rotation(column)
    for key, rotate_one in rows:
        try:
            changed = rotate_one()
        except SecretUnreadable:
            result.unreadable.append(key)
        else:
            result.rotated += changed
            result.current += not changed
    return result


def stored_secrets(encrypted: EncryptedTextField) -> Iterator[tuple[object, Secret]]:
    """Primary keys and secrets of a column, a batch at a time: no cursor stays open meanwhile."""
    filled = _rows(encrypted).exclude(**{encrypted.name: None})
    rows = filled.order_by("pk").values_list("pk", encrypted.name)
    batch = list(rows[:BATCH_ROWS])
    while batch:
        yield from batch
        batch = list(rows.filter(pk__gt=batch[-1][0])[:BATCH_ROWS])


def rotate_row(encrypted: EncryptedTextField, key: object, secret: Secret | None) -> bool:
    """Whether it had to be re-encrypted. Raises ``SecretUnreadable``.

    Compare-and-set: a token that the service refreshed meanwhile is not overwritten, but looked
    at in its turn.
    """
    row = _rows(encrypted).filter(pk=key)
    while secret and not secret.is_current():
        unchanged = row.filter(**{encrypted.name: secret})
        if unchanged.update(**{encrypted.name: secret.rotated()}):
            return True
        secret = row.values_list(encrypted.name, flat=True).first()
    return False


@transaction.atomic
def _rotate_authenticator(key: object) -> bool:
    """Under the lock that using a recovery code takes, so that none becomes good again."""
    row = Authenticator.objects.select_for_update().filter(pk=key).first()
    stale = {
        name: secret.rotated().ciphertext
        for name, secret in (mfa.secrets_of(row) if row else {}).items()
        if not secret.is_current()
    }
    if stale:
        row.data |= stale
        row.save(update_fields=["data"])
    return bool(stale)


def _rows(encrypted: EncryptedTextField) -> QuerySet:
    return encrypted.model._base_manager.all()
