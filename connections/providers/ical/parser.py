"""iCalendar text to components and their content lines (RFC 5545 §3.1 and §3.4).

Only the structure is read here. A content line is kept as text until somebody asks for it: most
lines of a calendar object (alarms, attendees, the parts of a time zone that is known by name)
are never looked at.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

LONG_LINE = 4096  # characters
_LISTS = ("RDATE", "EXDATE", "RRULE", "EXRULE")  # may be long, and each part of them counts
_DEEPEST = 8  # VCALENDAR, VEVENT, VALARM: the standard knows no more than three levels

_FOLDED_LINE = re.compile("[^\n]*+(?:\n[ \t][^\n]*+)*+\n?")
_FOLD = re.compile("\n[ \t]")
_QUOTED_HEAD = re.compile(r'((?:[^":]|"[^"]*")*):(.*)', re.DOTALL)
_PARAMETER = re.compile(r';([^=;:"]+)=((?:"[^"]*"|[^;"])*)')
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


class Property(NamedTuple):
    """One content line: ``NAME;PARAMETER=...:value``, the value still escaped."""

    parameters: dict[str, str]
    value: str


@dataclass(slots=True)
class Component:
    """A ``BEGIN``/``END`` block: its content lines by upper-case name, and the blocks inside it."""

    name: str
    lines: dict[str, list[str]] = field(default_factory=dict)
    children: "list[Component]" = field(default_factory=list)
    is_closed: bool = False

    def all(self, name: str) -> list[Property]:
        """Every property of that name, in the order of the text."""
        return [read_line(line) for line in self.lines.get(name, ())]

    def first(self, name: str) -> Property | None:
        """The first property of that name: a repeated DTSTAMP is common and harmless."""
        lines = self.lines.get(name)
        return read_line(lines[0]) if lines else None

    def walk(self) -> "Iterator[Component]":
        """All components below this one, at any depth, in the order of the text."""
        waiting = self.children[::-1]
        while waiting:
            component = waiting.pop()
            yield component
            waiting += component.children[::-1]


def parse(text: str) -> Component:
    """The components of ``text`` below a nameless root.

    Never fails: a line without a colon is left out, an ``END`` that closes nothing is ignored,
    and a block that the text ends within stays ``is_closed = False``.
    """
    root = Component("", is_closed=True)
    open_components = [root]
    for line in unfold(text):
        head, colon, value = line.partition(":")
        name = head.partition(";")[0].upper()
        if name == "BEGIN":
            child = Component(value.strip().upper())
            open_components[-1].children.append(child)
            open_components.append(child)
        elif name == "END":
            _close(open_components, value.strip().upper())
        elif colon:
            open_components[-1].lines.setdefault(name, []).append(line)
    return root


def unfold(text: str) -> list[str]:
    """Content lines without their folding; line ends may be CRLF, LF or CR.

    ``str.splitlines`` would also split at U+2028 and form feeds, which may stand inside a value.
    """
    text = _with_line_feeds(text.removeprefix("\ufeff"))
    if "\n " in text or "\n\t" in text:
        text = _FOLD.sub("", text)
    return text.split("\n")


def shorten(text: str, limit: int) -> str:
    """The text with its long lines cut, and no more of it than a line beyond ``limit`` characters.

    What makes an object large is a file or an essay in a single line, and the times may stand
    behind it. Only lists of times and rules are kept in full.
    """
    kept, size = [], 0
    for found in _FOLDED_LINE.finditer(_with_line_feeds(text)):
        line = found[0]
        if len(line) > LONG_LINE and not line[:6].upper().startswith(_LISTS):
            line = line[:LONG_LINE] + "\n"
        kept.append(line)
        size += len(line)
        if size > limit:
            break
    return "".join(kept)


def _with_line_feeds(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _close(open_components: list[Component], name: str) -> None:
    """Close the innermost open component of that name, and with it what was left open inside.

    Only the innermost few are looked at: a hostile object may have opened a hundred thousand.
    """
    innermost = len(open_components) - 1
    for depth in range(innermost, max(innermost - _DEEPEST, 0), -1):
        if open_components[depth].name == name:
            open_components[depth].is_closed = True
            del open_components[depth:]
            return


def read_line(line: str) -> Property:
    """Parameters and value of one content line. Quoted parameters may hold ``:``, ``;``, ``,``."""
    head, _, value = line.partition(":")
    if '"' in head:
        quoted = _QUOTED_HEAD.match(line)
        head, value = quoted.groups() if quoted else (head, value)
    if ";" not in head:
        return Property({}, value)
    parameters = {name.upper(): text.strip('"') for name, text in _PARAMETER.findall(head)}
    return Property(parameters, value)


def unescape(value: str) -> str:
    r"""A TEXT value as people read it (RFC 5545 §3.3.11): ``\n``, ``\,``, ``\;``, ``\\``."""
    if "\\" not in value:
        return value
    return _ESCAPE.sub(lambda found: "\n" if found[1] in "nN" else found[1], value)
