"""Google's error bodies, as refusals of a route or as faults.

https://developers.google.com/workspace/calendar/api/guides/errors
"""

import json

from tests.connections.providers.far_end import Fault, Response, instead
from tests.fakes.http import JSON, Refusal


def refusal(status: int, reason: str, message: str = "", **details: str) -> Refusal:
    return Refusal(Response(status, JSON, error_body(status, reason, message, **details).encode()))


def refusing(
    status: int, reason: str, *, headers: dict[str, str] | None = None, **details
) -> Fault:
    """A fault: refuse for this reason. A header's ``Retry_After`` stands for ``Retry-After``."""
    return instead(status, error_body(status, reason, **details), **(headers or {}))


def error_body(
    status: int,
    reason: str,
    message: str = "",
    *,
    domain: str = "global",
    location: str = "",
    location_type: str = "parameter",
) -> str:
    error = {"domain": domain, "reason": reason, "message": message or reason}
    if location:
        error |= {"locationType": location_type, "location": location}
    return json.dumps({"error": {"errors": [error], "code": status, "message": message or reason}})


def not_found() -> Refusal:
    return refusal(404, "notFound", "Not Found")


def invalid(message: str, location: str = "") -> Refusal:
    return refusal(400, "invalid", message, location=location)


def token_expired() -> Refusal:
    message = "Sync token is no longer valid, a full sync is required."
    return refusal(410, "fullSyncRequired", message, domain="calendar", location="syncToken")


def not_authenticated() -> Refusal:
    message = "Invalid Credentials"
    place = {"location": "Authorization", "location_type": "header"}
    return refusal(401, "authError", message, **place)


def not_permitted() -> Refusal:
    """A scope is missing. This one also speaks the language of newer services."""
    error = {
        "code": 403,
        "message": "Request had insufficient authentication scopes.",
        "errors": [{"domain": "global", "reason": "insufficientPermissions"}],
        "status": "PERMISSION_DENIED",
        "details": [
            {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
                "domain": "googleapis.com",
            }
        ],
    }
    return Refusal(Response(403, JSON, json.dumps({"error": error}).encode()))
