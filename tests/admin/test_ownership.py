"""A consultant meets their own rows alone, on every page that the desk has or will have.

The tests run over the admin's registry: a model that is registered without an example row here
fails ``test_every_page_of_the_desk_is_tested``.
"""

from collections.abc import Callable
from datetime import date

import pytest
from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.db.models import ForeignKey, Model
from django.forms import model_to_dict
from django.test import Client
from django.urls import reverse

from availability.models import (
    AvailabilityException,
    AvailabilityRule,
    BlockedDate,
    BookingSettings,
    MeetingType,
)
from bookings.endpoints import WebhookDelivery, WebhookEndpoint
from bookings.models import Booking
from connections.models import CalendarConnection, Consultant
from syncing.models import SyncedEvent, SyncLog
from tests.factories import (
    AvailabilityExceptionFactory,
    AvailabilityRuleFactory,
    BlockedDateFactory,
    BookingFactory,
    ConnectionFactory,
    ConsultantFactory,
    MeetingTypeFactory,
    SyncedEventFactory,
)

pytestmark = pytest.mark.django_db

OWN, FOREIGN = "Own-mark", "Foreign-mark"
TODAY = date(2027, 3, 1)


def booking(user: Consultant, mark: str) -> Booking:
    meeting_type = MeetingTypeFactory(user=user, title=mark)
    return BookingFactory(user=user, invitee_name=mark, title=mark, meeting_type=meeting_type)


def event(user: Consultant, mark: str) -> SyncedEvent:
    return SyncedEventFactory(connection__user=user, connection__calendar_name=mark, title=mark)


def log(user: Consultant, mark: str) -> SyncLog:
    connection = ConnectionFactory(user=user, calendar_name=mark)
    return SyncLog.objects.create(connection=connection, operation=mark, error_message=mark)


def webhook(user: Consultant, mark: str) -> WebhookEndpoint:
    return WebhookEndpoint.objects.create(user=user, url=f"https://example.com/{mark}")


def delivery(user: Consultant, mark: str) -> WebhookDelivery:
    endpoint = webhook(user, mark)
    booking(user, mark)
    return WebhookDelivery.objects.get(endpoint=endpoint)


def settings(user: Consultant, mark: str) -> BookingSettings:
    return BookingSettings.objects.get(user=user)


# A row of a consultant whose name is the mark; where the row has a text of its own, that too.
EXAMPLES: dict[type[Model], Callable[[Consultant, str], Model]] = {
    AvailabilityException: lambda user, mark: AvailabilityExceptionFactory(
        user=user, start_date=TODAY, reason=mark
    ),
    AvailabilityRule: lambda user, mark: AvailabilityRuleFactory(user=user, valid_from=TODAY),
    BlockedDate: lambda user, mark: BlockedDateFactory(
        user=user, start_date=TODAY, end_date=TODAY, reason=mark
    ),
    Booking: booking,
    BookingSettings: settings,
    CalendarConnection: lambda user, mark: ConnectionFactory(user=user, calendar_name=mark),
    Consultant: lambda user, mark: user,
    MeetingType: lambda user, mark: MeetingTypeFactory(user=user, title=mark),
    SyncLog: log,
    SyncedEvent: event,
    WebhookDelivery: delivery,
    WebhookEndpoint: webhook,
}
REGISTERED = sorted(admin.site._registry, key=lambda model: model._meta.label)
every_page = pytest.mark.parametrize("model", REGISTERED, ids=lambda model: model._meta.label)


def page(name: str, row: type[Model] | Model, *args) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{name}", args=args)


@pytest.fixture
def reader() -> Consultant:
    return ConsultantFactory(name=OWN)


@pytest.fixture
def desk(client: Client, reader: Consultant) -> Client:
    client.force_login(reader)
    return client


@pytest.fixture
def superuser_desk() -> Client:
    client = Client()
    client.force_login(ConsultantFactory(is_superuser=True))
    return client


@pytest.fixture
def foreign(model: type[Model]) -> Model:
    return EXAMPLES[model](ConsultantFactory(name=FOREIGN), FOREIGN)


@pytest.fixture
def own(model: type[Model], reader: Consultant) -> Model:
    return EXAMPLES[model](reader, OWN)


def text(client: Client, address: str) -> str:
    return client.get(address, follow=True).content.decode()


def stored(row: Model) -> list[tuple]:
    return list(type(row).objects.filter(pk=row.pk).values_list())


def test_every_page_of_the_desk_is_tested():
    assert set(REGISTERED) == set(EXAMPLES)


# --- seeing --------------------------------------------------------------------------------------


@every_page
def test_list_shows_own_rows_alone(model, desk, own, foreign):
    page_text = text(desk, page("changelist", model))

    assert str(own.pk) in page_text
    assert str(foreign.pk) not in page_text
    assert FOREIGN not in page_text


@every_page
def test_superuser_reaches_every_row(model, superuser_desk, foreign):
    """Otherwise what consultants do not see would prove nothing."""
    listed = text(superuser_desk, page("changelist", model) + f"?consultant={owner(foreign).pk}")

    assert str(foreign.pk) in listed
    assert superuser_desk.get(page("change", foreign, foreign.pk)).status_code == 200


@every_page
@pytest.mark.parametrize(
    "query",
    [
        "q={begin}",
        "consultant={owner}",
        "user__id__exact={owner}",
        "user={owner}",
        "connection__user__id__exact={owner}",
        "connection__id__exact={connection}",
        "id__exact={pk}",
        "_popup=1&_to_field=id",
        "all=",
    ],
)
def test_no_question_to_a_list_brings_foreign_rows(model, query, desk, foreign):
    question = query.format(
        begin=FOREIGN[:-1],  # the page repeats what was searched for
        owner=owner(foreign).pk,
        pk=foreign.pk,
        connection=getattr(foreign, "connection_id", foreign.pk),
    )

    page_text = text(desk, f"{page('changelist', model)}?{question}")

    assert FOREIGN not in page_text
    assert page("change", foreign, foreign.pk) not in page_text


@every_page
@pytest.mark.parametrize("name", ["change", "history", "delete"])
def test_guessed_id_leads_nowhere(model, name, desk, foreign):
    before = stored(foreign)
    address = page(name, foreign, foreign.pk)

    for response in (
        desk.get(address),
        desk.post(address, {"post": "yes"} | filled_in(foreign)),
    ):
        assert response.status_code in (302, 403, 404)
        assert FOREIGN not in response.content.decode()

    assert FOREIGN not in text(desk, address)
    assert stored(foreign) == before


@every_page
def test_own_row_opens(model, desk, own):
    assert desk.get(page("change", own, own.pk)).status_code == 200


# --- touching ------------------------------------------------------------------------------------


@every_page
def test_no_action_reaches_foreign_rows(model, desk, foreign, rf, reader):
    model_admin = admin.site.get_model_admin(model)
    request = rf.get("/")
    request.user = reader
    before = stored(foreign)

    for action in [*model_admin.get_actions(request), "delete_selected"]:
        chosen = {"action": action, "_selected_action": [str(foreign.pk)], "post": "yes"}
        desk.post(page("changelist", model), chosen)

    assert stored(foreign) == before


@every_page
def test_forms_offer_no_foreign_rows_to_choose_from(model, desk, own):
    for other in EXAMPLES.values():
        other(ConsultantFactory(name=FOREIGN), FOREIGN)

    assert FOREIGN not in text(desk, page("add", model))
    assert FOREIGN not in text(desk, page("change", own, own.pk))


@every_page
def test_new_row_belongs_to_who_adds_it(model, desk, reader, own):
    other = ConsultantFactory()
    theirs = model.objects.filter(**{owner_path(model): other.pk}).count()

    desk.post(page("add", model), filled_in(own) | {"user": other.pk, "slug": "another"})

    assert model.objects.filter(**{owner_path(model): other.pk}).count() == theirs


@every_page
def test_row_cannot_be_given_to_another_consultant(model, desk, own):
    other = ConsultantFactory()
    theirs = model.objects.filter(**{owner_path(model): other.pk}).count()

    desk.post(page("change", own, own.pk), filled_in(own) | {"user": other.pk})

    assert model.objects.filter(**{owner_path(model): other.pk}).count() == theirs


@every_page
def test_no_look_up_names_foreign_rows(model, desk, foreign):
    """Autocomplete asks for a field and a term; a relation of any registered model may be named."""
    fields = [field for field in model._meta.get_fields() if isinstance(field, ForeignKey)]
    for field in fields:
        asked = {
            "app_label": model._meta.app_label,
            "model_name": model._meta.model_name,
            "field_name": field.name,
            "term": FOREIGN,
        }
        response = desk.get(reverse("admin:autocomplete"), asked)
        assert response.status_code == 403 or response.json()["results"] == []


@every_page
def test_short_cut_by_content_type_leads_nowhere(model, desk, foreign):
    kind = ContentType.objects.get_for_model(model)

    response = desk.get(reverse("admin:view_on_site", args=[kind.pk, foreign.pk]))

    assert response.status_code == 404
    assert FOREIGN not in response.content.decode()


@every_page
def test_consultant_whose_access_is_closed_is_sent_away(model, desk, reader, own):
    Consultant.objects.filter(pk=reader.pk).update(is_staff=False)

    for address in (page("changelist", model), page("change", own, own.pk)):
        assert desk.get(address).url.startswith("/admin/login/")


@every_page
def test_who_has_no_desk_has_no_permission(model, rf, own):
    request = rf.get("/")
    request.user = ConsultantFactory(is_staff=False, is_superuser=True)
    model_admin = admin.site.get_model_admin(model)

    assert not model_admin.has_module_permission(request)
    assert not any(model_admin.get_model_perms(request).values())
    assert not model_admin.has_view_permission(request, own)
    assert not model_admin.has_change_permission(request, own)


def owner_path(model: type[Model]) -> str:
    return admin.site.get_model_admin(model).owner


def owner(row: Model) -> Consultant:
    for step in owner_path(type(row)).split("__"):
        row = row if step == "pk" else getattr(row, step)
    return row


def filled_in(row: Model) -> dict[str, str]:
    """The row as a form would send it."""
    values = model_to_dict(row).items()
    return {name: value for name, value in values if value is not None and value is not False}
