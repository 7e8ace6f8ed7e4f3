"""What ``manage.py check`` finds before anything runs."""

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from cryptography.fernet import Fernet
from django.core import checks
from django.db import connection

from calsync.schedules import SCHEDULES
from tests.factories import ConnectionFactory, ConsultantFactory


def found(databases: list[str] | None = None) -> list[tuple[str, str]]:
    """Our own messages."""
    messages = checks.run_checks(databases=databases)
    return [(each.id, each.msg) for each in messages if each.id.startswith("calsync.")]


def test_nothing_is_wrong_with_this_code():
    assert found() == []


@pytest.mark.parametrize("path", ["calsync.nowhere.sweep", "calsync.sweeper.sleep_in", "sweep"])
def test_a_recurring_job_that_cannot_be_imported_is_found(monkeypatch, path):
    monkeypatch.setitem(SCHEDULES, "calsync: broken", {"func": path})
    [(code, message)] = found()
    assert code == "calsync.E001"
    assert message.startswith(f"{path} cannot be run: ")


@pytest.mark.django_db
def test_readable_secrets_raise_no_warning():
    ConnectionFactory(access_token="token")
    assert found(databases=["default"]) == []


@pytest.mark.django_db
def test_secrets_whose_key_is_gone_are_found_by_column(settings):
    ConnectionFactory(app_specific_password="secret")
    settings.TOKEN_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    assert found(databases=["default"]) == [
        (
            "calsync.W001",
            "calendar_connections.app_specific_password_encrypted holds secrets that cannot be "
            "decrypted.",
        )
    ]


@pytest.mark.django_db
def test_second_steps_whose_key_is_gone_are_found(settings):
    TOTP.activate(ConsultantFactory(), "A KEY")
    assert found(databases=["default"]) == []
    settings.TOKEN_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    assert found(databases=["default"]) == [
        ("calsync.W001", "mfa_authenticator.data holds secrets that cannot be decrypted.")
    ]


@pytest.mark.django_db
def test_without_a_database_none_is_asked(settings, django_assert_num_queries):
    ConnectionFactory()
    settings.TOKEN_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    with django_assert_num_queries(0):
        assert found() == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE calendar_connections CASCADE",
        "ALTER TABLE calendar_connections DROP app_specific_password_encrypted",
    ],
)
def test_a_database_that_is_yet_to_be_migrated_raises_no_warning(settings, statement):
    ConnectionFactory()
    settings.TOKEN_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    with connection.cursor() as cursor:
        cursor.execute(statement)
    assert found(databases=["default"]) == []
