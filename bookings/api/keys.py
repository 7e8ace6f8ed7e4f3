"""The ``Idempotency-Key`` header: a request that is sent again with its key happens once."""

from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

NAME = "Idempotency-Key"
LONGEST = 255  # characters

IDEMPOTENCY_KEY = OpenApiParameter(
    NAME,
    location=OpenApiParameter.HEADER,
    description="Sent again with the same key, a request happens once and gets the same answer. "
    f"1 to {LONGEST} printable characters.",
)


def idempotency_key(request: Request) -> str | None:
    """Raises ``ValidationError``."""
    key = request.headers.get(NAME)
    if key is not None and not (0 < len(key) <= LONGEST and key.isprintable()):
        raise ValidationError({NAME: [f"Send 1 to {LONGEST} printable characters."]})
    return key
