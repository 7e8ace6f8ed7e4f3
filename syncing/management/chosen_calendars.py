"""Which calendars a command is about: all active ones, unless its arguments narrow the choice."""

from argparse import ArgumentParser, ArgumentTypeError
from uuid import UUID

from django.core.management.base import CommandError

from connections.models import CalendarConnection, Provider


def add_choice(parser: ArgumentParser) -> None:
    parser.add_argument("--connection", type=connection_id, help="only this connection (UUID)")
    parser.add_argument("--consultant", metavar="EMAIL", help="only this consultant's calendars")
    parser.add_argument("--provider", choices=Provider.values, help="only this provider's")


def connection_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a connection's id (a UUID).") from None


def chosen_calendars(
    *, connection: UUID | None, consultant: str | None, provider: str | None
) -> list[CalendarConnection]:
    """At least one. Raises ``CommandError`` where none matches."""
    chosen = CalendarConnection.objects.active().select_related("user")
    if connection:
        chosen = chosen.filter(pk=connection)
    if consultant:
        chosen = chosen.filter(user__email__iexact=consultant)
    if provider:
        chosen = chosen.filter(provider=provider)
    if not chosen:
        raise CommandError("No active connection matches.")
    return list(chosen.order_by("user__email", "calendar_name"))
