"""Every fault between a booking, its calendar event and its mails, at every provider.

A run makes one booking, moves or cancels it with one fault on the way: the process is killed at one
of its steps, an answer is lost after the far end has done what was asked, or the far end is out of
order. Then the client asks again, the workers go on, and everything must stand once.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Self
from uuid import uuid4

from django.conf import settings
from django.db import connection

from bookings.models import Booking
from bookings.states import EventState
from connections.models import CalendarConnection, Consultant
from syncing.engine import sync_connection
from tests.bookings.mail_server import Postbox, mail_server
from tests.connections.providers.caldav_servers import (
    PASSWORD,
    USERNAME,
    Device,
    calendar_on,
    run_radicale,
)
from tests.connections.providers.far_end import Proxy, instead, lost
from tests.connections.registered import register_at_google, register_at_microsoft
from tests.databases import address
from tests.factories import AvailabilityRuleFactory, ConnectionFactory, ConsultantFactory
from tests.fakes.google import FakeGoogle
from tests.fakes.microsoft import FakeMicrosoft

PROVIDERS = ("google", "microsoft", "apple")
OPERATIONS = ("book", "move", "cancel")
FAULTS = ("answer lost", "out of order", "mail answer lost")
CLAIM = timedelta(minutes=6)  # longer than anybody's claim
ROUNDS = 12  # of the workers after a fault: back-off grows with each failure
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WRITES = ("POST", "PUT", "PATCH", "DELETE")
MAILS = 2  # that each operation owes at once: one to the invitee, one to the consultant


@dataclass(frozen=True)
class Outcome:
    """What stood in the end, of one run; ``steps`` is how many the order took, if it lived."""

    events_lost: int
    events_twice: int
    mails_lost: int
    mails_twice: int
    mails_repeated: int  # under the same Message-ID: for a reader one mail
    steps: int

    @property
    def is_exactly_once(self) -> bool:
        counted = (self.events_lost, self.events_twice, self.mails_lost, self.mails_twice)
        return counted == (0, 0, 0, 0)


@dataclass
class FarEnds:
    """The three providers, the mail server, and the process that may be killed."""

    google: FakeGoogle
    microsoft: FakeMicrosoft
    radicale: Device
    proxy: Proxy
    postbox: Postbox
    doomed: subprocess.Popen
    random: Random = field(default_factory=lambda: Random(7))

    @classmethod
    def open(cls, stack: ExitStack, folder: Path) -> Self:
        google, microsoft = stack.enter_context(FakeGoogle()), stack.enter_context(FakeMicrosoft())
        radicale = stack.enter_context(run_radicale(folder))
        postbox = stack.enter_context(mail_server())
        register_at_google(settings, google)
        register_at_microsoft(settings, microsoft)
        return cls(
            google=google,
            microsoft=microsoft,
            radicale=Device(radicale),
            proxy=stack.enter_context(Proxy(radicale)),
            postbox=postbox,
            doomed=stack.enter_context(_process(google, microsoft, postbox)),
        )

    def order(self, order: str, *, dies_at: int = 0, **details: str) -> dict:
        """Have it carried out by the process that may be killed."""
        line = json.dumps({"order": order, "dies_at": dies_at, **details})
        self.doomed.stdin.write(line + "\n")
        self.doomed.stdin.flush()
        return json.loads(self.doomed.stdout.readline())

    def connect(self, provider: str) -> CalendarConnection:
        """A new consultant, whose bookings go to a new calendar at that provider."""
        consultant = ConsultantFactory(settings__reminders=[])
        for day in range(7):
            AvailabilityRuleFactory(
                user=consultant, day_of_week=day, start_time=time(0), end_time=time(0)
            )
        return CONNECT[provider](self, consultant)

    def break_(self, provider: str, fault: Callable, *, times: int) -> None:
        """Commit the fault on the next writes."""
        for method in WRITES:
            if provider == "apple":
                self.proxy.commit(method, fault, times=times)
            else:
                getattr(self, provider).commit(fault, method=method, about="events", times=times)

    def heal(self) -> None:
        for far in (self.google, self.microsoft, self.proxy):
            far.heal()
        self.postbox.after_taking = lambda: None
        self.postbox.mails.clear()


def run_cell(
    far: FarEnds, provider: str, operation: str, fault: str = "", *, dies_at: int = 0
) -> Outcome:
    """One run, with a fault of the far ends, or killed at a step, or with nothing amiss."""
    far.heal()
    calendar = far.connect(provider)
    now = datetime.now(UTC)
    order = _prepared(far, calendar, operation, now=now)
    far.postbox.mails.clear()
    if fault == "answer lost":
        far.break_(provider, lost, times=1)
    elif fault == "out of order":
        far.break_(provider, instead(503), times=far.random.randint(1, 3))
    elif fault == "mail answer lost":
        far.postbox.after_taking = _hang_up_once(far.postbox)
    first = far.order(**order, dies_at=dies_at)
    _recover(far, order, now=now)
    return _outcome(far, calendar, steps=first.get("steps", 0))


def _prepared(far: FarEnds, calendar: CalendarConnection, operation: str, *, now: datetime) -> dict:
    """What is to be ordered, after all that must have gone well before it."""
    start = (now + 2 * DAY).replace(minute=0, second=0, microsecond=0)
    details = {"now": now.isoformat()}
    booking = details | {
        "order": "book",
        "consultant": str(calendar.user_id),
        "starts_at": start.isoformat(),
        "key": str(uuid4()),
    }
    if operation == "book":
        return booking
    made = far.order(**booking)
    assert made["status"] == 0, "the booking before the fault was not made"
    details |= {"booking": made["result"]}
    if operation == "move":
        return details | {"order": "move", "starts_at": (start + 5 * HOUR).isoformat()}
    return details | {"order": "cancel"}


def _recover(far: FarEnds, order: dict, *, now: datetime) -> None:
    """The client, who got no answer, asks once more; the workers go on until all is done."""
    again = far.order(**order | {"now": (now + CLAIM).isoformat()})
    assert again["status"] == 0, "asked once more, it failed"
    for number in range(2, ROUNDS):
        if not _is_anything_owed():
            return
        far.order("work", now=(now + number * number * CLAIM).isoformat())


def _is_anything_owed() -> bool:
    unwritten = Booking.objects.filter(event_state=EventState.DUE)
    return (
        unwritten.exists()
        or Booking.objects.filter(mails__sent_at=None, mails__due_at__isnull=False).exists()
    )


def _outcome(far: FarEnds, calendar: CalendarConnection, *, steps: int) -> Outcome:
    # A sync that was killed with the process holds its lease on, by the database's clock.
    CalendarConnection.objects.update(lease_expires_at=None)
    log = sync_connection(calendar.pk, now=datetime.now(UTC), full=True)
    assert log.status == "completed", log.error_message
    booking = Booking.objects.get()
    there = Counter(calendar.events.values_list("booking_id", "start_time", "end_time"))
    one = Counter() if booking.is_cancelled else Counter([span_of(booking)])
    copies = Counter(mail["Message-ID"] for mail in far.postbox.mails)
    Consultant.objects.all().delete()
    return Outcome(
        events_lost=(one - there).total(),
        events_twice=(there - one).total(),
        mails_lost=max(MAILS - len(copies), 0),
        mails_twice=max(len(copies) - MAILS, 0),
        mails_repeated=copies.total() - len(copies),
        steps=steps,
    )


def span_of(booking: Booking) -> tuple:
    """What the one event of a booking is to say."""
    return booking.pk, booking.start_time, booking.end_time


# --- the far ends ---------------------------------------------------------------------------------


def _process(google: FakeGoogle, microsoft: FakeMicrosoft, postbox: Postbox) -> subprocess.Popen:
    registered = SimpleNamespace()
    register_at_google(registered, google)
    register_at_microsoft(registered, microsoft)
    environment = vars(registered) | {
        "DATABASE_URL": address(connection.settings_dict["NAME"]),
        "EMAIL_URL": f"smtp://127.0.0.1:{postbox.port}",
    }
    # The environment of the tests says where mails go; the process says it anew.
    code = (
        "import os; import tests.environment; "
        f"os.environ['EMAIL_URL'] = {environment['EMAIL_URL']!r}; "
        "from tests.exactly_once.doomed import main; main()"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=settings.BASE_DIR,
        env=os.environ | environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _hang_up_once(postbox: Postbox) -> Callable[[], None]:
    """After the mail was taken, and before the server says so."""

    def hang_up() -> None:
        postbox.after_taking = lambda: None
        raise ConnectionAbortedError

    return hang_up


def _at_google(far: FarEnds, consultant: Consultant) -> CalendarConnection:
    account = far.google.account(f"{uuid4()}@example.com")
    return _consented("google", consultant, account, account.primary.id)


def _at_microsoft(far: FarEnds, consultant: Consultant) -> CalendarConnection:
    account = far.microsoft.account(f"{uuid4()}@example.com")
    return _consented("microsoft", consultant, account, account.default.id)


def _consented(provider: str, consultant: Consultant, account, calendar_id: str):
    return ConnectionFactory(
        user=consultant,
        provider=provider,
        provider_email=account.email,
        calendar_id=calendar_id,
        access_token=account.sign_in(),
        refresh_token=account.stay_signed_in(),
        token_expires_at=datetime.now(UTC) + DAY,
        app_specific_password=None,
        caldav_url=None,
        is_primary=True,
    )


def _on_radicale(far: FarEnds, consultant: Consultant) -> CalendarConnection:
    calendar = calendar_on(far.radicale, f"/{USERNAME}/")
    return ConnectionFactory(
        user=consultant,
        provider_email=USERNAME,
        app_specific_password=PASSWORD,
        caldav_url=f"{far.proxy.url}/",
        calendar_id=calendar.calendar_id.replace(far.radicale.url, far.proxy.url),
        is_primary=True,
    )


CONNECT = {"google": _at_google, "microsoft": _at_microsoft, "apple": _on_radicale}
