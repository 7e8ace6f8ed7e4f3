"""One first sync in this process: prints its seconds, and the megabytes it needed at its peak.

``python -m tests.bench.first_sync_once <connection>``; standard input says where the provider is.
"""

import json
import os
import sys
from time import perf_counter
from uuid import UUID

import django

import tests.environment  # noqa: F401  (before the settings are read)
from tests.memory import Memory


def main(connection_id: UUID, *, provider: str, url: str, secret: str) -> None:
    from connections import adapters
    from syncing.engine import sync_connection
    from tests.bench.first_sync_far import ADAPTERS, NOW

    adapters.ADAPTERS[provider] = lambda credentials: ADAPTERS[provider](url, secret)
    memory = Memory()
    began = perf_counter()
    log = sync_connection(connection_id, now=NOW, full=True)
    seconds = perf_counter() - began
    assert log.status == "completed", log.error_message
    print(json.dumps([seconds, memory.peak() / 1e6]))


if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "calsync.settings"
    django.setup()
    main(UUID(sys.argv[1]), **json.load(sys.stdin))
