"""The second step of signing in: an authenticator app, and recovery codes for when it is lost."""

import base64
import re
from io import StringIO

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from connections.fields import Secret
from connections.models import Consultant
from tests.authenticator import Clock, code
from tests.connections.leaks import rows_with
from tests.factories import ConsultantFactory

pytestmark = pytest.mark.django_db

ANNA, PASSWORD = "anna@example.com", "correct horse battery"
LOGIN = "/accounts/login/"
DESK = "/admin/"


@pytest.fixture(autouse=True)
def quick_hashes(settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    cache.clear()


@pytest.fixture
def anna() -> Consultant:
    consultant = ConsultantFactory(email=ANNA)
    consultant.set_password(PASSWORD)
    consultant.save()
    return consultant


@pytest.fixture
def key(anna, clock) -> str:
    """Anna has set up her app with this key, and is signed in nowhere."""
    client = Client()
    sign_in(client)
    key = set_up(client, clock)
    clock.pass_on()
    return key


def sign_in(client: Client, **changes: str):
    return client.post(LOGIN, {"login": ANNA, "password": PASSWORD} | changes)


def confirm(client: Client) -> None:
    """Say the password once more, as what changes the sign-in asks for."""
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})


def shown_key(client: Client) -> str:
    page = client.get(reverse("mfa_activate_totp")).content.decode()
    return re.search(r'id="authenticator-key">([A-Z2-7]+)<', page)[1]


def set_up(client: Client, clock: Clock) -> str:
    confirm(client)
    key = shown_key(client)
    response = client.post(reverse("mfa_activate_totp"), {"code": code(key, clock.now)})
    assert response.url == reverse("mfa_view_recovery_codes")
    return key


def enter(client: Client, entered: str):
    return client.post(reverse("mfa_authenticate"), {"code": entered})


def recovery_codes(client: Client) -> list[str]:
    page = client.get(reverse("mfa_view_recovery_codes")).content.decode()
    return re.findall(r"<code>(\d{8})</code>", page)


def is_signed_in(client: Client) -> bool:
    return client.get(DESK).status_code == 200


# --- the oracle ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "expected"),
    [(59, "94287082"), (1111111109, "07081804"), (2000000000, "69279037")],
)
def test_the_app_computes_what_the_rfc_lists(at, expected):
    """RFC 6238, appendix B."""
    assert code(base64.b32encode(b"12345678901234567890").decode(), at, digits=8) == expected


# --- setting it up -------------------------------------------------------------------------------


def test_an_app_is_set_up_with_a_code_of_it(client, anna, clock):
    sign_in(client)

    key = set_up(client, clock)

    assert len(base64.b32decode(key)) == 20  # 160 bits, RFC 4226 §4
    assert set(Authenticator.objects.values_list("user", "type")) == {
        (anna.pk, "totp"),
        (anna.pk, "recovery_codes"),
    }
    assert len(set(recovery_codes(client))) == 10


def test_a_wrong_code_sets_nothing_up_and_keeps_the_key(client, anna, clock):
    sign_in(client)
    confirm(client)
    key = shown_key(client)

    page = client.post(reverse("mfa_activate_totp"), {"code": "000000"}).content.decode()

    assert "Incorrect code." in page
    assert key in page
    assert not Authenticator.objects.exists()


def test_setting_it_up_takes_the_password_once_more(client, anna):
    """Who finds an open desk does not make its sign-in their own."""
    client.force_login(anna)

    response = client.get(reverse("mfa_activate_totp"))

    assert response.url == "/accounts/reauthenticate/?next=%2Faccounts%2F2fa%2Fapp%2F"


def test_the_desk_leads_to_it(client, anna):
    client.force_login(anna)

    page = client.get(DESK).content.decode()

    assert f'href="{reverse("mfa_index")}"' in page
    assert reverse("mfa_activate_totp") in client.get(reverse("mfa_index")).content.decode()


# --- signing in ----------------------------------------------------------------------------------


def test_the_password_alone_opens_nothing(client, key):
    response = sign_in(client, next="/admin/bookings/booking/")

    assert response.url == reverse("mfa_authenticate")
    assert not is_signed_in(client)


def test_a_code_lets_in_and_leads_where_one_wanted_to_go(client, key, clock):
    sign_in(client, next="/admin/bookings/booking/")

    response = enter(client, code(key, clock.now))

    assert response.url == "/admin/bookings/booking/"
    assert is_signed_in(client)


def test_the_admins_own_form_does_not_pass_by_it(client, key):
    response = client.post("/admin/login/", {"username": ANNA, "password": PASSWORD})

    assert response.url.startswith(LOGIN)
    assert not is_signed_in(client)


def test_a_new_password_by_mail_does_not_pass_by_it(client, key, mailoutbox):
    client.post("/accounts/password/reset/", {"email": ANNA})
    link = re.search(r"http://testserver(/accounts/password/reset/key/\S+)", mailoutbox[0].body)
    form = client.get(link[1], follow=True)
    new = "another horse battery"
    client.post(form.request["PATH_INFO"], {"password1": new, "password2": new})

    assert not is_signed_in(client)
    assert sign_in(client, password=new).url == reverse("mfa_authenticate")


@pytest.mark.parametrize("halves", [-1, 1])
def test_codes_of_another_time_are_wrong(client, key, clock, halves):
    sign_in(client)

    enter(client, code(key, clock.now + halves * 30))

    assert not is_signed_in(client)


def test_a_code_is_good_once(client, key, clock):
    """Who looked over the shoulder is late (RFC 6238 §5.2)."""
    sign_in(client)
    enter(client, code(key, clock.now))
    shoulder = Client()
    sign_in(shoulder)

    enter(shoulder, code(key, clock.now))

    assert is_signed_in(client)
    assert not is_signed_in(shoulder)


def test_guessing_codes_is_stopped(client, key, clock):
    """From every browser at once: the account is counted, in the cache that all processes share."""
    for _ in range(5):
        guesser = Client()
        sign_in(guesser)
        enter(guesser, "000000")
    sign_in(client)

    page = enter(client, code(key, clock.now)).content.decode()

    assert not is_signed_in(client)
    assert "Too many tries. Wait five minutes" in page


def test_code_page_without_a_password_first_leads_to_the_sign_in(client, key):
    assert client.get(reverse("mfa_authenticate")).url == LOGIN


# --- when the phone is lost ----------------------------------------------------------------------


def test_a_recovery_code_lets_in_once(client, key, clock):
    sign_in(client)
    enter(client, code(key, clock.now))
    confirm(client)
    first, *others = recovery_codes(client)

    phoneless = Client()
    sign_in(phoneless)
    enter(phoneless, first)
    again = Client()
    sign_in(again)
    enter(again, first)

    assert is_signed_in(phoneless)
    assert not is_signed_in(again)
    assert recovery_codes(client) == others


def test_recovery_codes_are_downloaded_as_they_are_shown(client, key, clock):
    sign_in(client)
    enter(client, code(key, clock.now))
    confirm(client)

    response = client.get(reverse("mfa_download_recovery_codes"))

    assert response.content.decode().split() == recovery_codes(client)
    assert response["Content-Disposition"] == 'attachment; filename="recovery-codes.txt"'


def test_new_recovery_codes_end_the_old_ones(client, key, clock):
    sign_in(client)
    enter(client, code(key, clock.now))
    confirm(client)
    old = recovery_codes(client)

    client.post(reverse("mfa_generate_recovery_codes"))

    new = recovery_codes(client)
    assert len(new) == 10
    assert set(new) & set(old) == set()
    phoneless = Client()
    sign_in(phoneless)
    enter(phoneless, old[0])
    assert not is_signed_in(phoneless)


@pytest.mark.parametrize(
    "name",
    [
        "mfa_view_recovery_codes",
        "mfa_download_recovery_codes",
        "mfa_generate_recovery_codes",
        "mfa_deactivate_totp",
    ],
)
def test_codes_are_shown_and_changed_only_to_who_says_the_password_once_more(
    client, anna, key, name
):
    client.force_login(anna)

    response = client.get(reverse(name))

    assert response.url.startswith("/accounts/reauthenticate/")


def test_a_code_replaces_the_password_in_confirming(client, key, clock):
    sign_in(client)
    enter(client, code(key, clock.now))
    clock.pass_on()

    wanted = reverse("mfa_deactivate_totp")
    address = f"{reverse('mfa_reauthenticate')}?next={wanted}"
    assert "Is it you?" in client.get(address).content.decode()
    response = client.post(address, {"code": code(key, clock.now), "next": wanted})

    assert response.url == wanted
    assert client.get(wanted).status_code == 200


def test_without_the_app_the_password_is_enough_again(client, key, clock):
    sign_in(client)
    enter(client, code(key, clock.now))
    confirm(client)

    client.post(reverse("mfa_deactivate_totp"))

    assert not Authenticator.objects.exists()
    assert sign_in(Client()).url == DESK


def test_who_runs_calsync_can_remove_it(client, key):
    output = StringIO()

    call_command("remove_second_step", "Anna@example.com", stdout=output)

    assert output.getvalue() == (
        "Anna@example.com signs in without a second step until a new one is set up.\n"
    )
    assert not Authenticator.objects.exists()
    assert sign_in(client).url == DESK


@pytest.mark.parametrize(
    ("email", "reason"),
    [
        (ANNA, "anna@example.com has no second step."),
        ("bo@example.com", "There is no consultant with the e-mail address bo@example.com."),
    ],
)
def test_removing_what_is_not_there_says_so(anna, email, reason):
    with pytest.raises(CommandError, match=reason):
        call_command("remove_second_step", email)


# --- required ------------------------------------------------------------------------------------


@pytest.fixture
def required(settings) -> None:
    settings.REQUIRE_MFA = True


PAGES = [
    "/admin/",
    "/admin/bookings/booking/",
    "/admin/jsi18n/",
    "/admin/calendars/connect/",
    "/admin/nothing/here/",
]


@pytest.mark.parametrize("page", PAGES)
def test_every_page_of_the_desk_leads_to_setting_it_up(client, anna, required, page):
    sign_in(client)
    confirm(client)

    response = client.get(page, follow=True)

    assert response.redirect_chain[-1] == (reverse("mfa_activate_totp"), 302)
    assert response.status_code == 200
    assert "Everybody needs one here." in response.content.decode()


def test_nothing_on_the_desk_can_be_done_before(client, anna, required):
    sign_in(client)

    client.post("/admin/availability/blockeddate/add/", {"user": anna.pk, "date": "2027-03-01"})
    response = client.post(reverse("connections:sync_now"))

    assert response.url == f"/admin/login/?next={reverse('connections:sync_now')}"
    assert not anna.blockeddate_set.exists()


def test_afterwards_the_desk_opens(client, anna, required, clock):
    sign_in(client)

    set_up(client, clock)

    assert is_signed_in(client)


def test_removing_it_closes_the_desk(client, key, required, clock):
    sign_in(client)
    enter(client, code(key, clock.now))
    confirm(client)

    client.post(reverse("mfa_deactivate_totp"))

    assert client.get(DESK).url == "/admin/login/?next=/admin/"


def test_who_is_not_signed_in_is_led_to_the_sign_in(client, required):
    assert client.get(DESK, follow=True).redirect_chain[-1][0].startswith(LOGIN)


def test_who_has_no_desk_is_told_so(client, required):
    client.force_login(ConsultantFactory(is_staff=False))

    assert client.get(DESK, follow=True).status_code == 403


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/book/anna/", 200),
        ("/api/v1/slots/?consultant=anna&start=2027-03-01", 200),
        ("/webhooks/google/", 405),
        ("/healthz", 200),
    ],
)
def test_what_is_not_the_desk_is_as_it_was(client, required, address, status):
    client.force_login(ConsultantFactory(slug="anna"))

    assert client.get(address).status_code == status


def test_it_is_not_required_unless_the_settings_say_so(client, anna):
    sign_in(client)

    assert is_signed_in(client)


# --- secrets -------------------------------------------------------------------------------------


def test_key_and_codes_are_in_clear_nowhere(client, key, clock):
    sign_in(client)
    enter(client, code(key, clock.now))
    confirm(client)
    codes = recovery_codes(client)
    seed = Secret(Authenticator.objects.get(type="recovery_codes").data["seed"]).reveal()

    for secret in (key, seed, *codes):
        assert rows_with(secret) == {}
        assert not [one for one in Session.objects.all() if secret in str(one.get_decoded())]


def test_the_search_finds_what_is_there(key):
    """Otherwise finding nothing would prove nothing."""
    stored = Authenticator.objects.get(type="totp").data["secret"]

    assert Secret(stored).reveal() == key
    assert rows_with(stored) == {"calsync.mfa_authenticator": 1}


def test_a_key_that_is_shown_is_not_readable_in_the_session(client, anna):
    """Else a copy of the sessions, a backup for example, would be a second phone."""
    sign_in(client)
    confirm(client)

    key = shown_key(client)

    [session] = Session.objects.all()
    assert key not in str(session.get_decoded())
    assert Secret(session.get_decoded()["mfa.totp.secret"]).reveal() == key


def test_without_the_encryption_key_nobody_gets_past_the_second_step(client, key, clock, settings):
    sign_in(client)
    settings.TOKEN_ENCRYPTION_KEYS = ["MhUBA3l9cqGRpVKAGYkqMgtHiqwgvbg4RTQnHBa8GkA="]
    client.raise_request_exception = False

    assert enter(client, code(key, clock.now)).status_code == 500
    assert not is_signed_in(client)


@pytest.mark.parametrize(
    "name", ["mfa_activate_totp", "mfa_view_recovery_codes", "mfa_download_recovery_codes"]
)
def test_no_browser_keeps_a_page_with_secrets(client, anna, key, clock, name):
    if name == "mfa_activate_totp":
        Authenticator.objects.all().delete()
        sign_in(client)
    else:
        sign_in(client)
        enter(client, code(key, clock.now))
    confirm(client)

    assert "no-store" in client.get(reverse(name))["Cache-Control"]
