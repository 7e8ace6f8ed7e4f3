"""Connecting calendars: an account's sign-in, which of its calendars count, and parting from it.

The provider is asked first, outside any transaction, and nothing is stored when it refuses. A
connected account is a row for each of its calendars, all with the same (encrypted) secret; rows of
calendars that the consultant has not chosen are inactive. Connecting makes rows due, no more: the
sweeper hands them to a worker within seconds.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction

from connections.adapters import adapter_for
from connections.fields import Secret
from connections.models import CalendarConnection, Consultant, SyncStatus
from connections.providers.base import Credentials, RemoteCalendar

CHOICES = ["is_active", "blocks_time", "tentative_blocks", "stores_titles"]


def list_calendars(provider: str, credentials: Credentials) -> list[RemoteCalendar]:
    """The account's calendars as the provider lists them now, its default one first.

    Raises ``ProviderError`` with a text for the consultant.
    """
    calendars = adapter_for(provider, credentials).calendars()
    return sorted(calendars, key=lambda one: (not one.is_default, one.name.casefold()))


@transaction.atomic
def remember_account(
    consultant: Consultant,
    provider: str,
    credentials: Credentials,
    calendars: Sequence[RemoteCalendar],
    *,
    now: datetime,
) -> list[CalendarConnection]:
    """Store a sign-in that works, on a row for each of ``calendars``, and return these rows.

    Known rows keep what the consultant chose for them; new ones are inactive until
    ``choose_calendars``. Every row of the account takes the new secret and needs no reconnect any
    more; the active ones are due. A calendar reached by another sign-in is now reached by this one.
    """
    sign_in = {"provider_email": credentials.username, "caldav_url": credentials.server_url}
    rows = [_remember_calendar(consultant, provider, sign_in, one) for one in calendars]
    account = CalendarConnection.objects.filter(user=consultant, provider=provider, **sign_in)
    account.filter(sync_status=SyncStatus.ERROR).update(
        sync_status=SyncStatus.PENDING, sync_error=None
    )
    account.update(
        app_specific_password=Secret.of(credentials.password),
        failure_count=0,
        access_refused_at=None,
        reconnect_needed_at=None,
    )
    account.request_sync(now)
    return rows


def _remember_calendar(
    consultant: Consultant, provider: str, sign_in: dict[str, str], calendar: RemoteCalendar
) -> CalendarConnection:
    facts = sign_in | {
        "calendar_name": calendar.name,
        "is_writable": calendar.is_writable,
        "time_zone": calendar.time_zone,
    }
    row, _ = CalendarConnection.objects.update_or_create(
        user=consultant,
        provider=provider,
        calendar_id=calendar.calendar_id,
        defaults=facts,
        create_defaults=facts | {"is_active": False, "blocks_time": calendar.blocks_time},
    )
    return row


@transaction.atomic
def choose_calendars(
    rows: Iterable[CalendarConnection],
    *,
    destination: CalendarConnection | None = None,
    now: datetime,
) -> None:
    """Save what the consultant chose for ``rows`` (``CHOICES``); the active ones become due.

    ``destination`` becomes the calendar that receives bookings; without one that stays as it is.
    """
    for row in rows:
        row.save(update_fields=CHOICES)
    CalendarConnection.objects.filter(pk__in=[row.pk for row in rows]).request_sync(now)
    if destination:
        destination.receive_bookings()


def disconnect(connection: CalendarConnection) -> None:
    """Forget the whole account: its secret, its calendars and what was read from them.

    Rows are deleted, not switched off: who leaves expects nothing to be kept. The calendars
    themselves are left as they are, with the events of bookings that were written to them.
    """
    CalendarConnection.objects.of_account(connection).delete()
