"""What must never be so is looked for every few minutes, kept, said in the log once, and explained.

The invariants themselves are SQL (``audit_invariants()``). Each breach is a fault of calsync's, of
its operation, or something that a person did past it; none is put right here.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.urls import reverse

from bookings.models import AuditFinding
from connections.models import Consultant

logger = logging.getLogger(__name__)

AUDITED = "SELECT invariant, subject, user_id, detail FROM calsync.audited()"
NEEDS_PUSH = {"watch_is_dead"}

BOOKING = "admin:bookings_booking_change"
CALENDAR = "admin:connections_calendarconnection_change"
EVENT = "admin:syncing_syncedevent_change"
WORKER = "See that the worker runs (/readyz says so), and look into the server's log."


class Explanation(NamedTuple):
    """In words: what is wrong, what to do about it, and on which page of the desk."""

    what: str
    advice: str
    page: str


EXPLANATIONS = {
    "bookings_overlap": Explanation(
        "Two bookings are too close to each other.", "Move or cancel one of them.", BOOKING
    ),
    "booking_on_busy_time": Explanation(
        "A booking stands on time that is busy otherwise.",
        "Move the booking, or what stands over it.",
        BOOKING,
    ),
    "booking_without_event": Explanation(
        "A booking is not in your calendar.", "See to the cause, then try again.", BOOKING
    ),
    "event_without_booking": Explanation(
        "An event in your calendar belongs to no booking that stands.",
        "Delete it in your calendar if nobody needs it.",
        EVENT,
    ),
    "hold_outlives_its_time": Explanation("A hold outlives its time.", WORKER, BOOKING),
    "watch_is_dead": Explanation(
        "A calendar no longer tells of changes at once; it is read every minute instead.",
        "If this lasts, connect the account again.",
        CALENDAR,
    ),
    "sync_is_stuck": Explanation("A calendar is not being read.", WORKER, CALENDAR),
    "mail_is_stuck": Explanation("A mail is not being sent.", WORKER, BOOKING),
    "delivery_is_stuck": Explanation("A webhook is not being called.", WORKER, BOOKING),
    "look_is_stuck": Explanation("A change in your calendar is not looked into.", WORKER, BOOKING),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """A broken promise as the desk shows it. ``url`` leads to what it is about."""

    what: str
    advice: str
    detail: str
    url: str
    found_at: datetime


class Breach(NamedTuple):
    """A row of the audit."""

    invariant: str
    subject: UUID
    user_id: UUID | None
    detail: str


def audit(*, now: datetime) -> int:
    """Look, keep what is found, log what is new. Says how much is wrong."""
    breaches = _breaches()
    for breach in _keep(breaches, now=now):  # without the detail, which may name people
        logger.error("Invariant %s is broken for %s; the desk says more.", *breach[:2])
    return len(breaches)


def findings(consultant: Consultant) -> list[Finding]:
    """What the last audit found that concerns the consultant, the oldest first."""
    kept = AuditFinding.objects.filter(user=consultant).order_by("found_at", "invariant")
    return [_explained(finding) for finding in kept]


def _breaches() -> list[Breach]:
    with connection.cursor() as cursor:
        cursor.execute(AUDITED)
        breaches = [Breach(*row) for row in cursor.fetchall()]
    return [
        breach for breach in breaches if settings.PUSH_ADDRESS or breach.invariant not in NEEDS_PUSH
    ]


@transaction.atomic
def _keep(breaches: Iterable[Breach], *, now: datetime) -> list[Breach]:
    """Bring the stored findings to these. Returns those that are new."""
    kept = {(each.invariant, each.subject): each for each in AuditFinding.objects.all()}
    new = []
    for breach in breaches:
        known = kept.pop(breach[:2], None)
        if known is None:
            new.append(breach)
        elif known.detail != breach.detail:
            AuditFinding.objects.filter(pk=known.pk).update(detail=breach.detail)
    AuditFinding.objects.filter(pk__in=[each.pk for each in kept.values()]).delete()
    rows = [AuditFinding(**breach._asdict(), found_at=now) for breach in new]
    AuditFinding.objects.bulk_create(rows, ignore_conflicts=True)
    return new


def _explained(finding: AuditFinding) -> Finding:
    explanation = EXPLANATIONS[finding.invariant]
    return Finding(
        what=explanation.what,
        advice=explanation.advice,
        detail=finding.detail,
        url=reverse(explanation.page, args=[finding.subject]),
        found_at=finding.found_at,
    )
