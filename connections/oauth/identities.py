"""Which consultant is let in by which account at a provider: links, made on the desk alone.

An account is known by the provider's own id of it. Its address is there to be read: addresses
change hands, and not every provider has verified them.
"""

from dataclasses import dataclass

from allauth.socialaccount.models import SocialAccount
from django.db import transaction
from django.shortcuts import get_object_or_404

from connections.models import Consultant
from connections.oauth.offers import OFFERS, configured_offers


@dataclass(frozen=True, slots=True)
class Link:
    pk: int
    company: str
    email: str


class LinkedElsewhere(Exception):
    """The account lets another consultant in."""


class OnlyWayIn(Exception):
    """Without this link, and without a password, the consultant could not sign in any more."""


def links_of(consultant: Consultant) -> list[Link]:
    """In the order in which they were made."""
    companies = {offer.sign_in: offer.company for offer in OFFERS.values()}
    rows = SocialAccount.objects.filter(user=consultant, provider__in=companies).order_by("pk")
    return [Link(row.pk, companies[row.provider], row.extra_data["email"]) for row in rows]


def link(consultant: Consultant, account: SocialAccount) -> None:
    """Let the account in as the consultant. Raises ``LinkedElsewhere``."""
    row, _ = SocialAccount.objects.get_or_create(
        provider=account.provider,
        uid=account.uid,
        defaults={"user": consultant, "extra_data": account.extra_data},
    )
    if row.user_id != consultant.pk:
        raise LinkedElsewhere


@transaction.atomic
def unlink(consultant: Consultant, account_id: int) -> None:
    """Raises ``OnlyWayIn``, and ``Http404`` for what is not the consultant's."""
    consultant = Consultant.objects.select_for_update().get(pk=consultant.pk)  # one at a time
    links = SocialAccount.objects.filter(user=consultant)
    row = get_object_or_404(links, pk=account_id)
    working = [offer.sign_in for offer in configured_offers()]
    others = links.filter(provider__in=working).exclude(pk=row.pk)
    if not (consultant.has_usable_password() or others.exists()):
        raise OnlyWayIn
    row.delete()
