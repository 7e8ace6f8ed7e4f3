"""A page as an answer, with when it is worth trying again: in a header, and in words."""

import math

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def answer(
    request: HttpRequest, template: str, context: dict, *, status: int = 200, retry_after: int = 0
) -> HttpResponse:
    """``retry_after`` is in seconds."""
    context = context | {"retry_minutes": math.ceil(retry_after / 60)}
    response = render(request, template, context, status=status)
    if retry_after:
        response.headers["Retry-After"] = str(retry_after)
    return response
