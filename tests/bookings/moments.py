"""The moments these tests are set in."""

from datetime import UTC, datetime

NOW = datetime(2027, 2, 26, 12, tzinfo=UTC)  # a Friday
MONDAY_TEN = datetime(2027, 3, 1, 10, tzinfo=UTC)
