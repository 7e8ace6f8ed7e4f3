"""What the worker does for free time."""

import logging
from datetime import date

from django.core.exceptions import ValidationError
from django.utils import timezone

from availability.models import AvailabilityException

logger = logging.getLogger(__name__)


def expand_exceptions() -> int:
    """Expand recurring exceptions that are new, or not expanded far enough any more.

    Run every minute, for rows that the website inserts. Returns how many were expanded.
    """
    today = timezone.now().date()
    return sum(_expand(row, today) for row in AvailabilityException.objects.to_expand(today))


def _expand(exception: AvailabilityException, today: date) -> bool:
    """One bad row is reported, once, and does not stop the others; it stays closed."""
    try:
        exception.expand(today)
    except ValidationError as error:
        exception.give_up_expanding()
        logger.warning("Exception %s cannot be expanded: %s", exception.pk, error.messages[0])
        return False
    return True
