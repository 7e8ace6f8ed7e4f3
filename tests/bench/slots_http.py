"""``GET /api/v1/slots/`` for a week and a month, asked by 16 clients at once through gunicorn.

The clients are threads on the same cores. Each question comes on a connection of its own, as from
visitors: connections that are kept stay with one of gunicorn's processes, be it ever so busy.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.client import HTTPConnection
from itertools import chain
from os import cpu_count
from statistics import median, quantiles
from time import perf_counter

import psycopg
from django.conf import settings

from tests.bench.slots import consultant_to_ask, fill, first_date, leave_nothing
from tests.web_server import web_server

CLIENTS, REQUESTS, WARM_UP = 16, 150, 10  # of each client
EVENTS = 15_000
QUESTIONS = {"7 days": 7, "31 days": 31}


def run() -> dict:
    """Milliseconds, and requests a second of all clients together."""
    asked = consultant_to_ask()
    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as session:
        fill(session, [asked], 0, EVENTS // 3)
        session.execute("VACUUM ANALYZE")
        with web_server(workers=cpu_count()) as port:
            address = f"/api/v1/slots/?consultant={asked.pk}&start={first_date()}"
            figures = {
                name: _measure(partial(_ask_in_turn, port, f"{address}&days={days}"))
                for name, days in QUESTIONS.items()
            }
        leave_nothing(session, [asked])
    return figures


def _measure(client: Callable[[int], list[float]]) -> dict[str, float]:
    with ThreadPoolExecutor(CLIENTS) as threads:
        seconds = list(chain.from_iterable(threads.map(client, range(CLIENTS))))
    milliseconds = [1e3 * each for each in seconds]
    return {
        "p50": median(milliseconds),
        "p95": quantiles(milliseconds, n=20)[18],
        "requests a second": CLIENTS * len(seconds) / sum(seconds),
    }


def _ask_in_turn(port: int, address: str, _: int) -> list[float]:
    """How many seconds each answer took to arrive whole."""
    seconds = []
    for _ in range(WARM_UP + REQUESTS):
        began = perf_counter()
        connection = HTTPConnection("127.0.0.1", port)
        connection.request("GET", address, headers={"Connection": "close"})
        response = connection.getresponse()
        answer = response.read()
        seconds.append(perf_counter() - began)
        assert response.status == 200, answer
    return seconds[WARM_UP:]
