"""Buttons of the desk: each is a POST that acts at once."""

from collections.abc import Callable
from functools import wraps

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

SIGNED_OUT = "You had been signed out; nothing was done. Press it again."

View = Callable[..., HttpResponse]


def to_the_desk(request: HttpRequest) -> HttpResponse:
    return redirect("admin:index")


def button(back: View = to_the_desk) -> Callable[[View], View]:
    """For a view that takes POST alone; ``back`` leads to the page where it is pressed.

    Who was signed out meanwhile comes, once signed in, to the button's own address with a GET.
    """

    def as_button(view: View) -> View:
        pressed = require_POST(view)

        @wraps(view)
        def answer(request: HttpRequest, *args, **kwargs) -> HttpResponse:
            if request.method not in ("GET", "HEAD"):
                return pressed(request, *args, **kwargs)
            messages.warning(request, SIGNED_OUT)
            return back(request, *args)

        return answer

    return as_button
