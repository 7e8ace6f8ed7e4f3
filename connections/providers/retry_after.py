"""When a server says to come again (RFC 9110 §10.2.3)."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MOST_DIGITS = 9  # of seconds: thirty years


def seconds_to_wait(retry_after: str, *, now: datetime) -> float:
    """``Retry-After``, which is seconds or a date, in seconds from now; 0 for anything else."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(text[:MOST_DIGITS])
    try:
        until = parsedate_to_datetime(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return 0.0
    return max(0.0, (until - now).total_seconds())
