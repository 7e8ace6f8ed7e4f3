"""What the adapter keeps in a sync token: how far a collection was read, and in which way.

``dav-sync-1:<collection>:<the server's token>`` where the server keeps track (RFC 6578), else
``dav-list-1:<collection>:<all that was there>``: the collection's ctag and every path with its
etag, compressed to some 90 bytes an object. Both are bound to their collection, so that a token can
never be used for another.
"""

import base64
import binascii
import gzip
import hashlib
import json
import zlib
from dataclasses import dataclass
from io import BytesIO

from connections.providers.base import SyncTokenExpired
from connections.providers.dav.paths import Etags

SYNC, LISTING = "dav-sync-1", "dav-list-1"


@dataclass(frozen=True, slots=True)
class ServerToken:
    """The server's own bookmark."""

    token: str


@dataclass(frozen=True, slots=True)
class Listing:
    """What was in the collection. ``ctag`` is empty where the server has none."""

    ctag: str
    etags: Etags


def write_bookmark(bookmark: ServerToken | Listing, collection_path: str) -> str:
    if isinstance(bookmark, ServerToken):
        return f"{SYNC}:{_digest(collection_path)}:{bookmark.token}"
    return f"{LISTING}:{_digest(collection_path)}:{_pack(bookmark)}"


def read_bookmark(sync_token: str, collection_path: str) -> ServerToken | Listing:
    """Raises ``SyncTokenExpired`` for a token of another shape, version or collection."""
    kind, _, rest = sync_token.partition(":")
    digest, _, content = rest.partition(":")
    if digest != _digest(collection_path) or not content:
        raise SyncTokenExpired("The sync token belongs to something else.")
    if kind == SYNC:
        return ServerToken(content)
    if kind == LISTING:
        return _unpack(content)
    raise SyncTokenExpired("The sync token is of another kind.")


def _pack(listing: Listing) -> str:
    """A line of JSON for the ctag, and one for each object: none needs all of them at once."""
    packed = BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as lines:  # equal lists, equal tokens
        lines.write(_line(listing.ctag))
        lines.writelines(_line(member) for member in listing.etags.items())
    return base64.b64encode(packed.getbuffer()).decode()


def _unpack(content: str) -> Listing:
    try:
        packed = BytesIO(base64.b64decode(content, validate=True))
        with gzip.GzipFile(fileobj=packed) as lines:
            ctag = json.loads(next(lines))
            return Listing(ctag, Etags(tuple(json.loads(line)) for line in lines))
    except (binascii.Error, zlib.error, EOFError, OSError, StopIteration, ValueError):
        raise SyncTokenExpired("The sync token is damaged.") from None


def _line(value: object) -> bytes:
    return json.dumps(value).encode() + b"\n"


def _digest(collection_path: str) -> str:
    return hashlib.sha256(collection_path.encode()).hexdigest()[:16]
