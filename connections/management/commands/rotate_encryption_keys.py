"""``manage.py rotate_encryption_keys``: the step between adding a key and dropping the old one."""

from django.core.management.base import BaseCommand, CommandError

from connections.rotation import rotate_all


class Command(BaseCommand):
    help = (
        "Encrypt every stored secret with the first of TOKEN_ENCRYPTION_KEYS. Put the new key "
        "first, restart everything, run this, then remove the old key and restart again."
    )

    def handle(self, *args, **options) -> None:
        unreadable = 0
        for result in rotate_all():
            unreadable += len(result.unreadable)
            self.stdout.write(
                f"{result.column}: {result.rotated} re-encrypted, {result.current} already "
                f"current, {len(result.unreadable)} unreadable"
            )
            for key in result.unreadable:
                self.stderr.write(f"{result.column}, row {key}: no key opens it")
        if unreadable:
            raise CommandError(
                f"Secrets that cannot be decrypted: {unreadable}. Put the key they were encrypted "
                "with back into TOKEN_ENCRYPTION_KEYS and run this again, or reconnect calendars "
                "and remove second steps."
            )
