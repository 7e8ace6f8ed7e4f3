"""A letter: what one mail says, before it is text and HTML.

Both come from the same letter, so that they cannot say different things.
"""

from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives
from django.core.validators import validate_email
from django.template.loader import render_to_string

from bookings.wording import one_line, shortened

LONGEST_SUBJECT = 200  # characters


class AddressUnusable(Exception):
    """What stands for the recipient's address is none: trying again will not help."""


@dataclass(frozen=True, slots=True)
class Link:
    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Invitation:
    """The event for the reader's calendar, and what is to be done with it: REQUEST, CANCEL."""

    file: bytes
    method: str

    @property
    def text(self) -> str:
        return self.file.decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """``facts`` are short and by label; ``quotes`` is what people wrote, under a heading each."""

    to: str
    reply_to: str = ""
    subject: str
    heading: str
    before: tuple[str, ...] = ()  # paragraphs
    about: str
    facts: tuple[tuple[str, str], ...] = ()
    quotes: tuple[tuple[str, str], ...] = ()
    link: Link
    closing: str = ""
    invitation: Invitation | None = None

    def text(self) -> str:
        return render_to_string("bookings/mail/letter.txt", {"letter": self}).strip() + "\n"

    def html(self) -> str:
        return render_to_string("bookings/mail/letter.html", {"letter": self})

    def message(self) -> EmailMultiAlternatives:
        """Raises ``AddressUnusable``."""
        if not is_address(self.to):
            raise AddressUnusable(f"“{shortened(one_line(self.to), 100)}” is no e-mail address.")
        message = EmailMultiAlternatives(
            subject=shortened(one_line(self.subject), LONGEST_SUBJECT),
            body=self.text(),
            to=[self.to],
            reply_to=[self.reply_to] if is_address(self.reply_to) else None,
        )
        message.attach_alternative(self.html(), "text/html")
        if self.invitation:
            _attach(message, self.invitation)
        return message


def is_address(text: str) -> bool:
    """Whether mail can be addressed to it; a line break in it would be a header of its own."""
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True


def _attach(message: EmailMultiAlternatives, invitation: Invitation) -> None:
    """Once for mail programs that show an invitation, once as a file for those that do not."""
    kind = f"text/calendar; method={invitation.method}"
    message.attach_alternative(invitation.text, kind)
    message.attach("invite.ics", invitation.file, "application/ics")
