"""Connected calendars, what was read from them, and the story of each sync, on the desk."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from connections.models import CalendarConnection
from syncing.models import SyncedEvent, SyncLog
from tests.factories import BookingFactory, ConnectionFactory, SyncedEventFactory

pytestmark = pytest.mark.django_db

LIST = "/admin/connections/calendarconnection/"
EVENTS = "/admin/syncing/syncedevent/"
LOGS = "/admin/syncing/synclog/"
TEN = datetime(2027, 7, 5, 8, tzinfo=UTC)  # in Berlin
LATER = datetime(2100, 1, 1, tzinfo=UTC)
TICKED = dict.fromkeys(("is_active", "blocks_time", "tentative_blocks", "stores_titles"), "on")


def save(desk: Client, row: CalendarConnection, **changes: str):
    """Send the row's form with everything ticked but what ``changes`` say; '' is not ticked."""
    sent = {name: value for name, value in (TICKED | changes).items() if value}
    return desk.post(f"{LIST}{row.pk}/change/", sent)


def act(desk: Client, action: str, *rows: CalendarConnection) -> str:
    chosen = {"action": action, "_selected_action": [str(row.pk) for row in rows]}
    return desk.post(LIST, chosen, follow=True).content.decode()


def errors_of(response) -> dict[str, list[str]]:
    return dict(response.context["adminform"].form.errors)


# --- calendars -----------------------------------------------------------------------------------


def test_list_says_how_each_calendar_is_doing(desk, consultant):
    now = timezone.now()
    ConnectionFactory(user=consultant, calendar_name="Fine", next_sync_at=LATER)
    ConnectionFactory(user=consultant, calendar_name="New", last_synced_at=None, next_sync_at=now)
    ConnectionFactory(
        user=consultant,
        calendar_name="Broken",
        sync_status="error",
        sync_error="The server was silent for 10 seconds.",
        next_sync_at=LATER,
    )

    page = desk.get(LIST).content.decode()

    assert "Up to date." in page
    assert "Waiting for its first sync." in page
    assert "The server was silent for 10 seconds. The next try is at 01:00." in page
    assert "/admin/calendars/connect/" in page


def test_calendars_are_added_by_connecting_and_removed_by_disconnecting(desk, consultant):
    row = ConnectionFactory(user=consultant)

    assert desk.get(f"{LIST}add/").status_code == 403
    assert desk.post(f"{LIST}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    page = desk.get(f"{LIST}{row.pk}/change/").content.decode()
    for name in ("choose", "reconnect", "disconnect"):
        assert reverse(f"connections:{name}", args=[row.pk]) in page


def test_syncing_now_is_for_calendars_that_can_be_read(desk, consultant):
    good = ConnectionFactory(user=consultant, next_sync_at=LATER)
    refused = ConnectionFactory(
        user=consultant, next_sync_at=None, reconnect_needed_at=timezone.now()
    )

    page = act(desk, "sync_now", good, refused)

    assert "Read within the next seconds: 1 of 2 chosen." in page
    assert "Not read: 1, because" in page
    assert list(CalendarConnection.objects.due(timezone.now())) == [good]
    assert not CalendarConnection.objects.filter(full_sync_requested=True).exists()


def test_full_resync_reads_everything_anew(desk, consultant):
    row = ConnectionFactory(user=consultant, next_sync_at=LATER)
    other = ConnectionFactory(user=consultant, next_sync_at=LATER)

    act(desk, "full_resync", row)

    assert CalendarConnection.objects.get(full_sync_requested=True) == row
    assert list(CalendarConnection.objects.due(timezone.now())) == [row]
    other.refresh_from_db()
    assert other.next_sync_at == LATER


@pytest.mark.parametrize("name", ["blocks_time", "tentative_blocks", "stores_titles", "is_active"])
def test_purpose_of_a_calendar_is_changed(desk, consultant, name):
    row = ConnectionFactory(user=consultant)

    save(desk, row, **{name: ""})

    row.refresh_from_db()
    assert getattr(row, name) is False


def test_changed_calendar_is_read_soon(desk, consultant):
    row = ConnectionFactory(user=consultant, next_sync_at=LATER)

    save(desk, row, stores_titles="")

    assert list(CalendarConnection.objects.due(timezone.now())) == [row]


def test_saving_never_undoes_what_a_sync_wrote_meanwhile(desk, consultant, monkeypatch):
    """The form holds the row as it was read; only what the consultant chose is written."""
    row = ConnectionFactory(user=consultant, sync_token="old")
    form_is_valid = CalendarConnection.full_clean

    def sync_in_between(self, *args, **kwargs):
        CalendarConnection.objects.filter(pk=row.pk).update(sync_token="new")
        return form_is_valid(self, *args, **kwargs)

    monkeypatch.setattr(CalendarConnection, "full_clean", sync_in_between)
    save(desk, row, blocks_time="")

    row.refresh_from_db()
    assert (row.sync_token, row.blocks_time) == ("new", False)


def test_another_calendar_receives_bookings(desk, consultant):
    old = ConnectionFactory(user=consultant, is_primary=True)
    new = ConnectionFactory(user=consultant)
    foreign = ConnectionFactory(is_primary=True)

    save(desk, new, is_primary="on")

    primary = CalendarConnection.objects.filter(is_primary=True)
    assert set(primary) == {new, foreign}
    assert old not in primary


@pytest.mark.parametrize(
    ("fields", "changes", "errors"),
    [
        (
            {"is_primary": True},
            {"is_primary": ""},
            {
                "is_primary": [
                    "Bookings are written to this calendar. Let another one receive bookings first."
                ]
            },
        ),
        (
            {"is_primary": True},
            {"is_primary": "on", "is_active": ""},
            {
                "is_active": [
                    "Bookings are written to this calendar. Let another one receive bookings first."
                ]
            },
        ),
        (
            {},
            {"is_primary": "on", "is_active": ""},
            {"is_primary": ["Only a connected calendar can receive bookings."]},
        ),
        (
            {"is_writable": False},
            {"is_primary": "on"},
            {"is_primary": ["This calendar can be read, but not written to."]},
        ),
    ],
)
def test_bookings_always_have_a_calendar_that_takes_them(desk, consultant, fields, changes, errors):
    row = ConnectionFactory(user=consultant, **fields)

    response = save(desk, row, **changes)

    assert errors_of(response) == errors
    stored = CalendarConnection.objects.get()
    assert (stored.is_primary, stored.is_active) == (fields.get("is_primary", False), True)


def test_no_secret_and_no_token_is_on_any_page(desk, superuser_desk, consultant):
    row = ConnectionFactory(
        user=consultant,
        access_token="an access token",
        refresh_token="a refresh token",
        sync_token="https://provider.example.com/delta?token=opens-the-calendar",
        app_specific_password="abcd-efgh",
    )
    secrets = ["access token", "refresh token", "opens-the-calendar", "abcd-efgh"]
    secrets += [
        getattr(row, name).ciphertext if hasattr(getattr(row, name), "ciphertext") else name
        for name in ("access_token", "refresh_token", "app_specific_password")
    ]

    pages = [LIST, f"{LIST}{row.pk}/change/", f"{LIST}{row.pk}/history/"]
    shown = [
        client.get(page).content.decode() for client in (desk, superuser_desk) for page in pages
    ]
    shown.append(desk.get("/admin/").content.decode())

    assert [page for page in shown if row.calendar_name not in page] == []
    assert [page for page in shown if any(secret in page for secret in secrets)] == []


def test_superuser_filters_by_consultant(superuser_desk, consultant):
    row = ConnectionFactory(user=consultant)
    other = ConnectionFactory()

    def listed(consultant: str) -> set[CalendarConnection]:
        page = superuser_desk.get(LIST, {"consultant": consultant})
        return set(page.context["cl"].result_list)

    assert listed(str(consultant.pk)) == {row}
    assert listed("nonsense") == {row, other}


# --- events --------------------------------------------------------------------------------------


def test_events_are_listed_in_the_consultants_time(desk, consultant):
    connection = ConnectionFactory(user=consultant, calendar_name="Work")
    SyncedEventFactory(connection=connection, start_time=TEN, title="Workshop")
    SyncedEventFactory(
        connection=connection, start_time=TEN, end_time=TEN + timedelta(days=1), title="Journey"
    )
    SyncedEventFactory(
        connection=connection,
        title="Holiday",
        is_all_day=True,
        start_time=TEN,
        start_date=date(2027, 7, 5),
        end_date=date(2027, 7, 6),
    )
    SyncedEventFactory(connection=connection, start_time=TEN, title=None)

    page = desk.get(EVENTS).content.decode()

    assert "Mon 5 Jul 2027, 10:00 – 11:00" in page
    assert "Mon 5 Jul 2027, 10:00 – Tue 6 Jul 2027, 10:00" in page
    assert "Mon 5 Jul 2027, all day" in page
    assert "Busy" in page
    assert "not read in full" not in page


def test_event_that_was_not_read_in_full_says_so(desk, consultant):
    event = SyncedEventFactory(connection__user=consultant, title="Odd", problem="No start.")

    assert "Odd (not read in full)" in desk.get(EVENTS).content.decode()
    assert "No start." in desk.get(f"{EVENTS}{event.pk}/change/").content.decode()


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("when=past", {"past"}),
        ("when=week", {"odd"}),
        ("when=coming", {"odd", "free"}),
        ("problem=yes", {"odd"}),
        ("problem=no", {"past", "free"}),
        ("transparency=transparent", {"free"}),
        ("q=fre", {"free"}),
        ("when=nonsense", {"past", "odd", "free"}),
    ],
)
def test_events_are_filtered(desk, consultant, question, found):
    connection = ConnectionFactory(user=consultant)
    now = timezone.now()
    for title, days, fields in (
        ("past", -1, {}),
        ("odd", 1, {"problem": "Cannot be read."}),
        ("free", 8, {"transparency": "transparent"}),
    ):
        start = now + timedelta(days=days)
        SyncedEventFactory(connection=connection, start_time=start, title=title, **fields)

    rows = desk.get(f"{EVENTS}?{question}").context["cl"].result_list

    assert {row.title for row in rows} == found


def test_events_are_filtered_by_calendar(desk, consultant):
    work, private = (
        SyncedEventFactory(connection__user=consultant, connection__calendar_name=name)
        for name in ("Work", "Private")
    )

    listed = desk.get(f"{EVENTS}?connection__id__exact={work.connection_id}").context["cl"]

    assert list(listed.result_list) == [work]
    offered = next(spec for spec in listed.filter_specs if spec.title == "calendar")
    assert {name for _, name in offered.lookup_choices} == {"Work", "Private"}
    assert private.connection_id in dict(offered.lookup_choices)


# --- logs ----------------------------------------------------------------------------------------


@pytest.fixture
def logs(consultant) -> dict[str, SyncLog]:
    connection = ConnectionFactory(user=consultant, calendar_name="Work")
    done = SyncLog.objects.create(
        connection=connection,
        operation="full_sync",
        status="completed",
        events_processed=12,
        events_created=3,
        events_updated=2,
        events_deleted=1,
        duration_ms=840,
        metadata={"problems": [{"object": "/work/odd.ics", "detail": "<b>no start</b>"}]},
    )
    failed = SyncLog.objects.create(
        connection=connection,
        operation="incremental_sync",
        status="failed",
        error_message="The server answered with error 503.",
    )
    SyncLog.objects.filter(pk=failed.pk).update(created_at=timezone.now() - timedelta(days=40))
    return {"done": done, "failed": failed}


def test_logs_tell_what_each_sync_did(desk, logs):
    page = desk.get(LOGS).content.decode()

    assert "12 read: 3 new, 2 changed, 1 gone" in page
    assert "The server answered with error 503." in page
    assert "full_sync" not in page.replace("?operation=full_sync", "")
    assert 'class="field-what">full<' in page
    assert 'class="field-what">changes<' in page
    assert "840 ms" in page


def test_log_names_the_objects_that_could_not_be_read(desk, logs):
    page = desk.get(f"{LOGS}{logs['done'].pk}/change/").content.decode()

    assert "<p>/work/odd.ics: &lt;b&gt;no start&lt;/b&gt;</p>" in page


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("status__exact=failed", "failed"),
        ("operation=full_sync", "done"),
        ("operation=incremental_sync", "failed"),
        ("q=503", "failed"),
    ],
)
def test_logs_are_filtered(desk, logs, question, found):
    assert list(desk.get(f"{LOGS}?{question}").context["cl"].result_list) == [logs[found]]


def test_logs_are_filtered_by_date(desk, logs):
    week_ago = (timezone.now() - timedelta(days=7)).isoformat()

    rows = desk.get(LOGS, {"created_at__gte": week_ago}).context["cl"].result_list

    assert list(rows) == [logs["done"]]


def test_log_of_a_disconnected_calendar_is_the_superusers_alone(desk, superuser_desk, logs):
    CalendarConnection.objects.all().delete()

    assert desk.get(LOGS).context["cl"].result_count == 0
    page = superuser_desk.get(LOGS).content.decode()
    assert "disconnected since" in page
    assert "12 read" in page


# --- looked at, not touched ----------------------------------------------------------------------


@pytest.mark.parametrize("as_superuser", [False, True])
@pytest.mark.parametrize("model", [SyncedEvent, SyncLog, "booking"])
def test_what_calsync_writes_itself_is_read_only(
    desk, superuser_desk, consultant, logs, model, as_superuser
):
    client = superuser_desk if as_superuser else desk
    if model == "booking":
        row = BookingFactory(user=consultant)
    elif model is SyncLog:
        row = logs["done"]
    else:
        row = SyncedEventFactory(connection__user=consultant)
    base = f"/admin/{row._meta.app_label}/{row._meta.model_name}/"
    before = list(type(row).objects.filter(pk=row.pk).values())

    assert client.get(f"{base}{row.pk}/change/").status_code == 200
    assert client.post(f"{base}{row.pk}/change/", {"status": "failed"}).status_code == 403
    assert client.post(f"{base}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    assert client.get(f"{base}add/").status_code == 403
    client.post(
        base, {"action": "delete_selected", "_selected_action": [str(row.pk)], "post": "yes"}
    )
    assert list(type(row).objects.filter(pk=row.pk).values()) == before
