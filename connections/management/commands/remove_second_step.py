"""``manage.py remove_second_step``: for who has lost the phone and the recovery codes."""

from django.core.management.base import BaseCommand, CommandError

from connections import mfa
from connections.models import Consultant


class Command(BaseCommand):
    help = (
        "Forget the authenticator app and the recovery codes of one consultant, who then signs in "
        "with the password alone. Make sure first that it is they who ask."
    )

    def add_arguments(self, parser) -> None:
        parser.add_argument("email", help="the consultant's e-mail address")

    def handle(self, *args, email: str, **options) -> None:
        consultant = Consultant.objects.filter(email__iexact=email).first()
        if consultant is None:
            raise CommandError(f"There is no consultant with the e-mail address {email}.")
        if not mfa.remove(consultant):
            raise CommandError(f"{email} has no second step.")
        self.stdout.write(f"{email} signs in without a second step until a new one is set up.")
