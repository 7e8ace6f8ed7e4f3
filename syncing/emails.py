"""What the mail about a lost account says."""

from collections.abc import Sequence
from email.utils import parseaddr

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse

from connections.models import CalendarConnection


def reconnect_mail(account: Sequence[CalendarConnection]) -> EmailMultiAlternatives:
    """To the consultant, about the active calendars of one account.

    However often it is made for one loss, the same under the same Message-ID.
    """
    first = account[0]
    context = _context(account)
    lost_at = first.reconnect_needed_at
    message = EmailMultiAlternatives(
        subject=f"Connect {context['account']} again",
        body=render_to_string("syncing/mail/reconnect.txt", context),
        to=[first.user.email],
        headers={
            "Message-ID": f"<reconnect-{first.pk}-{lost_at:%Y%m%d%H%M%S%f}@{_domain()}>",
            "Auto-Submitted": "auto-generated",  # no out-of-office replies, please (RFC 3834)
        },
    )
    message.attach_alternative(
        render_to_string("syncing/mail/reconnect.html", context), "text/html"
    )
    return message


def _context(account: Sequence[CalendarConnection]) -> dict:
    first = account[0]
    blocks = any(row.blocks_time for row in account)
    return {
        "account": _one_line(first.provider_email or first.get_provider_display()),
        "provider": first.get_provider_display(),
        "calendars": [_one_line(str(row)) for row in account],
        "blocks": blocks,
        "closes": blocks and first.user.booking_settings.stale_policy == "close",
        "receives": any(row.is_primary for row in account),
        "calendars_url": settings.PUBLIC_URL
        + reverse("admin:connections_calendarconnection_changelist"),
    }


def _domain() -> str:
    return parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]


def _one_line(text: str) -> str:
    """Names from a provider may hold line breaks, which a subject must not."""
    return " ".join(text.split())
