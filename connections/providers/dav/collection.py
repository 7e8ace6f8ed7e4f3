"""One calendar collection, as questions to the server: what is there, what changed, what it says.

Every method may raise ``CalendarGone``, ``AccessRevoked`` and what the client raises. Each question
has its own ``Limits.total`` seconds: a large collection takes many. Over a question about the whole
collection the server may think all that time; some go through 20,000 files for it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from caldav.elements import cdav, dav
from caldav.elements.base import BaseElement

from connections.providers.base import (
    CalendarGone,
    ProviderUnavailable,
    RateLimited,
    SyncTokenExpired,
)
from connections.providers.dav import queries
from connections.providers.dav.client import INSUFFICIENT_STORAGE, GuardedClient, Reply
from connections.providers.dav.multistatus import (
    MISSING,
    OK,
    Forbidden,
    Resource,
    makes_no_sense,
    path_of,
    read_resources,
    read_sync_token,
)
from connections.providers.dav.paths import Etags, PathSet
from connections.providers.session import AnswerTooLarge

TOKEN_REFUSED = {409, 410, 412}  # besides the precondition, which RFC 6578 §3.2 asks for


@dataclass(frozen=True, slots=True)
class Abilities:
    """How this collection can be followed."""

    has_sync: bool
    ctag: str


@dataclass(frozen=True, slots=True)
class SyncPage:
    """A part of what changed. ``is_cut``: the server has more to say after ``token``."""

    changed: PathSet
    removed: PathSet
    token: str
    is_cut: bool


class Text(NamedTuple):
    """An object as it stands now."""

    etag: str
    text: str


@dataclass(frozen=True, slots=True)
class Texts:
    """The objects that were asked for, by path, those that are gone, and those too large."""

    found: dict[str, Text] = field(default_factory=dict)
    gone: frozenset[str] = frozenset()
    too_large: frozenset[str] = frozenset()

    @property
    def answered(self) -> frozenset[str]:
        return self.gone | self.too_large | self.found.keys()

    def with_more(self, more: "Texts") -> "Texts":
        return Texts(
            self.found | more.found, self.gone | more.gone, self.too_large | more.too_large
        )


class Collection:
    """The collection at ``url``, reached through the account's client."""

    def __init__(self, client: GuardedClient, url: str) -> None:
        self.url = url
        self.path = path_of(url).rstrip("/") + "/"
        self._client = client

    def abilities(self) -> Abilities:
        asked = (dav.SupportedReportSet, queries.CTag)
        self._client.begin()
        reply = self._ask("PROPFIND", queries.propfind(*asked), Depth="0")
        for resource in read_resources(self._client, reply):
            if resource.is_gone:  # said by Xandikos inside a multistatus
                break
            reports = resource.properties.get(dav.SupportedReportSet.tag, ())
            names = {element.tag for report in reports for element in report.iter()}
            return Abilities(dav.SyncCollection.tag in names, resource.text(queries.CTag.tag))
        raise CalendarGone("The calendar no longer exists.")

    def changed_since(self, token: str) -> SyncPage:
        """What changed since the server's token; all there is for an empty one (RFC 6578 §3.2)."""
        self._client.begin(is_long=not token)
        reply = self._ask("REPORT", queries.sync_collection(token), Depth="0")
        if dav.ValidSyncToken.tag in reply.preconditions or (
            token and reply.status in TOKEN_REFUSED
        ):
            raise SyncTokenExpired("The server no longer knows the sync token.")
        changed, removed, is_cut = PathSet(), PathSet(), False
        for resource in read_resources(self._client, reply):
            is_cut = is_cut or resource.status == INSUFFICIENT_STORAGE
            if self._is_member(resource):
                (removed if resource.is_gone else changed).add(resource.path)
        token = read_sync_token(reply)
        if not token:
            raise makes_no_sense(reply)
        return SyncPage(changed, removed, token, is_cut)

    def etags(self) -> Etags:
        """All members and their etags, which are empty where the server has none."""
        self._client.begin(is_long=True)
        reply = self._ask("PROPFIND", queries.propfind(dav.GetEtag), Depth="1")
        return Etags((one.path, one.text(dav.GetEtag.tag)) for one in self._members(reply))

    def matching(self, query: str) -> PathSet:
        """The members that a calendar-query finds."""
        self._client.begin(is_long=True)
        reply = self._ask("REPORT", query, Depth="1")
        return PathSet(member.path for member in self._members(reply))

    def gone_of(self, paths: frozenset[str]) -> frozenset[str]:
        """Those of these objects that are no longer there, on positive proof.

        What the answer leaves out is asked for alone: older sabre/dav leaves out what is gone
        (https://github.com/sabre-io/dav/issues/829).
        """
        self._client.begin()
        reply = self._ask("REPORT", queries.multiget(sorted(paths), dav.GetEtag))
        told = {one.path: one.is_gone for one in read_resources(self._client, reply)}
        left_out = paths - told.keys()
        return frozenset(one for one in paths & told.keys() if told[one]) | {
            one for one in left_out if self._is_gone(one)
        }

    def _is_gone(self, path: str) -> bool:
        self._client.begin()
        reply = self._client.request(self._client.join(self.url, path))
        if reply.status not in {OK, *MISSING}:
            raise makes_no_sense(reply)
        return reply.status in MISSING

    def texts(self, paths: frozenset[str]) -> Texts:
        """These objects, each of them found, gone, or too large.

        What an answer leaves out (some servers answer so many and no more) is asked for again,
        for as long as that brings anything.
        """
        if not paths:
            return Texts()
        texts = self._texts_in_one(paths)
        while missing := paths - texts.answered:
            more = self._texts_in_one(missing)
            if not more.answered:
                raise ProviderUnavailable(
                    f"The server left out {len(missing)} of {len(paths)} events it was asked for."
                )
            texts = texts.with_more(more)
        return texts

    def _texts_in_one(self, paths: frozenset[str]) -> Texts:
        try:
            return self._texts_as(cdav.CalendarData, paths)
        except AnswerTooLarge:
            return self._texts_in_two(paths) if len(paths) > 1 else self._times_alone(paths)

    def _texts_in_two(self, paths: frozenset[str]) -> Texts:
        """Objects may carry whole files; half as many of them may fit."""
        half = frozenset(sorted(paths)[: len(paths) // 2])
        return self._texts_in_one(half).with_more(self._texts_in_one(paths - half))

    def _times_alone(self, paths: frozenset[str]) -> Texts:
        """A single object that is too large, without its files, where the server can do that."""
        try:
            texts = self._texts_as(queries.times_alone, paths)
        except RateLimited:
            raise
        except (ProviderUnavailable, Forbidden):  # it ignores the question, or does not know it
            texts = Texts()
        return texts if texts.answered else Texts(too_large=paths)

    def _texts_as(self, data: Callable[[], BaseElement], paths: frozenset[str]) -> Texts:
        self._client.begin()
        reply = self._ask("REPORT", queries.multiget(sorted(paths), dav.GetEtag, data))
        found, gone = {}, set()
        for one in read_resources(self._client, reply):
            if one.path in paths and cdav.CalendarData.tag in one.properties:
                text = one.text(cdav.CalendarData.tag)
                found[one.path] = Text(one.text(dav.GetEtag.tag), text)
            if one.is_gone:
                gone.add(one.path)
        return Texts(found, paths & gone)

    def _members(self, reply: Reply) -> Iterator[Resource]:
        for one in read_resources(self._client, reply):
            if one.status == INSUFFICIENT_STORAGE:
                raise ProviderUnavailable("The server listed only a part of the calendar.")
            if self._is_member(one) and not one.is_gone:
                yield one

    def _is_member(self, resource: Resource) -> bool:
        """Not the collection itself, which iCloud lists too, nor a collection inside it."""
        return not resource.path.endswith("/") and resource.path != self.path.rstrip("/")

    def _ask(self, method: str, body: str, **headers: str) -> Reply:
        return self._client.request(self.url, method, body, headers)
