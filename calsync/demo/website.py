"""A website of the consultant's, on an origin of its own, with the booking widget embedded."""

import sys
from pathlib import Path

from django.template.loader import render_to_string

from calsync.processes import Process


def process(directory: Path, *, port: int, booking_url: str, consultant: str, log: Path) -> Process:
    """A static file server on loopback for one page, written here."""
    directory.mkdir(parents=True, exist_ok=True)
    page = render_to_string(
        "demo/website.html", {"booking_url": booking_url, "consultant": consultant}
    )
    (directory / "index.html").write_text(page)
    command = ["-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(directory)]
    return Process("website", [sys.executable, *command], log=log)
