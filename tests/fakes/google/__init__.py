"""Google on loopback: its OAuth service and its Calendar API, spoken over real HTTP.

    with FakeGoogle() as google:
        anna = google.account("anna@example.com")
        work = anna.calendar("Work")
        dentist = work.add("Dentist", start, end)
        adapter = GoogleAdapter(Credentials(access_token=anna.sign_in()), app=...google.url...)

``google.url`` stands for all of Google's hosts. What its owner does in a calendar is a method of
that calendar; how Google behaves is said to ``google``, ``google.oauth``, ``google.events``,
``google.channels``; faults are committed on demand (``google.commit``).
"""

from tests.fakes.google.accounts import Account
from tests.fakes.google.channels import Delivery
from tests.fakes.google.oauth import Consent
from tests.fakes.google.refusals import refusing
from tests.fakes.google.server import FakeGoogle
from tests.fakes.google.store import Calendar

__all__ = ["Account", "Calendar", "Consent", "Delivery", "FakeGoogle", "refusing"]
