"""A fake Google with 20,000 events, in a process of its own, that answers from memory.

``python -m tests.bench.google_far`` makes a first, a quiet and a small round, prints as JSON where
it is and what each round asked of it, and serves until its standard input is closed.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta

from connections.providers.base import ChangePage, Credentials, Window
from connections.providers.google import GoogleAdapter, GoogleApp
from tests.connections.providers.contract import BERLIN
from tests.connections.providers.far_end import Request, Response
from tests.fakes.google import Calendar, FakeGoogle

EVENTS, CHANGED = 20_000, 10
NOW = datetime(2027, 1, 10, 12, tzinfo=UTC)
WINDOW = Window(NOW - timedelta(days=7), NOW + timedelta(days=400))


@dataclass(frozen=True)
class Walk:
    """A round that was made once: where it begins, what it asks, and how many events it shows."""

    sync_token: str
    paths: list[str]
    events: int


@dataclass(frozen=True)
class Far:
    """A calendar in the other process, and the rounds it can answer from memory."""

    url: str
    access_token: str
    calendar_id: str
    walks: dict[str, Walk] = field(default_factory=dict)

    def adapter(self) -> GoogleAdapter:
        app = GoogleApp(client_id="", client_secret="", api_url=self.url)
        return GoogleAdapter(Credentials(access_token=self.access_token), app=app)

    def pages(self, sync_token: str = "") -> Iterator[ChangePage]:
        return self.adapter().changes(
            self.calendar_id, window=WINDOW, zone=BERLIN, sync_token=sync_token
        )


@contextmanager
def far_end() -> Iterator[Far]:
    """Start the other process, and end it."""
    command = [sys.executable, "-m", "tests.bench.google_far"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as process:
        said = json.loads(process.stdout.readline())
        walks = {name: Walk(**walk) for name, walk in said.pop("walks").items()}
        yield Far(**said, walks=walks)
        process.stdin.close()


class RememberingGoogle(FakeGoogle):
    """Answers a question once, and from then on from memory."""

    def __init__(self) -> None:
        super().__init__()
        self._answers: dict[str, Response] = {}

    def _serve(self, request: Request) -> Response:
        if request.path not in self._answers:
            self._answers[request.path] = super()._serve(request)
        return self._answers[request.path]


def main() -> None:
    with RememberingGoogle() as google:
        account = google.account("anna@example.com")
        calendar = account.calendar("Work")
        ids = [_add(calendar, number) for number in range(EVENTS)]
        far = Far(google.url, account.sign_in(), calendar.id)
        token = _walk(google, far, "first", "")
        token = _walk(google, far, "quiet", token)
        for event_id in ids[:CHANGED]:
            calendar.change(event_id, "Changed")
        _walk(google, far, "small", token)
        print(json.dumps(asdict(far)), flush=True)
        sys.stdin.read()


def _walk(google: FakeGoogle, far: Far, name: str, sync_token: str) -> str:
    """Make a round, keep what it asked, and return the token it ends with."""
    before = len(google.requests)
    pages = list(far.pages(sync_token))
    paths = [request.path for request in google.requests[before:]]
    far.walks[name] = Walk(sync_token, paths, sum(len(page.events) for page in pages))
    return pages[-1].sync_token


def _add(calendar: Calendar, number: int) -> str:
    start = NOW + timedelta(minutes=25 * number)
    return calendar.add(
        f"Meeting number {number} with somebody",
        start,
        start + timedelta(minutes=30),
        description="What it is about, at some length. " * 5,
        attendees=[
            {"email": "anna@example.com", "self": True, "responseStatus": "accepted"},
            {"email": "guest@example.com", "responseStatus": "needsAction"},
        ],
    )


if __name__ == "__main__":
    main()
