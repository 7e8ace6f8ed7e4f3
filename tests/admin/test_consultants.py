"""Consultants: added and closed by a superuser, each with a page of their own."""

import pytest
from django.test import Client

from connections.models import Consultant
from tests.factories import ConsultantFactory

pytestmark = pytest.mark.django_db

LIST = "/admin/connections/consultant/"
PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def quick_hashes(settings) -> None:
    """Production's take half a second each, on purpose."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def add(desk: Client, **changes: str):
    filled_in = {
        "email": "bert@example.com",
        "name": "Bert Berg",
        "password1": PASSWORD,
        "password2": PASSWORD,
    }
    return desk.post(f"{LIST}add/", filled_in | changes)


def as_sent(desk: Client, consultant: Consultant) -> dict:
    form = desk.get(f"{LIST}{consultant.pk}/change/").context["adminform"].form
    return {
        name: "on" if form[name].value() is True else form[name].value() for name in form.fields
    }


def errors_of(response) -> dict[str, list[str]]:
    return dict(response.context["adminform"].form.errors)


def test_new_consultant_can_work_at_once(superuser_desk):
    add(superuser_desk)

    bert = Consultant.objects.get(email="bert@example.com")
    assert (bert.slug, bert.is_staff, bert.is_superuser) == ("bert-berg", True, False)
    assert bert.booking_settings.time_zone == "UTC"
    client = Client()
    client.post("/accounts/login/", {"login": "bert@example.com", "password": PASSWORD})
    assert client.get("/admin/").status_code == 200


def test_consultants_of_one_name_get_pages_of_their_own(superuser_desk):
    add(superuser_desk)
    add(superuser_desk, email="other@example.com")

    assert Consultant.objects.get(email="other@example.com").slug == "bert-berg-2"


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        (
            {"email": "BERT@example.com"},
            {"__all__": ["There is a consultant with this e-mail address already."]},
        ),
        ({"password2": "other"}, {"password2": ["The two password fields didn’t match."]}),
        (
            {"password1": "1234", "password2": "1234"},
            {
                "password2": [
                    "This password is too short. It must contain at least 8 characters.",
                    "This password is too common.",
                    "This password is entirely numeric.",
                ]
            },
        ),
    ],
)
def test_consultant_that_cannot_be_is_told(superuser_desk, changes, errors):
    ConsultantFactory(email="bert@example.com")

    response = add(superuser_desk, **{"email": "new@example.com"} | changes)

    assert errors_of(response) == errors
    assert not Consultant.objects.filter(email="new@example.com").exists()


def test_only_a_superuser_adds_consultants(desk):
    assert add(desk).status_code == 403
    assert not Consultant.objects.filter(email="bert@example.com").exists()


def test_consultant_is_led_to_their_own_page(desk, consultant):
    assert desk.get(LIST).url == f"{LIST}{consultant.pk}/change/"


def test_consultant_changes_their_name_and_address(desk, consultant):
    desk.post(f"{LIST}{consultant.pk}/change/", {"name": "Anna B.", "slug": "anna"})

    consultant.refresh_from_db()
    assert (consultant.name, consultant.slug) == ("Anna B.", "anna")


def test_consultant_cannot_promote_themself(desk, consultant):
    ambitious = {"is_superuser": "on", "is_primary": "on", "email": "root@example.com"}

    desk.post(f"{LIST}{consultant.pk}/change/", {"name": "Anna", "slug": "anna"} | ambitious)

    stored = Consultant.objects.get(pk=consultant.pk)
    assert stored.name == "Anna"
    assert (stored.is_superuser, stored.is_primary, stored.email) == (
        False,
        False,
        consultant.email,
    )


def test_address_of_another_consultant_is_taken(desk, consultant):
    ConsultantFactory(slug="anna")

    response = desk.post(f"{LIST}{consultant.pk}/change/", {"name": "Anna", "slug": "anna"})

    assert errors_of(response) == {"slug": ["Consultant with this Slug already exists."]}


def test_booking_page_always_has_an_address(desk, consultant):
    response = desk.post(f"{LIST}{consultant.pk}/change/", {"name": "Anna", "slug": ""})

    assert errors_of(response) == {"slug": ["This field is required."]}


def test_superuser_closes_an_account(superuser_desk, consultant):
    data = as_sent(superuser_desk, consultant)
    del data["is_active"]

    superuser_desk.post(f"{LIST}{consultant.pk}/change/", data)

    consultant.refresh_from_db()
    assert consultant.is_active is False


def test_superuser_cannot_lock_themself_out(superuser_desk, superuser):
    superuser_desk.post(
        f"{LIST}{superuser.pk}/change/",
        {"email": superuser.email, "name": "Me", "slug": superuser.slug},
    )

    superuser.refresh_from_db()
    assert superuser.name == "Me"
    assert (superuser.is_active, superuser.is_staff, superuser.is_superuser) == (True, True, True)


def test_one_consultant_is_the_primary_one(superuser_desk, consultant):
    ConsultantFactory(is_primary=True)

    response = superuser_desk.post(
        f"{LIST}{consultant.pk}/change/", as_sent(superuser_desk, consultant) | {"is_primary": "on"}
    )

    assert errors_of(response) == {
        "__all__": ["Another consultant is the primary one. Change it there."]
    }


def test_consultants_are_never_deleted(superuser_desk, consultant):
    """Their bookings would go with them."""
    response = superuser_desk.post(f"{LIST}{consultant.pk}/delete/", {"post": "yes"})

    assert response.status_code == 403
    assert Consultant.objects.filter(pk=consultant.pk).exists()


def test_superuser_sets_a_password(superuser_desk, consultant):
    superuser_desk.post(
        f"{LIST}{consultant.pk}/password/",
        {"password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"},
    )

    consultant.refresh_from_db()
    assert consultant.check_password(PASSWORD)


def test_nobody_sets_a_password_without_the_old_one(desk, consultant):
    response = desk.post(
        f"{LIST}{consultant.pk}/password/",
        {"password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"},
    )

    assert response.status_code == 403
    consultant.refresh_from_db()
    assert not consultant.check_password(PASSWORD)


def test_no_password_hash_is_shown_or_asked_for(superuser_desk, consultant):
    consultant.set_password(PASSWORD)
    consultant.save()

    page = superuser_desk.get(f"{LIST}{consultant.pk}/change/").content.decode()
    guessed = superuser_desk.get(f"{LIST}?password__startswith=md5")

    assert consultant.password not in page
    assert guessed.status_code == 400
