"""When a consultant can be booked, and for what. Durations are minutes."""

from zoneinfo import available_timezones

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Now

from connections.models import Consultant, uuid_key


def validate_time_zone(name: str) -> None:
    """Raise ``ValidationError`` unless ``name`` is an IANA time zone."""
    if name not in available_timezones():
        raise ValidationError(
            "%(name)s is not a time zone. Use a name such as Europe/Berlin.", params={"name": name}
        )


class OwnedModel(models.Model):
    """A row that belongs to one consultant."""

    id = uuid_key()
    user = models.ForeignKey(Consultant, models.CASCADE, db_constraint=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        abstract = True


class StalePolicy(models.TextChoices):
    KEEP = "keep", "keep offering slots; confirm a booking only after a fresh look"
    CLOSE = "close", "offer nothing until the calendars are fresh again"


class BookingSettings(models.Model):
    """A consultant's time zone, and the defaults that a meeting type may override."""

    id = uuid_key()
    user = models.OneToOneField(
        Consultant, models.CASCADE, related_name="booking_settings", db_constraint=False
    )
    time_zone = models.TextField(default="UTC", db_default="UTC", validators=[validate_time_zone])
    duration = models.IntegerField(default=30, db_default=30, help_text="Minutes.")
    buffer_before = models.IntegerField(default=0, db_default=0, help_text="Minutes.")
    buffer_after = models.IntegerField(default=0, db_default=0, help_text="Minutes.")
    minimum_notice = models.IntegerField(
        default=120, db_default=120, help_text="Minutes from now to the earliest start."
    )
    booking_window = models.IntegerField(
        default=60,
        db_default=60,
        help_text="Days from today to the last bookable date; 0 is today only.",
    )
    slot_interval = models.IntegerField(
        null=True, blank=True, help_text="Minutes between starts. Empty: the duration."
    )
    daily_limit = models.IntegerField(null=True, blank=True, help_text="Bookings a day.")
    weekly_limit = models.IntegerField(
        null=True, blank=True, help_text="Bookings a week, from Monday."
    )
    stale_policy = models.TextField(
        "when a calendar cannot be read",
        choices=StalePolicy,
        default=StalePolicy.KEEP,
        db_default=StalePolicy.KEEP,
    )
    max_data_age = models.IntegerField(
        null=True,
        blank=True,
        help_text="Minutes until data counts as stale. Empty: the installation's.",
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "booking_settings"
        verbose_name = "booking settings"
        verbose_name_plural = "booking settings"

    def __str__(self) -> str:
        return f"Settings of {self.user}"


class Weekday(models.IntegerChoices):
    MONDAY = 0
    TUESDAY = 1
    WEDNESDAY = 2
    THURSDAY = 3
    FRIDAY = 4
    SATURDAY = 5
    SUNDAY = 6


class AvailabilityRule(OwnedModel):
    """Weekly hours in the consultant's zone; 00:00 as an end is midnight at the day's end."""

    day_of_week = models.SmallIntegerField(choices=Weekday)
    start_time = models.TimeField("from")
    end_time = models.TimeField("to", help_text="00:00 means midnight at the day's end.")
    valid_from = models.DateField(null=True, blank=True)
    valid_until = models.DateField(null=True, blank=True, help_text="Inclusive.")

    class Meta:
        db_table = "availability"
        verbose_name = "weekly hours"
        verbose_name_plural = "weekly hours"

    def __str__(self) -> str:
        return f"{self.get_day_of_week_display()} {self.start_time:%H:%M}–{self.end_time:%H:%M}"


class AvailabilityException(OwnedModel):
    """A change to the weekly hours on some dates: closed, or open at other hours."""

    is_closed = models.BooleanField("closed", default=True, db_default=True)
    start_date = models.DateField("from")
    end_date = models.DateField("to", null=True, blank=True, help_text="Inclusive. Empty: one day.")
    start_time = models.TimeField("open from", null=True, blank=True)
    end_time = models.TimeField("open to", null=True, blank=True)
    rrule = models.TextField(
        "repeats",
        blank=True,
        default="",
        db_default="",
        help_text="RFC 5545, e.g. FREQ=MONTHLY;BYDAY=1FR for every first Friday.",
    )
    reason = models.TextField(blank=True, default="", db_default="")
    expanded_until = models.DateField(null=True, editable=False)

    class Meta:
        db_table = "availability_exceptions"
        verbose_name = "exception"

    def __str__(self) -> str:
        return f"{'Closed' if self.is_closed else 'Other hours'} {self.start_date}"


class BlockedDate(OwnedModel):
    """Time taken out by hand: a span of instants, or whole days."""

    start_time = models.DateTimeField("from", null=True, blank=True)
    end_time = models.DateTimeField("to", null=True, blank=True)
    start_date = models.DateField("whole days from", null=True, blank=True)
    end_date = models.DateField("whole days to", null=True, blank=True, help_text="Inclusive.")
    reason = models.TextField(blank=True, default="", db_default="")

    class Meta:
        db_table = "blocked_dates"
        verbose_name = "blocked date"

    def __str__(self) -> str:
        return str(self.start_date or self.start_time)


class MeetingType(OwnedModel):
    """What can be booked. An empty field means the consultant's default."""

    slug = models.SlugField(max_length=100)
    title = models.TextField()
    description = models.TextField(blank=True, default="", db_default="")
    location = models.TextField(blank=True, default="", db_default="")
    duration = models.IntegerField(null=True, blank=True)
    buffer_before = models.IntegerField(null=True, blank=True)
    buffer_after = models.IntegerField(null=True, blank=True)
    minimum_notice = models.IntegerField(null=True, blank=True)
    booking_window = models.IntegerField(null=True, blank=True)
    slot_interval = models.IntegerField(null=True, blank=True)
    daily_limit = models.IntegerField(null=True, blank=True)
    weekly_limit = models.IntegerField(null=True, blank=True)
    questions = models.JSONField(
        default=list, blank=True, db_default=models.Value("[]", models.JSONField())
    )
    is_active = models.BooleanField("active", default=True, db_default=True)

    class Meta:
        db_table = "meeting_types"
        verbose_name = "meeting type"
        constraints = [
            models.UniqueConstraint(fields=["user", "slug"], name="meeting_types_slug_unique")
        ]

    def __str__(self) -> str:
        return self.title
