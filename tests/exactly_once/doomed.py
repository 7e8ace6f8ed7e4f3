"""A process that does calsync's work and can be told to be killed at any step of it.

``python -m tests.exactly_once.doomed`` reads orders, one JSON object a line, and carries each out
in a child of its own. A step is whatever lets the outside see, or the process learn, anything: each
statement and commit before and after, each read and write of a socket before and after. An order
with ``dies_at`` = n is killed (SIGKILL) at its n-th step. The answer, a line for each order, says
whether it was killed, and how many steps it took.
"""

import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

import tests.environment  # noqa: F401  (before the settings are read)

READ_END, WRITE_END = 0, 1


class Steps:
    """Counts the steps of this process, and ends it at the one that was ordered."""

    def __init__(self, dies_at: int) -> None:
        self.taken = 0
        self.dies_at = dies_at

    def step(self) -> None:
        self.taken += 1
        if self.taken == self.dies_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, act: Callable) -> Callable:
        def stepping(*args, **kwargs):
            self.step()
            result = act(*args, **kwargs)
            self.step()
            return result

        return stepping

    def watch(self) -> None:
        """Count what goes to the database and through sockets."""
        from django.db.backends.postgresql.base import DatabaseWrapper
        from django.db.backends.utils import CursorWrapper

        DatabaseWrapper._commit = self.around(DatabaseWrapper._commit)
        CursorWrapper.execute = self.around(CursorWrapper.execute)
        CursorWrapper.executemany = self.around(CursorWrapper.executemany)
        for name in ("connect", "sendall", "recv_into"):
            setattr(socket.socket, name, self.around(getattr(socket.socket, name)))


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "calsync.settings")
    import django

    django.setup()
    for line in sys.stdin:
        print(json.dumps(_in_a_child(json.loads(line))), flush=True)


def _in_a_child(order: dict) -> dict:
    report = os.pipe()
    child = os.fork()
    if child == 0:
        _carry_out(order, report[WRITE_END])
    os.close(report[WRITE_END])
    _, status = os.waitpid(child, 0)
    with os.fdopen(report[READ_END]) as told:
        answer = told.read()
    return json.loads(answer or "{}") | {"killed": os.WIFSIGNALED(status), "status": status}


def _carry_out(order: dict, report: int) -> None:
    """In the child, which ends here."""
    steps = Steps(order.pop("dies_at", 0))
    status = 1
    try:
        steps.watch()
        result = ORDERS[order.pop("order")](**order)
        os.write(report, json.dumps({"steps": steps.taken, "result": result}).encode())
        status = 0
    finally:
        if status:
            sys.excepthook(*sys.exc_info())
            sys.stderr.flush()
        os._exit(status)


# --- orders ---------------------------------------------------------------------------------------


def book(consultant: str, starts_at: str, key: str, now: str) -> str:
    """Book as the API does; the booking's id."""
    from bookings import lifecycle
    from connections.models import Consultant

    request = lifecycle.BookingRequest(
        consultant=Consultant.objects.select_related("booking_settings").get(pk=consultant),
        starts_at=datetime.fromisoformat(starts_at),
        name="Ivy Invitee",
        email="ivy@example.com",
        time_zone="America/New_York",
        idempotency_key=key,
    )
    booking = lifecycle.book(request, now=datetime.fromisoformat(now))
    work(now)
    return str(booking.pk)


def move(booking: str, starts_at: str, now: str) -> None:
    from bookings import changes
    from bookings.models import Booking, ChangedBy

    moment = datetime.fromisoformat(now)
    row = Booking.objects.get(pk=booking)
    target = datetime.fromisoformat(starts_at)
    changes.reschedule(row, starts_at=target, by=ChangedBy.INVITEE, now=moment)
    work(now)


def cancel(booking: str, now: str) -> None:
    from bookings import changes
    from bookings.models import Booking, ChangedBy

    row = Booking.objects.get(pk=booking)
    changes.cancel(row, by=ChangedBy.INVITEE, now=datetime.fromisoformat(now))
    work(now)


def work(now: str) -> None:
    """One sweep, and what the workers then do; the queue delivers again what was not finished."""
    from django.utils.module_loading import import_string
    from django_q.models import OrmQ

    from bookings import outbox, writeback
    from calsync.sweeper import DISPATCHERS

    moment = datetime.fromisoformat(now)
    doers = {
        "bookings.tasks.write_event": writeback.write_event,
        "bookings.tasks.send_mail": outbox.send_mail,
    }
    for step in DISPATCHERS:
        if step.startswith("bookings."):
            import_string(step)(moment)
    for queued in OrmQ.objects.order_by("pk"):
        task = queued.task
        if doer := doers.get(task["func"]):
            doer(UUID(task["args"][0]), now=moment)
        queued.delete()


ORDERS = {"book": book, "move": move, "cancel": cancel, "work": work}

if __name__ == "__main__":
    main()
