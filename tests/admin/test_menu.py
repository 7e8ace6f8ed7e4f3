"""The desk's menu: a consultant's words and pages, and nothing of the packages underneath."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group

pytestmark = pytest.mark.django_db


def menu(client) -> dict[str, list[str]]:
    sections = client.get("/admin/").context["available_apps"]
    return {one["name"]: [page["name"] for page in one["models"]] for one in sections}


def test_menu_is_in_a_consultants_words(desk):
    assert menu(desk) == {
        "Bookings": ["Bookings", "Meeting types"],
        "Your hours": ["Weekly hours", "Exceptions", "Blocked dates", "Booking settings"],
        "Calendars": ["Connected calendars", "Synced events", "Sync logs"],
        "Webhooks": ["Webhooks", "Webhook deliveries"],
        "People": ["Consultants"],
    }


def test_menu_leads_to_every_page(desk):
    models = {
        page["model"]
        for section in desk.get("/admin/").context["available_apps"]
        for page in section["models"]
    }

    assert models == set(admin.site._registry)


def test_pages_of_other_packages_are_not_there(superuser_desk):
    assert not admin.site.is_registered(Group)
    for address in ("auth/group", "django_q/schedule", "account/emailaddress"):
        assert superuser_desk.get(f"/admin/{address}/").status_code == 404


@pytest.mark.parametrize("app", ["connections", "syncing", "availability", "bookings"])
def test_pages_of_apps_lead_to_the_desk(desk, app):
    assert desk.get(f"/admin/{app}/").url == "/admin/"


def test_times_are_named_with_their_zone(desk):
    assert "Times are in Europe/Berlin." in desk.get("/admin/").content.decode()


def test_pages_for_invitees_do_not_look_at_the_session(desk, django_assert_num_queries):
    with django_assert_num_queries(0):
        desk.get("/healthz")
