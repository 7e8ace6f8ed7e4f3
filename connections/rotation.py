"""Every stored secret under the first key, re-encrypted while the service runs."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from django.apps import apps
from django.db.models import QuerySet

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


def rotate(encrypted: EncryptedTextField) -> Rotation:
    """Bring all of one column under the first key. Safe to run twice, and beside the service."""
    result = Rotation(f"{encrypted.model._meta.db_table}.{encrypted.column}")
    for key, secret in stored_secrets(encrypted):
        try:
            changed = rotate_row(encrypted, key, secret)
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


def _rows(encrypted: EncryptedTextField) -> QuerySet:
    return encrypted.model._base_manager.all()
