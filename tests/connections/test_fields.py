"""Secrets are stored encrypted, and show themselves nowhere."""

import logging
import pickle

import pytest
from cryptography.fernet import Fernet
from django.core import serializers
from django.db import connection
from django.forms import modelform_factory
from django.test import RequestFactory
from django.views.debug import ExceptionReporter

from connections.fields import Secret, SecretUnreadable
from connections.models import CalendarConnection
from connections.state import describe
from tests.factories import ConnectionFactory

PLAIN = "ya29.a-token-of-the-provider"


@pytest.fixture
def keys(settings) -> list[str]:
    """Two encryption keys, of which the first is in use."""
    keys = [Fernet.generate_key().decode() for _ in range(2)]
    settings.TOKEN_ENCRYPTION_KEYS = keys[:1]
    return keys


def stored(column: str) -> list:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM calendar_connections")
        return [value for (value,) in cursor.fetchall()]


# --- a secret by itself -------------------------------------------------------------------------


@pytest.mark.parametrize("plain", [PLAIN, "pässwörd ✓", " ", "x" * 5000])
def test_a_secret_reveals_what_it_was_made_of(plain):
    assert Secret.of(plain).reveal() == plain


def test_a_secret_shows_itself_in_no_text():
    secret = Secret.of(PLAIN)
    shown = [str(secret), repr(secret), f"{secret}", f"{secret!r:>20}", str({"secret": [secret]})]
    assert [text for text in shown if PLAIN in text or secret.ciphertext in text] == []


def test_a_secret_is_not_in_a_log_line(caplog):
    logging.getLogger("calsync").warning("token %s %r", Secret.of(PLAIN), Secret.of(PLAIN))
    assert caplog.messages == ["token Secret(…) Secret(…)"]


def test_a_pickled_secret_stays_encrypted():
    secret = Secret.of(PLAIN)
    pickled = pickle.dumps(secret)
    assert PLAIN.encode() not in pickled
    assert pickle.loads(pickled).reveal() == PLAIN


def test_the_same_text_is_never_encrypted_alike():
    assert Secret.of(PLAIN) != Secret.of(PLAIN)
    assert Secret("a") == Secret("a")
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2


def test_every_key_decrypts_and_the_first_one_encrypts(settings, keys):
    old, new = keys
    secret = Secret.of(PLAIN)
    settings.TOKEN_ENCRYPTION_KEYS = [new, old]
    assert (secret.reveal(), secret.is_current()) == (PLAIN, False)
    rotated = secret.rotated()
    settings.TOKEN_ENCRYPTION_KEYS = [new]
    assert (rotated.reveal(), rotated.is_current()) == (PLAIN, True)


@pytest.mark.parametrize("use", [Secret.reveal, Secret.rotated])
def test_a_secret_whose_key_is_gone_says_what_to_do(settings, keys, use):
    secret = Secret.of(PLAIN)
    settings.TOKEN_ENCRYPTION_KEYS = keys[1:]
    with pytest.raises(SecretUnreadable, match="back into TOKEN_ENCRYPTION_KEYS") as caught:
        use(secret)
    assert secret.ciphertext not in str(caught.value)


def test_what_was_never_encrypted_is_not_taken_for_a_secret():
    with pytest.raises(SecretUnreadable):
        Secret(PLAIN).reveal()


# --- in the database ----------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_stored_secret_is_encrypted_and_comes_back(settings):
    ConnectionFactory(access_token=PLAIN, refresh_token=Secret.of(PLAIN))
    [ciphertext] = stored("access_token_encrypted")
    assert Fernet(settings.TOKEN_ENCRYPTION_KEYS[0]).decrypt(ciphertext) == PLAIN.encode()
    fetched = CalendarConnection.objects.get()
    assert (fetched.access_token.reveal(), fetched.refresh_token.reveal()) == (PLAIN, PLAIN)


@pytest.mark.django_db
@pytest.mark.parametrize("nothing", [None, ""])
def test_no_secret_is_stored_as_null(nothing):
    ConnectionFactory(access_token=nothing)
    assert stored("access_token_encrypted") == [None]
    assert CalendarConnection.objects.get().access_token is None


def test_an_instance_never_carries_the_plain_text():
    calendar = CalendarConnection(access_token=PLAIN)
    calendar.refresh_token = PLAIN
    assert PLAIN not in str(vars(calendar))
    assert (calendar.access_token.reveal(), calendar.refresh_token.reveal()) == (PLAIN, PLAIN)


@pytest.mark.django_db
def test_every_way_of_writing_encrypts():
    calendar = ConnectionFactory()
    CalendarConnection.objects.update(access_token=PLAIN)
    calendar.refresh_token = PLAIN
    CalendarConnection.objects.bulk_update([calendar], ["refresh_token"])
    assert PLAIN not in str(stored("calendar_connections::text"))
    calendar.refresh_from_db()
    assert (calendar.access_token.reveal(), calendar.refresh_token.reveal()) == (PLAIN, PLAIN)


@pytest.mark.django_db
def test_a_secret_is_found_by_itself_but_not_by_its_text():
    calendar = ConnectionFactory(access_token=PLAIN)
    ConnectionFactory(access_token=PLAIN)
    assert CalendarConnection.objects.get(access_token=calendar.access_token) == calendar
    with pytest.raises(TypeError, match="encrypted"):
        CalendarConnection.objects.filter(access_token=PLAIN)


@pytest.mark.django_db
def test_a_deferred_secret_is_loaded_when_asked_for():
    ConnectionFactory(access_token=PLAIN)
    assert CalendarConnection.objects.only("pk").get().access_token.reveal() == PLAIN


@pytest.mark.django_db
def test_secrets_are_in_no_form_and_no_export():
    calendar = ConnectionFactory(access_token=PLAIN)
    assert "access_token" not in modelform_factory(CalendarConnection, fields="__all__").base_fields
    with pytest.raises(TypeError, match="not exported"):
        serializers.serialize("json", [calendar])


@pytest.mark.django_db
def test_an_error_page_shows_no_secret(settings):
    """Not even the page for developers, which shows every local variable and every setting."""
    settings.DEBUG = True
    calendar = ConnectionFactory(access_token=PLAIN)
    secret = calendar.access_token
    with pytest.raises(TypeError) as caught:
        describe(calendar, now=secret)
    report = ExceptionReporter(RequestFactory().get("/"), caught.type, caught.value, caught.tb)
    page = report.get_traceback_html() + report.get_traceback_text()
    assert "Secret(…)" in page
    for hidden in [PLAIN, secret.ciphertext, settings.SECRET_KEY, *settings.TOKEN_ENCRYPTION_KEYS]:
        assert hidden not in page
