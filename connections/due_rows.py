"""Hands rows that are due to the workers. What the worker does with one is its task's affair."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django_q.tasks import async_task

# What was handed to a worker and not seen to is handed out again after this time.
PATIENCE = timedelta(seconds=150)
AT_ONCE = 50
# Whoever works on a row has it alone for this time: longer than a task may run (Q_CLUSTER timeout).
CLAIM = timedelta(minutes=5)


@transaction.atomic
def hand_out(due: QuerySet, task: str, *, due_field: str = "due_at", now: datetime) -> int:
    """Queue a task for each, the id its only argument. Says how many.

    Safe to run twice at once: a row that one sweeper hands out is skipped by the other.
    """
    ids = list(due.select_for_update(skip_locked=True).values_list("pk", flat=True)[:AT_ONCE])
    due.model.objects.filter(pk__in=ids).update(**{due_field: now + PATIENCE})
    for row_id in ids:
        async_task(task, str(row_id))
    return len(ids)
