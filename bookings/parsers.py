"""Reads request bodies that are no larger than a booking needs, and mean one thing only."""

import json
from typing import Any

from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import JSONParser
from rest_framework.utils.json import strict_constant

LARGEST_BODY = 64 * 1024  # bytes


class BodyTooLarge(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"
    default_detail = "The request is too large."


class BoundedJSONParser(JSONParser):
    """JSON in UTF-8 (RFC 8259) whose size is checked first, past Django's own limit for uploads."""

    def parse(self, stream, media_type=None, parser_context=None) -> Any:
        length = parser_context["request"].META.get("CONTENT_LENGTH") or 0
        if int(length) > LARGEST_BODY:
            raise BodyTooLarge
        try:
            return json.loads(
                stream.read().decode(),
                parse_constant=strict_constant,
                object_pairs_hook=_each_name_once,
            )
        except RecursionError:
            raise ParseError("The JSON is nested too deeply.") from None
        except ValueError as error:
            raise ParseError(f"This is no JSON: {error}") from None


def _each_name_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """What is said twice is understood differently by different readers (RFC 8259, section 4)."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name occurs twice")
    return found
