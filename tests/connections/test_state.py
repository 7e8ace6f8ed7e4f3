"""What the consultant is told of a calendar."""

from datetime import UTC, datetime, timedelta

import pytest

from connections.models import CalendarConnection
from connections.state import GOOD, OFF, TROUBLE, WAITING, State, describe, describe_drift

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
FINE = {"sync_status": "synced", "last_synced_at": NOW - MINUTE, "next_sync_at": NOW + MINUTE}
FAILED = FINE | {"sync_status": "error", "sync_error": "The server was silent."}


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        (FINE, State(GOOD, "Up to date.")),
        (FINE | {"sync_status": "syncing"}, State(GOOD, "Being read now.")),
        (FINE | {"next_sync_at": NOW - 4 * MINUTE}, State(GOOD, "Up to date.")),
        (
            {"sync_status": "pending", "next_sync_at": NOW},
            State(WAITING, "Waiting for its first sync."),
        ),
        (FAILED, State(TROUBLE, "The server was silent. The next try is at 09:01.")),
        (
            FAILED | {"next_sync_at": None},
            State(
                TROUBLE,
                "The server was silent. It is not tried again by itself: choose “Sync now”.",
            ),
        ),
        (
            FINE | {"next_sync_at": NOW - 6 * MINUTE},
            State(TROUBLE, "Overdue: is the calsync worker running? Whoever runs it can tell."),
        ),
        (
            FAILED | {"reconnect_needed_at": NOW, "next_sync_at": None},
            State(TROUBLE, "The sign-in is no longer accepted. Connect it again."),
        ),
        (FAILED | {"is_active": False}, State(OFF, "Not connected.")),
    ],
)
def test_state_says_what_there_is_to_know(fields, state):
    assert describe(CalendarConnection(**fields), now=NOW) == state


@pytest.mark.parametrize(
    ("verified", "missing", "surplus", "read_in_full", "text"),
    [
        (None, None, None, NOW, "Not compared yet."),
        (NOW, None, None, NOW, "The provider tells no busy times to compare with."),
        (NOW, 0, 0, None, "No drift."),
        (NOW, 60, 0, None, "60 minutes missing, 0 minutes too many. A full sync is due."),
        (NOW, 0, 5, NOW, "0 minutes missing, 5 minutes too many. A full sync is due."),
        (
            NOW,
            0,
            5,
            NOW + timedelta(minutes=1),
            "0 minutes missing, 5 minutes too many. It was read anew since.",
        ),
    ],
)
def test_drift_is_said_and_what_became_of_it(verified, missing, surplus, read_in_full, text):
    connection = CalendarConnection(
        verified_at=verified,
        drift_missing_minutes=missing,
        drift_surplus_minutes=surplus,
        last_full_sync_at=read_in_full,
    )
    assert describe_drift(connection) == text
