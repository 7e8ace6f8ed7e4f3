"""What the installation's settings say to the SQL, which cannot read the environment."""

from django.db import connection


def tell_database(*, max_data_age_minutes: int) -> None:
    """Set the age, in minutes, from which a calendar's data counts as stale by default."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE calsync.installation SET max_data_age_minutes = %s", [max_data_age_minutes]
        )
