"""Connecting calendars: an account's sign-in, which of its calendars count, and parting from it.

The provider is asked first, outside any transaction, and nothing is stored when it refuses. A
connected account is a row for each of its calendars, all with the same (encrypted) secret; rows of
calendars that the consultant has not chosen are inactive. Connecting makes rows due, no more: the
sweeper hands them to a worker within seconds.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from connections import departures
from connections.adapters import adapter_for
from connections.fields import Secret
from connections.models import CalendarConnection, Consultant, SyncStatus
from connections.providers.base import Credentials, RemoteCalendar, Tokens
from connections.push import see_to_watches
from connections.token_sources import TOKEN_SOURCES

CHOICES = ["is_active", "blocks_time", "tentative_blocks", "stores_titles"]


class NoRefreshToken(Exception):
    """The access would end within the hour: no refresh token came, and none is known."""


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
    tokens: Tokens | None = None,
    now: datetime,
) -> list[CalendarConnection]:
    """Store a sign-in that works, on a row for each of ``calendars``, and return these rows.

    The secret is the password, or the ``tokens`` where a consent gave some; a refresh token that is
    good stays if no new one came. Raises ``NoRefreshToken`` if there is neither.

    Known rows keep what the consultant chose for them; new ones are inactive until
    ``choose_calendars``. Every row of the account takes the new secret and needs no reconnect any
    more; the active ones are due. A calendar reached by another sign-in is now reached by this one,
    unless it is shared between two accounts and the other one has it by better right.
    """
    sign_in = _sign_in(credentials)
    own = [one for one in calendars if not _is_anothers(consultant, provider, sign_in, one)]
    account = CalendarConnection.objects.filter(user=consultant, provider=provider, **sign_in)
    secrets = _secrets(credentials, tokens, account)
    rows = [_remember_calendar(consultant, provider, sign_in, one) for one in own]
    account.filter(sync_status=SyncStatus.ERROR).update(
        sync_status=SyncStatus.PENDING, sync_error=None
    )
    account.update(
        **secrets,
        failure_count=0,
        access_refused_at=None,
        reconnect_needed_at=None,
        reconnect_mailed_at=None,
        reconnect_mail_not_before=None,
        reconnect_mail_tries=0,
    )
    # Losing access ends watches as well: those that were open are seen to at once.
    account.exclude(next_watch_at=None).update(next_watch_at=now)
    account.request_sync(now)
    return rows


def is_another(
    consultant: Consultant,
    provider: str,
    credentials: Credentials,
    calendars: Sequence[RemoteCalendar],
) -> bool:
    """Whether an account of the same name is connected that shares no calendar with this one."""
    known = CalendarConnection.objects.filter(
        user=consultant, provider=provider, **_sign_in(credentials)
    )
    ids = [calendar.calendar_id for calendar in calendars]
    return known.exists() and not known.filter(calendar_id__in=ids).exists()


def _sign_in(credentials: Credentials) -> dict[str, str | None]:
    """What the rows of one account have in common."""
    return {
        "provider_email": credentials.username,
        "caldav_url": credentials.server_url or None,
    }


def _secrets(
    credentials: Credentials, tokens: Tokens | None, account: QuerySet
) -> dict[str, Secret | datetime]:
    if tokens is None:
        return {"app_specific_password": Secret.of(credentials.password)}
    return {
        "access_token": Secret.of(tokens.access_token),
        "token_expires_at": tokens.expires_at,
        "refresh_token": _refresh_token(tokens, account),
    }


def _refresh_token(tokens: Tokens, account: QuerySet) -> Secret:
    if tokens.refresh_token:
        return Secret.of(tokens.refresh_token)
    good = account.filter(reconnect_needed_at=None).exclude(refresh_token=None).first()
    if good is None:
        raise NoRefreshToken
    return good.refresh_token


def _is_anothers(
    consultant: Consultant,
    provider: str,
    sign_in: dict[str, str | None],
    calendar: RemoteCalendar,
) -> bool:
    """Whether the consultant's other account that has the calendar may do as much with it.

    Only of accounts that are consented to: one with a password may have got another name.
    """
    if provider not in TOKEN_SOURCES or calendar.is_default:
        return False
    others = CalendarConnection.objects.filter(
        user=consultant,
        provider=provider,
        calendar_id=calendar.calendar_id,
        reconnect_needed_at=None,
    ).exclude(**sign_in)
    return (others.filter(is_writable=True) if calendar.is_writable else others).exists()


def _remember_calendar(
    consultant: Consultant,
    provider: str,
    sign_in: dict[str, str | None],
    calendar: RemoteCalendar,
) -> CalendarConnection:
    facts = sign_in | {
        "calendar_name": calendar.name,
        "is_writable": calendar.is_writable,
        "time_zone": calendar.time_zone,
    }
    identity = {"user": consultant, "provider": provider, "calendar_id": calendar.calendar_id}
    # How far a calendar was read is told to the sign-in that asked.
    CalendarConnection.objects.filter(**identity).exclude(**sign_in).update(sync_token=None)
    row, _ = CalendarConnection.objects.update_or_create(
        **identity,
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

    So do the watches of those that were switched on or off.
    ``destination`` becomes the calendar that receives bookings; without one that stays as it is.
    """
    stored = CalendarConnection.objects.filter(pk__in=[row.pk for row in rows])
    were_active = dict(stored.values_list("pk", "is_active"))
    for row in rows:
        row.save(update_fields=CHOICES)
    stored.request_sync(now)
    switched = [row.pk for row in rows if row.is_active != were_active[row.pk]]
    see_to_watches(CalendarConnection.objects.filter(pk__in=switched), now=now)
    if destination:
        destination.receive_bookings()


@transaction.atomic
def disconnect(connection: CalendarConnection, *, now: datetime) -> bool:
    """Forget the whole account: its secret, its calendars and what was read from them.

    Rows are deleted, not switched off: who leaves expects nothing to be kept. The calendars
    themselves are left as they are, with the events of bookings that were written to them.
    A worker then tells the provider. False where calsync is still allowed there all the same.
    """
    departures.remember(connection, now=now)
    CalendarConnection.objects.of_account(connection).delete()
    return connection.provider not in TOKEN_SOURCES or departures.can_be_revoked(connection)
