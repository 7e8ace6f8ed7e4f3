"""Microsoft on loopback: its identity platform and the calendars of Graph, over real HTTP.

    with FakeMicrosoft() as microsoft:
        anna = microsoft.account("anna@example.com")
        work = anna.calendar("Work")
        dentist = work.add("Dentist", start, end)
        adapter = MicrosoftAdapter(Credentials(access_token=anna.sign_in()), app=...url...)

``microsoft.url`` stands for both hosts. What its owner does in a calendar is a method of that
calendar; how Microsoft behaves is said to ``microsoft``, ``.identity``, ``.events``, ``.delta`` and
``.subscriptions``; faults are committed on demand (``microsoft.commit``).
"""

from tests.fakes.microsoft.accounts import Account
from tests.fakes.microsoft.identity import Consent
from tests.fakes.microsoft.refusals import aadsts, refusing
from tests.fakes.microsoft.server import FakeMicrosoft
from tests.fakes.microsoft.store import Calendar
from tests.fakes.microsoft.subscriptions import Delivery

__all__ = ["Account", "Calendar", "Consent", "Delivery", "FakeMicrosoft", "aadsts", "refusing"]
