"""Reads a whole CalDAV calendar: prints how many events it has, and how many bytes that needed.

``python -m tests.connections.providers.read_all <server> <calendar>``
"""

import sys

from connections.providers.apple import AppleAdapter
from connections.providers.base import Credentials
from connections.providers.outbound import OutboundGuard
from tests.connections.providers.caldav_servers import PASSWORD, USERNAME
from tests.connections.providers.contract import BERLIN, WINDOW
from tests.memory import Memory


def main(server: str, calendar: str) -> None:
    known = Credentials(username=USERNAME, password=PASSWORD, server_url=server)
    adapter = AppleAdapter(known, guard=OutboundGuard(["127.0.0.1"]))
    memory = Memory()
    pages = adapter.changes(calendar, window=WINDOW, zone=BERLIN)
    print(sum(len(page.events) for page in pages))
    print(memory.peak())


if __name__ == "__main__":
    main(*sys.argv[1:])
