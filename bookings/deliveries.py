"""Tells the consultants' own systems of bookings: signed, repeated until taken, for three days.

A delivery can arrive twice: its receiver answered and we did not hear it. It then has the same id.
Deliveries can overtake each other; the booking's ``sequence`` says which is the later.
The signature is over the time and the very bytes of the body, so that neither can be exchanged.
"""

import hmac
import json
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

from django.conf import settings
from django.db.models import F

from bookings.endpoints import WebhookDelivery, WebhookEndpoint
from bookings.wording import one_line, shortened
from connections.due_rows import CLAIM
from connections.fields import SecretUnreadable
from connections.providers.base import AddressRefused, ProviderUnavailable, RateLimited, unexpected
from connections.providers.outbound import OutboundGuard
from connections.providers.retry_after import seconds_to_wait
from connections.providers.session import Answer, GuardedSession, Limits
from syncing.cadence import delay_after

logger = logging.getLogger(__name__)

GIVE_UP_AFTER = timedelta(days=3)
KEEP = timedelta(days=30)
LIMITS = Limits(connect=5, read=10, total=15, size=64_000)
ANSWER_KEPT = 200  # characters
EXPECTED = (ProviderUnavailable, AddressRefused, SecretUnreadable)


class NotTaken(ProviderUnavailable):
    """The endpoint answered with something else than success, or cannot be asked yet."""


@dataclass(frozen=True, slots=True)
class Call:
    """A delivery as it goes out."""

    body: bytes
    headers: dict[str, str]


def deliver(delivery_id: UUID, *, now: datetime) -> None:
    """Tell the endpoint, if that is due and nobody else is at it.

    What goes wrong stands on the row and is tried again; only a bug raises.
    """
    delivery = _claim(delivery_id, now=now)
    if delivery is None:
        return
    if not delivery.endpoint.is_active:
        _finish(delivery, error="The webhook was switched off.")
        return
    try:
        answer = _send(delivery, now=now)
        _record_answer(delivery, answer)
        _require_success(answer, now=now)
    except Exception as error:
        _record_failure(delivery, error, now=now)
        if not isinstance(error, EXPECTED):
            raise
    else:
        _finish(delivery, delivered_at=now)


def call_of(delivery: WebhookDelivery, *, now: datetime) -> Call:
    """Raises ``NotTaken`` where no secret was made yet, and ``SecretUnreadable``."""
    if delivery.endpoint.secret is None:
        raise NotTaken("The webhook has no secret yet. Make one on its page.")
    content = {
        "id": str(delivery.pk),
        "event": f"booking.{delivery.event}",
        "created_at": delivery.created_at.astimezone(UTC).isoformat(timespec="seconds"),
        "booking": delivery.payload,
    }
    body = json.dumps(content, ensure_ascii=False).encode()
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "calsync",
        "X-Calsync-Delivery": str(delivery.pk),
        "X-Calsync-Signature": signature(body, delivery.endpoint.secret.reveal(), now=now),
    }
    return Call(body, headers)


def signature(body: bytes, secret: str, *, now: datetime) -> str:
    """``t`` is the Unix time, ``v1`` the HMAC-SHA256 of time, full stop and body, in hex."""
    stamp = str(int(now.timestamp()))
    digest = hmac.new(secret.encode(), stamp.encode() + b"." + body, sha256).hexdigest()
    return f"t={stamp},v1={digest}"


def guard() -> OutboundGuard:
    """Which addresses may be called: what the operator allows besides the public Internet."""
    return OutboundGuard(settings.WEBHOOK_ALLOWED_PRIVATE_HOSTS)


def send_again(deliveries, *, now: datetime) -> int:
    """Make these due now, also what was given up or delivered. Says how many."""
    return deliveries.update(due_at=now, not_before=None, delivered_at=None)


def prune(*, now: datetime) -> None:
    """Forget what is settled: the payload names people."""
    settled = WebhookDelivery.objects.filter(due_at=None, created_at__lt=now - KEEP)
    settled.delete()


def _claim(delivery_id: UUID, *, now: datetime) -> WebhookDelivery | None:
    """The row, if this worker is the one to send it: compare and set, then commit."""
    startable = WebhookDelivery.objects.startable(now).filter(pk=delivery_id)
    claimed = startable.update(
        due_at=now + CLAIM, not_before=now + CLAIM, attempts=F("attempts") + 1
    )
    rows = WebhookDelivery.objects.select_related("endpoint")
    return rows.get(pk=delivery_id) if claimed else None


def _send(delivery: WebhookDelivery, *, now: datetime) -> Answer:
    """Without following redirects: the next address would not be the one that was agreed."""
    call = call_of(delivery, now=now)
    session = GuardedSession(guard(), LIMITS)
    try:
        return session.request("POST", delivery.endpoint.url, data=call.body, headers=call.headers)
    finally:
        session.close()


def _require_success(answer: Answer, *, now: datetime) -> None:
    """Raises ``RateLimited`` where the endpoint says when to come again, else ``NotTaken``."""
    if 200 <= answer.status < 300:
        return
    if wait := seconds_to_wait(answer.headers.get("Retry-After", ""), now=now):
        raise RateLimited(f"The answer was {answer.status}.", retry_after=wait)
    raise NotTaken(f"The answer was {answer.status}.")


def _record_answer(delivery: WebhookDelivery, answer: Answer) -> None:
    text = one_line(answer.body.read(4 * ANSWER_KEPT).decode(errors="replace"))
    WebhookDelivery.objects.filter(pk=delivery.pk).update(
        status_code=answer.status, answer=shortened(text, ANSWER_KEPT)
    )


def _record_failure(delivery: WebhookDelivery, error: Exception, *, now: datetime) -> None:
    """Say what went wrong, and when to try again; after three days no more."""
    text = _for_people(error)
    next_try = now + delay_after(_as_passing(error), failures=delivery.attempts)
    if next_try > delivery.created_at + GIVE_UP_AFTER:
        logger.warning("Delivery %s is given up: %s", delivery.pk, text)
        _finish(delivery, error=f"Given up. {text}")
        return
    rows = WebhookDelivery.objects.filter(pk=delivery.pk)
    rows.update(due_at=next_try, not_before=next_try, error=text)
    if isinstance(error, ProviderUnavailable) and not isinstance(error, NotTaken):
        _leave_alone(delivery.endpoint, until=next_try, now=now)


def _leave_alone(endpoint: WebhookEndpoint, *, until: datetime, now: datetime) -> None:
    """Whatever else it is to be told would find it as silent, and keep a worker as long."""
    waiting = WebhookDelivery.objects.startable(now).filter(endpoint=endpoint)
    waiting.update(due_at=until, not_before=until)


def _as_passing(error: Exception) -> Exception:
    """What needs a person is tried again all the same: the person may see to it meanwhile."""
    return error if isinstance(error, ProviderUnavailable) else ProviderUnavailable(str(error))


def _finish(
    delivery: WebhookDelivery, *, delivered_at: datetime | None = None, error: str = ""
) -> None:
    """Delivered, or given up for a reason."""
    WebhookDelivery.objects.filter(pk=delivery.pk).update(
        due_at=None, not_before=None, delivered_at=delivered_at, error=error
    )


def _for_people(error: Exception) -> str:
    if isinstance(error, EXPECTED):
        return str(error)
    return unexpected(error)
