"""What a notification means for the rows of its watch, once it is known to be the provider's.

A notification never says what changed, and may be forged, lost or repeated: it makes rows due, no
more, and a poll stands behind it.
"""

from collections.abc import Callable, Iterable
from datetime import datetime

from django.db import connection as database
from django.db import transaction
from django.db.models import DateTimeField, Q
from django.db.models.functions import Greatest
from django.utils.crypto import constant_time_compare

from connections.due_rows import CLAIM
from connections.models import CalendarConnection, CalendarConnectionQuerySet
from connections.providers.base import CHANGED, HELLO, LOST, MISSED, RENEW, Notification
from connections.push import NO_WATCH, PUSH

LONGEST_WAIT_MS = 1000  # for a row; providers want their answer within three seconds


def accept(provider: str, notifications: Iterable[Notification], *, now: datetime) -> bool:
    """Let those take effect that carry the secret of a watch of ours. False: there was none.

    The first call of a new watch may come before the watch is stored; it has no effect, and is
    taken from anybody.
    """
    distinct = set(notifications)
    watched = _watched(provider, {one.watch_id for one in distinct})
    accepted = False
    for one in distinct:
        rows = [row for row in watched if _is_from(one, row)]
        if rows:
            _take_effect(one, rows, now=now)
        accepted = accepted or bool(rows) or one.meaning == HELLO
    return accepted


def _watched(provider: str, watch_ids: set[str]) -> list[CalendarConnection]:
    by_id = Q(webhook_channel_id__in=watch_ids) | Q(webhook_subscription_id__in=watch_ids)
    return list(CalendarConnection.objects.active().filter(by_id, provider=provider))


def _is_from(notification: Notification, row: CalendarConnection) -> bool:
    """Raises ``SecretUnreadable``."""
    ids = {row.webhook_channel_id, row.webhook_subscription_id}
    if notification.watch_id not in ids or row.webhook_secret is None:
        return False
    knows_resource = notification.resource_id in (None, row.webhook_resource_id)
    knows_secret = constant_time_compare(notification.secret, row.webhook_secret.reveal())
    return knows_secret and knows_resource


@transaction.atomic
def _take_effect(
    notification: Notification, rows: Iterable[CalendarConnection], *, now: datetime
) -> None:
    """Raises ``OperationalError`` where a large sync is being written: the provider calls again."""
    by_key = CalendarConnection.objects.filter(pk__in=[row.pk for row in rows])
    with database.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = {LONGEST_WAIT_MS}")
    list(by_key.select_for_update().order_by("pk"))
    EFFECTS[notification.meaning](by_key, now)


def _changed(rows: CalendarConnectionQuerySet, now: datetime) -> None:
    rows.request_sync(now)
    for provider, push in PUSH.items():
        if push.lag:
            rows.filter(provider=provider).update(look_again_at=now + push.lag)


def _renew(rows: CalendarConnectionQuerySet, now: datetime) -> None:
    # One that is being seen to just now needs no second time.
    rows.filter(next_watch_at__gt=now + CLAIM).update(next_watch_at=_soonest(now))


def _lost(rows: CalendarConnectionQuerySet, now: datetime) -> None:
    rows.update(**NO_WATCH, next_watch_at=_soonest(now))
    rows.request_sync(now, full=True)


def _missed(rows: CalendarConnectionQuerySet, now: datetime) -> None:
    rows.request_sync(now, full=True)


def _soonest(now: datetime) -> Greatest:
    """Not before the provider lets itself be asked again."""
    return Greatest(now, "not_before", output_field=DateTimeField())


EFFECTS: dict[str, Callable[[CalendarConnectionQuerySet, datetime], object]] = {
    CHANGED: _changed,
    HELLO: lambda rows, now: None,
    RENEW: _renew,
    LOST: _lost,
    MISSED: _missed,
}
