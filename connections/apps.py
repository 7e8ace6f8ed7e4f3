from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import pre_migrate


class ConnectionsConfig(AppConfig):
    name = "connections"
    verbose_name = "Calendars"

    def ready(self) -> None:
        pre_migrate.connect(create_private_schema, sender=self)


def create_private_schema(*, using: str, **kwargs) -> None:
    """Make the schema that holds everything but the business tables.

    It must exist before the first table: PostgreSQL ignores a missing schema in ``search_path``,
    and Django's tables would land in ``public``, where the Supabase API shows them to the world.
    """
    with connections[using].cursor() as cursor:
        cursor.execute("CREATE SCHEMA IF NOT EXISTS calsync")
        cursor.execute("REVOKE ALL ON SCHEMA calsync FROM PUBLIC")
