"""What calsync knows of the calendars: their events, and the story of each sync."""

from django.db import models
from django.db.models.functions import Now

from connections.models import CalendarConnection, uuid_key


class EventStatus(models.TextChoices):
    CONFIRMED = "confirmed", "confirmed"
    TENTATIVE = "tentative", "tentative"
    CANCELLED = "cancelled", "cancelled"


class Transparency(models.TextChoices):
    OPAQUE = "opaque", "busy"
    TRANSPARENT = "transparent", "free"


class SyncedEvent(models.Model):
    """One occurrence of an event as our row stores it. Written by the engine alone."""

    id = uuid_key()
    connection = models.ForeignKey(
        CalendarConnection, models.CASCADE, related_name="events", db_constraint=False
    )
    provider_event_id = models.TextField()
    title = models.TextField(null=True)
    start_time = models.DateTimeField("start")
    end_time = models.DateTimeField("end")
    is_all_day = models.BooleanField("all day", default=False, db_default=False)
    status = models.TextField(
        choices=EventStatus, default=EventStatus.CONFIRMED, db_default=EventStatus.CONFIRMED
    )
    transparency = models.TextField(
        "shown as",
        choices=Transparency,
        default=Transparency.OPAQUE,
        db_default=Transparency.OPAQUE,
    )
    is_ohboy_booking = models.BooleanField("our booking", default=False, db_default=False)
    booking_id = models.UUIDField(null=True)
    provider_updated_at = models.DateTimeField(null=True)
    raw_data = models.JSONField(null=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    series_id = models.TextField(default="", db_default="")
    start_date = models.DateField(null=True)
    end_date = models.DateField(null=True)
    problem = models.TextField(default="", db_default="")
    floats_in = models.TextField(default="", db_default="")

    class Meta:
        db_table = "synced_events"
        verbose_name = "synced event"

    def __str__(self) -> str:
        return self.title or "Busy"


class SyncLogStatus(models.TextChoices):
    STARTED = "started", "started"
    COMPLETED = "completed", "completed"
    FAILED = "failed", "failed"


class SyncLog(models.Model):
    """One sync run: what it did, how long it took, why it failed."""

    id = uuid_key()
    connection = models.ForeignKey(
        CalendarConnection,
        models.SET_NULL,
        null=True,
        related_name="sync_logs",
        db_constraint=False,
    )
    operation = models.TextField()
    status = models.TextField(
        choices=SyncLogStatus, default=SyncLogStatus.STARTED, db_default=SyncLogStatus.STARTED
    )
    events_processed = models.IntegerField("processed", default=0, db_default=0)
    events_created = models.IntegerField("created", default=0, db_default=0)
    events_updated = models.IntegerField("updated", default=0, db_default=0)
    events_deleted = models.IntegerField("deleted", default=0, db_default=0)
    error_message = models.TextField("error", null=True)
    duration_ms = models.IntegerField("duration (ms)", null=True)
    metadata = models.JSONField(null=True)
    created_at = models.DateTimeField("started at", db_default=Now(), editable=False)

    class Meta:
        db_table = "sync_logs"
        verbose_name = "sync log"

    def __str__(self) -> str:
        return f"{self.operation} {self.status}"
