"""The way to the desk: allauth's pages, in the product's look, and nothing beside them."""

import re

import pytest
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from connections.models import Consultant
from tests.factories import ConsultantFactory

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"
LOGIN = "/accounts/login/"


@pytest.fixture(autouse=True)
def quick_hashes(settings) -> None:
    """Production's take half a second each, on purpose."""
    cache.clear()  # of what is counted
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def consultant() -> Consultant:
    consultant = ConsultantFactory(email="anna@example.com")
    consultant.set_password(PASSWORD)
    consultant.save()
    return consultant


def sign_in(client: Client, address: str = LOGIN, **changes: str):
    return client.post(address, {"login": "anna@example.com", "password": PASSWORD} | changes)


def is_signed_in(client: Client) -> bool:
    return client.get("/admin/").status_code == 200


def test_the_desk_leads_to_the_sign_in_and_back(client, consultant):
    wanted = "/admin/bookings/booking/"
    to_admin_login = client.get(wanted)
    to_sign_in = client.get(to_admin_login.url)
    assert to_sign_in.url == f"{LOGIN}?next=%2Fadmin%2Fbookings%2Fbooking%2F"

    form = client.get(to_sign_in.url)
    assert form.status_code == 200
    assert f'name="next" value="{wanted}"' in form.content.decode()

    response = sign_in(client, to_sign_in.url, next=wanted)

    assert response.url == wanted
    assert is_signed_in(client)


def test_the_admins_own_form_signs_nobody_in(client, consultant):
    """It would pass by the rate limits and the second factor."""
    response = client.post("/admin/login/", {"username": "anna@example.com", "password": PASSWORD})

    assert response.url.startswith(LOGIN)
    assert not is_signed_in(client)


def test_who_is_signed_in_cannot_become_another_by_the_admins_own_form(client, consultant):
    client.force_login(ConsultantFactory(email="bert@example.com"))

    response = client.post("/admin/login/", {"username": "anna@example.com", "password": PASSWORD})

    assert response.url == "/admin/"
    assert client.get("/admin/").context["user"].email == "bert@example.com"


@pytest.mark.parametrize(
    "address", ["https://evil.example.com/", "//evil.example.com/", "javascript:alert(1)"]
)
def test_next_never_leads_to_another_host(client, consultant, address):
    response = sign_in(client, f"{LOGIN}?next={address}", next=address)

    assert response.url == "/admin/"


def test_wrong_password_is_told_without_telling_who_exists(client, consultant):
    wrong = sign_in(client, password="wrong")
    nobody = sign_in(client, login="nobody@example.com")

    assert not is_signed_in(client)
    assert wrong.context["form"].non_field_errors() == nobody.context["form"].non_field_errors()


def test_guessing_passwords_is_stopped(client, consultant):
    for _ in range(12):
        sign_in(client, password="wrong")

    sign_in(client)

    assert not is_signed_in(client)


def test_guessing_from_one_address_does_not_stop_another_behind_the_same_proxy(
    settings, consultant
):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    stranger = Client(headers={"x-forwarded-for": "192.0.2.66"})
    for number in range(12):
        sign_in(stranger, login=f"nobody{number}@example.com")
    refused, let_in = (
        Client(headers={"x-forwarded-for": address}) for address in ("192.0.2.66", "192.0.2.7")
    )

    sign_in(refused)
    sign_in(let_in)

    assert (is_signed_in(refused), is_signed_in(let_in)) == (False, True)


def test_closed_account_is_told_whom_to_ask(client, consultant):
    Consultant.objects.update(is_active=False)

    response = sign_in(client)

    assert not is_signed_in(client)
    assert "Ask whoever runs this calsync" in client.get(response.url).content.decode()


def test_account_without_a_desk_is_told_whom_to_ask(client):
    client.force_login(ConsultantFactory(is_staff=False))

    response = client.get("/admin/", follow=True)

    assert response.status_code == 403
    assert "ask whoever runs this calsync" in response.content.decode()


def test_sign_up_is_closed(client):
    page = client.get("/accounts/signup/").content.decode()
    client.post(
        "/accounts/signup/",
        {"email": "eve@example.com", "password1": PASSWORD, "password2": PASSWORD},
    )

    assert "Accounts are by invitation" in page
    assert not Consultant.objects.exists()


def test_sign_in_page_offers_no_sign_up(client):
    assert "signup" not in client.get(LOGIN).content.decode()


def test_signing_out_leads_to_the_sign_in(client, consultant):
    client.force_login(consultant)

    response = client.post("/accounts/logout/")

    assert response.url == LOGIN
    assert not is_signed_in(client)


@pytest.mark.parametrize(
    ("address", "leads_to"),
    [
        ("admin:logout", "account_logout"),
        ("admin:password_change", "account_change_password"),
    ],
)
def test_the_admins_own_pages_lead_to_allauths(client, consultant, address, leads_to):
    client.force_login(consultant)

    assert client.get(reverse(address)).url == reverse(leads_to)


def test_password_is_changed(client, consultant):
    client.force_login(consultant)
    new = "another horse battery"

    client.post(
        "/accounts/password/change/",
        {"oldpassword": PASSWORD, "password1": new, "password2": new},
    )

    consultant.refresh_from_db()
    assert consultant.check_password(new)


def test_forgotten_password_is_set_anew_by_mail(client, consultant):
    new = "another horse battery"
    client.post("/accounts/password/reset/", {"email": "ANNA@example.com"})

    link = re.search(r"http://testserver(/accounts/password/reset/key/\S+)", mail.outbox[0].body)
    form = client.get(link[1], follow=True)
    client.post(form.request["PATH_INFO"], {"password1": new, "password2": new})

    consultant.refresh_from_db()
    assert consultant.check_password(new)


@pytest.mark.parametrize(
    "address",
    [
        LOGIN,
        "/accounts/signup/",
        "/accounts/inactive/",
        "/accounts/password/reset/",
        "/accounts/password/reset/done/",
        "/accounts/password/reset/key/1-wrong/",
    ],
)
def test_pages_for_strangers_are_in_the_products_look(client, address):
    page = client.get(address).content.decode()

    assert "admin/calsync.css" in page
    assert "<h1>" in page


@pytest.mark.parametrize("address", ["/accounts/password/change/", "/accounts/logout/"])
def test_pages_for_consultants_are_in_the_products_look(client, consultant, address):
    client.force_login(consultant)

    page = client.get(address).content.decode()

    assert "admin/calsync.css" in page
    assert "Your desk" in page


def test_page_that_was_open_too_long_says_what_to_do(consultant):
    client = Client(enforce_csrf_checks=True)

    response = sign_in(client)

    assert response.status_code == 403
    page = response.content.decode()
    assert f'<a href="{LOGIN}">Open it anew</a>' in page
    assert "to your desk" not in page


def test_who_signed_in_in_another_tab_meanwhile_is_led_to_the_desk(consultant):
    client = Client(enforce_csrf_checks=True)
    client.force_login(consultant)

    assert '<a href="/admin/">to your desk</a>' in sign_in(client).content.decode()


def test_addresses_are_changed_on_the_desk_alone(client, consultant):
    client.force_login(consultant)

    assert client.get("/accounts/email/").headers["Location"] == "/admin/"


def test_mail_with_a_new_password_is_in_the_products_words(client, consultant):
    client.post("/accounts/password/reset/", {"email": "anna@example.com"})

    [letter] = mail.outbox
    assert letter.subject == "A new password for your calendar desk"
    assert "testserver!" not in letter.body
    assert "your password stays as it is" in letter.body


def test_stranger_who_forgot_a_password_gets_the_same_page_and_no_mail(client, consultant):
    known = client.post("/accounts/password/reset/", {"email": "anna@example.com"}, follow=True)
    stranger = client.post("/accounts/password/reset/", {"email": "who@example.com"}, follow=True)

    assert known.content == stranger.content
    assert len(mail.outbox) == 1


def test_link_that_is_used_up_says_what_to_do(client):
    page = client.get("/accounts/password/reset/key/1-wrong/").content.decode()

    assert "<h1>This link is used up</h1>" in page
    assert '<a href="/accounts/password/reset/">Have a new one sent</a>' in page


def test_too_many_tries_say_how_long_to_wait(client, consultant):
    for _ in range(6):
        page = client.post(LOGIN, {"login": consultant.email, "password": "wrong"})

    assert "Too many tries. Wait five minutes, then try again." in page.content.decode()
