"""A real SMTP server on loopback (RFC 5321), as kind or unkind as a test wants it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread


@dataclass
class Postbox:
    """What the server took, and what it is told to do to the next senders."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)  # replies to the next recipients
    before_taking: Callable[[], None] = lambda: None
    after_taking: Callable[[], None] = lambda: None  # before the server says so


class Session(StreamRequestHandler):
    def handle(self) -> None:
        self._say("220 ready")
        while line := self.rfile.readline():
            command = line.strip().upper()
            if command.startswith(b"RCPT") and self.server.postbox.refusals:
                self._say(self.server.postbox.refusals.pop(0))
            elif command == b"DATA":
                self._take()
            elif command == b"QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok")

    def _take(self) -> None:
        self.server.postbox.before_taking()
        self._say("354 go on")
        lines = iter(self.rfile.readline, b".\r\n")
        text = b"".join(line.removeprefix(b".") for line in lines)
        self.server.postbox.mails.append(message_from_bytes(text, policy=modern))
        self.server.postbox.after_taking()
        self._say("250 taken")

    def _say(self, reply: str) -> None:
        self.wfile.write(f"{reply}\r\n".encode())


@contextmanager
def mail_server() -> Iterator[Postbox]:
    with ThreadingTCPServer(("127.0.0.1", 0), Session) as server:
        server.daemon_threads = True
        server.postbox = Postbox(port=server.server_address[1])
        server.handle_error = lambda *_: None  # a client that died, or was hung up on
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.postbox
        finally:
            server.shutdown()
            thread.join()
