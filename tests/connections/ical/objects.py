"""Calendar objects for tests, and what is read from them in one line."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from connections.providers.base import RemoteEvent, Window
from connections.providers.ical import ObjectReading, read_object

DATA = Path(__file__).parents[2] / "data" / "ical"
BERLIN = ZoneInfo("Europe/Berlin")
JUNE = Window(datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC))
HREF = "/calendars/anna/work/42.ics"


def vcalendar(*vevents: str, before: str = "") -> str:
    """An object of VEVENTs that are given by their lines, without ``BEGIN`` and ``END``."""
    blocks = "".join(f"BEGIN:VEVENT\n{lines.strip()}\nEND:VEVENT\n" for lines in vevents)
    return f"BEGIN:VCALENDAR\nVERSION:2.0\n{before}{blocks}END:VCALENDAR\n"


def read(
    text: str,
    *,
    window: Window = JUNE,
    zone: ZoneInfo = BERLIN,
    own_addresses: frozenset[str] = frozenset(),
) -> ObjectReading:
    return read_object(
        text, href=HREF, version='"1"', window=window, zone=zone, own_addresses=own_addresses
    )


def read_file(name: str, **options) -> ObjectReading:
    """The reading of an odd payload, which is kept byte for byte."""
    return read((DATA / f"{name}.ics").read_bytes().decode(), **options)


def spans(reading: ObjectReading) -> list[str]:
    """Starts and ends in UTC, sorted: ``"06-05 07:00/08:00"``, with the end's day if it differs,
    and with seconds where there are any."""
    return [_span(event) for event in by_start(reading)]


def by_start(reading: ObjectReading) -> list[RemoteEvent]:
    return sorted(reading.events, key=lambda event: (event.start, event.end))


def details(reading: ObjectReading) -> list[str]:
    return [problem.detail for problem in reading.problems]


def _span(event: RemoteEvent) -> str:
    end = f"{event.end:%m-%d %H:%M:%S}".removeprefix(f"{event.start:%m-%d} ")
    return f"{event.start:%m-%d %H:%M:%S}".removesuffix(":00") + "/" + end.removesuffix(":00")
