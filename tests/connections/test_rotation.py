"""Changing the encryption key: afterwards nothing stored needs the old one."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import StringIO

import pytest
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from cryptography.fernet import Fernet, InvalidToken
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from connections import rotation
from connections.fields import Secret
from connections.models import CalendarConnection
from connections.rotation import (
    encrypted_fields,
    rotate,
    rotate_all,
    rotate_authenticators,
    rotate_row,
)
from tests.factories import ConnectionFactory, ConsultantFactory
from tests.syncing.test_reconnect import wait_until_somebody_waits_for_us

pytestmark = pytest.mark.django_db

ACCESS_TOKEN = CalendarConnection._meta.get_field("access_token")
OLD, NEW, LOST = (Fernet.generate_key().decode() for _ in range(3))


@pytest.fixture(autouse=True)
def old_key(settings):
    settings.TOKEN_ENCRYPTION_KEYS = [OLD]


@pytest.fixture
def change_keys(settings) -> Callable[[], None]:
    """Puts the new key first; what is stored by then is under the old one."""

    def change() -> None:
        settings.TOKEN_ENCRYPTION_KEYS = [NEW, OLD]

    return change


def run() -> list[str]:
    output = StringIO()
    call_command("rotate_encryption_keys", stdout=output)
    return output.getvalue().splitlines()


def ciphertexts_of_the_database() -> list[str]:
    """Everything in any table that looks like Fernet's."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT format('SELECT t::text FROM %I.%I t', schemaname, tablename) FROM pg_tables "
            "WHERE schemaname IN ('public', 'calsync')"
        )
        queries = [query for (query,) in cursor.fetchall()]
        cursor.execute(" UNION ALL ".join(queries))
        return [found for (row,) in cursor for found in re.findall(r"gAAAA[\w-]+=*", row)]


def opens(key: str, ciphertext: str) -> bool:
    try:
        Fernet(key).decrypt(ciphertext)
    except InvalidToken:
        return False
    return True


def test_afterwards_the_old_key_opens_nothing_and_can_be_removed(settings, change_keys):
    for number in range(3):
        ConnectionFactory(access_token=f"access {number}", refresh_token=f"refresh {number}")
    before = ciphertexts_of_the_database()
    assert [opens(OLD, each) for each in before] == [True] * 9
    change_keys()
    run()
    after = ciphertexts_of_the_database()
    assert [(opens(OLD, each), opens(NEW, each)) for each in after] == [(False, True)] * 9
    settings.TOKEN_ENCRYPTION_KEYS = [NEW]
    calendars = CalendarConnection.objects.all()
    assert {(each.access_token.reveal(), each.refresh_token.reveal()) for each in calendars} == {
        (f"access {number}", f"refresh {number}") for number in range(3)
    }


def test_it_counts_what_it_did_and_has_nothing_to_do_the_second_time(change_keys):
    ConnectionFactory(access_token="access")
    change_keys()
    ConnectionFactory(access_token="under the new key")
    columns = ("access_token", "refresh_token", "app_specific_password", "webhook_secret")
    assert [line for line in run() if line.startswith("calendar_connections.")] == [
        f"calendar_connections.{column}_encrypted: {rotated} re-encrypted, {current} already "
        "current, 0 unreadable"
        for column, rotated, current in zip(columns, (1, 0, 1, 0), (1, 0, 1, 0), strict=True)
    ]
    assert {result.rotated for result in rotate_all()} == {0}


def test_it_covers_every_encrypted_column():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns "
            "WHERE column_name LIKE '%\\_encrypted'"
        )
        columns = set(cursor.fetchall())
    assert columns == {(field.model._meta.db_table, field.column) for field in encrypted_fields()}


def test_many_rows_are_done_in_batches(change_keys, monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(rotation, "BATCH_ROWS", 2)
    calendar = ConnectionFactory(access_token="0")
    ConnectionFactory.create_batch(4, user=calendar.user, access_token="1")
    change_keys()
    with django_assert_num_queries(4 + 5):  # three batches and an empty one, an update a row
        assert rotate(ACCESS_TOKEN).rotated == 5


def test_a_token_refreshed_meanwhile_is_not_overwritten(change_keys):
    """The row was read before the refresh and is written after it."""
    calendar = ConnectionFactory(access_token="read by the rotation")
    stale = calendar.access_token
    CalendarConnection.objects.update(access_token="refreshed under the old key")
    change_keys()
    assert rotate_row(ACCESS_TOKEN, calendar.pk, stale) is True
    calendar.refresh_from_db()
    assert calendar.access_token.reveal() == "refreshed under the old key"
    assert calendar.access_token.is_current()


def test_a_token_refreshed_meanwhile_under_the_new_key_is_left_alone(change_keys):
    calendar = ConnectionFactory(access_token="read by the rotation")
    stale = calendar.access_token
    change_keys()
    refreshed = Secret.of("refreshed")
    CalendarConnection.objects.update(access_token=refreshed)
    assert rotate_row(ACCESS_TOKEN, calendar.pk, stale) is False
    assert CalendarConnection.objects.get().access_token == refreshed


@pytest.mark.parametrize("gone", ["the row", "the token"])
def test_what_disappears_meanwhile_stays_gone(change_keys, gone):
    calendar = ConnectionFactory(access_token="read by the rotation")
    stale, key = calendar.access_token, calendar.pk
    change_keys()
    if gone == "the row":
        calendar.delete()
    else:
        CalendarConnection.objects.update(access_token=None)
    assert rotate_row(ACCESS_TOKEN, key, stale) is False
    assert list(CalendarConnection.objects.exclude(access_token=None)) == []


def authenticators() -> tuple[Authenticator, Authenticator]:
    """An app and recovery codes, of which one is used."""
    consultant = ConsultantFactory()
    app, codes = TOTP.activate(consultant, "A KEY").instance, RecoveryCodes.activate(consultant)
    assert codes.validate_code(codes.get_unused_codes()[0])
    return app, codes.instance


def test_the_second_step_needs_the_old_key_no_more(settings, change_keys):
    app, codes = authenticators()
    unused = codes.wrap().get_unused_codes()
    change_keys()

    done = rotate_authenticators()
    again = rotate_authenticators()

    assert (done.column, done.rotated, done.current) == ("mfa_authenticator.data", 2, 0)
    assert (again.rotated, again.current) == (0, 2)
    settings.TOKEN_ENCRYPTION_KEYS = [NEW]
    app.refresh_from_db()
    codes.refresh_from_db()
    assert get_adapter().decrypt(app.data["secret"]) == "A KEY"
    assert codes.wrap().get_unused_codes() == unused
    assert len(unused) == 9


@pytest.mark.django_db(transaction=True)
def test_a_recovery_code_used_meanwhile_does_not_become_good_again(change_keys):
    _, codes = authenticators()
    used, *unused = codes.wrap().get_unused_codes()
    change_keys()

    def rotate_beside() -> int:
        try:
            return rotate_authenticators().rotated
        finally:
            connection.close()

    with ThreadPoolExecutor() as pool:
        with transaction.atomic():
            assert codes.wrap().validate_code(used)
            beside = pool.submit(rotate_beside)
            wait_until_somebody_waits_for_us()
        assert beside.result() == 2
    codes.refresh_from_db()
    assert codes.wrap().get_unused_codes() == unused


def test_a_second_step_that_no_key_opens_is_named(settings):
    app, codes = authenticators()
    settings.TOKEN_ENCRYPTION_KEYS = [LOST]

    assert rotate_authenticators().unreadable == [app.pk, codes.pk]


def test_a_secret_that_no_key_opens_is_named_and_fails_the_command(settings, change_keys):
    settings.TOKEN_ENCRYPTION_KEYS = [LOST]
    lost = ConnectionFactory(access_token="lost", app_specific_password=None)
    settings.TOKEN_ENCRYPTION_KEYS = [OLD]
    ConnectionFactory(access_token="kept", app_specific_password=None)
    change_keys()
    errors = StringIO()
    with pytest.raises(CommandError, match="cannot be decrypted: 1") as caught:
        call_command("rotate_encryption_keys", stdout=StringIO(), stderr=errors)
    assert caught.value.returncode == 1
    assert errors.getvalue() == (
        f"calendar_connections.access_token_encrypted, row {lost.pk}: no key opens it\n"
    )
    result = rotate(ACCESS_TOKEN)
    assert (result.rotated, result.current, result.unreadable) == (0, 1, [lost.pk])
