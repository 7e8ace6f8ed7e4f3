"""One sync per connection at a time: a lease on the row, with an expiry and a number of its own.

No database transaction is open while a provider is asked, so a lease and not a lock keeps two syncs
of one calendar apart. A worker that dies leaves a lease that runs out. Leases are timed by the
database's clock, the one clock that all workers share.
"""

from datetime import timedelta
from uuid import UUID, uuid4

from django.db.models import Q
from django.db.models.functions import Now

from connections.models import CalendarConnection, SyncStatus

LEASE = timedelta(seconds=120)


class LeaseLost(Exception):
    """Another run has taken over: what this one found is older and must not be written."""


def take(connection_id: UUID) -> UUID | None:
    """A lease on an active connection, or None while another run holds it."""
    lease_id = uuid4()
    free = Q(lease_expires_at=None) | Q(lease_expires_at__lte=Now())
    taken = (
        CalendarConnection.objects.active()
        .filter(free, pk=connection_id)
        .update(lease_id=lease_id, lease_expires_at=Now() + LEASE, sync_status=SyncStatus.SYNCING)
    )
    return lease_id if taken else None


def extend(connection_id: UUID, lease_id: UUID) -> None:
    """Keep the lease for another while. Raises ``LeaseLost``."""
    held = CalendarConnection.objects.filter(pk=connection_id, lease_id=lease_id)
    if not held.update(lease_expires_at=Now() + LEASE):
        raise LeaseLost


def hold(connection_id: UUID, lease_id: UUID) -> CalendarConnection:
    """The leased row, locked until the transaction ends. Raises ``LeaseLost``."""
    leased = CalendarConnection.objects.filter(pk=connection_id, lease_id=lease_id)
    connection = leased.select_for_update().first()
    if connection is None:
        raise LeaseLost
    return connection
