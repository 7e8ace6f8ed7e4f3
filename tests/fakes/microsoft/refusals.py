"""Microsoft's error bodies, as refusals of a route or as faults.

https://learn.microsoft.com/en-us/graph/errors
https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes
"""

import json

from tests.connections.providers.far_end import Fault, Response, instead
from tests.fakes.http import JSON, Refusal


def refusal(status: int, code: str, message: str = "", **further: object) -> Refusal:
    return Refusal(Response(status, JSON, _body(code, message, **further).encode()))


def refusing(
    status: int, code: str, message: str = "", *, headers: dict[str, str] | None = None
) -> Fault:
    """A fault: refuse with this code. A header's ``Retry_After`` stands for ``Retry-After``."""
    return instead(status, _body(code, message), **(headers or {}))


def not_found() -> Refusal:
    return refusal(404, "ErrorItemNotFound", "The specified object was not found in the store.")


def denied() -> Refusal:
    return refusal(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")


def not_authenticated() -> Refusal:
    return refusal(401, "InvalidAuthenticationToken", "Lifetime validation failed.")


def sign_in_refusal(status: int, error: str, number: int) -> Refusal:
    return Refusal(Response(status, JSON, _sign_in_body(error, number).encode()))


def aadsts(status: int, error: str, number: int, **headers: str) -> Fault:
    """A fault of the identity platform: its error, and the number it goes by."""
    return instead(status, _sign_in_body(error, number), **headers)


def _body(code: str, message: str, **further: object) -> str:
    inner = {"date": "2026-06-01T00:00:00", "request-id": "0", "client-request-id": "0"}
    error = {"code": code, "message": message or code, "innerError": inner, **further}
    return json.dumps({"error": error})


def _sign_in_body(error: str, number: int) -> str:
    return json.dumps(
        {
            "error": error,
            "error_description": f"AADSTS{number}: The reason. Trace ID: 0 Timestamp: 0",
            "error_codes": [number],
            "timestamp": "2026-06-01 00:00:00Z",
            "trace_id": "0",
            "correlation_id": "0",
        }
    )
