"""Where a consultant's own systems are told of bookings, and what each of them was told."""

from datetime import datetime
from secrets import token_urlsafe

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from availability.models import OwnedModel
from connections.fields import EncryptedTextField
from connections.models import uuid_key

SECRET_PREFIX = "whsec_"  # noqa: S105  that people and scanners recognise it by


class WebhookEvent(models.TextChoices):
    CREATED = "created", "a booking is made or asked for"
    CHANGED = "changed", "it is moved, confirmed or taken back"
    CANCELLED = "cancelled", "it is cancelled or declined"


def all_events() -> list[str]:
    return list(WebhookEvent.values)


class WebhookEndpoint(OwnedModel):
    """An address that is called when something happens to a booking of the consultant's."""

    url = models.TextField("address", help_text="https only, e.g. https://crm.example.com/calsync")
    secret = EncryptedTextField(null=True, db_column="secret_encrypted")
    events = ArrayField(
        models.TextField(choices=WebhookEvent), default=all_events, db_default=all_events()
    )
    is_active = models.BooleanField("active", default=True, db_default=True)

    class Meta:
        db_table = "webhook_endpoints"
        verbose_name = "webhook"
        constraints = [
            models.UniqueConstraint(
                fields=["user", "url"],
                name="webhook_endpoints_once",
                violation_error_message="This address is called already.",
            )
        ]

    def __str__(self) -> str:
        return self.url

    def make_secret(self) -> str:
        """A new secret, good from now on. It is shown once: nobody can read it here later."""
        plain = SECRET_PREFIX + token_urlsafe(32)
        self.secret = plain
        return plain


class WebhookDeliveryQuerySet(models.QuerySet):
    def due(self, now: datetime):
        return self.filter(due_at__lte=now).order_by("due_at")

    def startable(self, now: datetime):
        """Those that no worker is at, and whose endpoint need not be left alone."""
        owed = self.exclude(due_at=None)
        return owed.filter(Q(not_before=None) | Q(not_before__lte=now))

    def given_up(self):
        return self.filter(due_at=None, delivered_at=None)

    def failing(self, since: datetime):
        """Those that were tried in vain so far, or given up after ``since``."""
        tried = self.filter(delivered_at=None).exclude(error="")
        return tried.exclude(due_at=None, created_at__lt=since)


class WebhookDelivery(models.Model):
    """Something that an endpoint is told, once it has taken it."""

    id = uuid_key()
    endpoint = models.ForeignKey(
        WebhookEndpoint, models.CASCADE, related_name="deliveries", db_constraint=False
    )
    booking = models.ForeignKey(
        "bookings.Booking", models.CASCADE, related_name="deliveries", db_constraint=False
    )
    event = models.TextField(choices=WebhookEvent)
    sequence = models.IntegerField("revision")
    payload = models.JSONField()
    due_at = models.DateTimeField("next try", null=True, db_default=Now())
    not_before = models.DateTimeField(null=True)
    attempts = models.IntegerField(default=0, db_default=0)
    status_code = models.IntegerField("status", null=True)
    answer = models.TextField(default="", db_default="")
    error = models.TextField(default="", db_default="")
    delivered_at = models.DateTimeField("delivered", null=True)
    created_at = models.DateTimeField("since", db_default=Now(), editable=False)

    objects = WebhookDeliveryQuerySet.as_manager()

    class Meta:
        db_table = "webhook_deliveries"
        verbose_name = "webhook delivery"
        verbose_name_plural = "webhook deliveries"
        constraints = [
            models.UniqueConstraint(
                fields=["endpoint", "booking", "event", "sequence"], name="webhook_deliveries_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.booking_id}"
