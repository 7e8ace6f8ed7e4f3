"""What the adapter keeps in a sync token: how far a collection was read, and in which way.

``dav-sync-1:<collection>:<the server's token>`` where the server keeps track (RFC 6578), else
``dav-list-1:<collection>:<all that was there>``: the collection's ctag and every path with its
etag, compressed. Both are bound to their collection, so that a token can never be used for another.
"""

import base64
import binascii
import hashlib
import json
import zlib
from dataclasses import dataclass

from connections.providers.base import SyncTokenExpired

SYNC, LISTING = "dav-sync-1", "dav-list-1"


@dataclass(frozen=True, slots=True)
class ServerToken:
    """The server's own bookmark."""

    token: str


@dataclass(frozen=True, slots=True)
class Listing:
    """What was in the collection. ``ctag`` is empty where the server has none."""

    ctag: str
    etags: dict[str, str]


def write_bookmark(bookmark: ServerToken | Listing, collection_path: str) -> str:
    if isinstance(bookmark, ServerToken):
        return f"{SYNC}:{_digest(collection_path)}:{bookmark.token}"
    packed = zlib.compress(json.dumps([bookmark.ctag, bookmark.etags]).encode())
    return f"{LISTING}:{_digest(collection_path)}:{base64.b64encode(packed).decode()}"


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


def _unpack(content: str) -> Listing:
    try:
        return Listing(*json.loads(zlib.decompress(base64.b64decode(content, validate=True))))
    except (binascii.Error, zlib.error, ValueError, TypeError):
        raise SyncTokenExpired("The sync token is damaged.") from None


def _digest(collection_path: str) -> str:
    return hashlib.sha256(collection_path.encode()).hexdigest()[:16]
