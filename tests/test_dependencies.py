"""Two HTTP libraries share one package name, and must both work in what is installed.

caldav brings niquests, which brings urllib3-future, which installs itself as ``urllib3``: requests,
under allauth and msal, then runs on that fork. Which of the two is in effect depends on the order
of installation.
"""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from threading import Thread

import niquests
import pytest
import requests
import urllib3


class Echo(BaseHTTPRequestHandler):
    """Sends a body back, and redirects /moved to /gone."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self.send_response(307 if self.path == "/moved" else 404)
        self.send_header("Location", "/gone")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args) -> None:
        """Keep the tests' output clean."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_effective_urllib3_is_one_of_the_pinned_two():
    assert urllib3.__version__ in (version("urllib3-future"), version("urllib3"))


@pytest.mark.parametrize("library", [requests, niquests], ids=lambda library: library.__name__)
def test_both_libraries_work_on_it(library, address):
    with library.Session() as session:
        assert session.post(address, json={"word": "été"}).json() == {"word": "été"}
        answer = session.get(f"{address}/moved")
    assert (answer.status_code, answer.url) == (404, f"{address}/gone")
    assert [each.status_code for each in answer.history] == [307]


@pytest.mark.parametrize("library", [requests, niquests], ids=lambda library: library.__name__)
def test_both_libraries_raise_their_own_error_when_nobody_listens(library):
    with pytest.raises(library.exceptions.ConnectionError):
        library.get("http://127.0.0.1:9", timeout=2)
