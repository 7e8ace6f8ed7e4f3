"""When a consultant can be booked, and for what. Durations are minutes."""

from datetime import date, datetime, time, timedelta

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from availability.recurring import HORIZON, expand
from availability.repeats import refuse_bad_rule
from availability.zones import known_zones
from connections.models import CalendarConnection, Consultant, uuid_key

MIDNIGHT = time(0)
A_MONTH = timedelta(days=30)
NEVER = date.min  # as the date that a rule was followed until


def between(lowest: int, highest: int) -> list:
    """Validators of a bounded number."""
    return [MinValueValidator(lowest), MaxValueValidator(highest)]


DURATION = between(5, 1440)  # minutes, as are all but the window (days)
BUFFER = between(0, 1440)
MINIMUM_NOTICE = between(0, 525_600)
BOOKING_WINDOW = between(0, 730)
AT_LEAST_ONE = [MinValueValidator(1)]
LATEST_REMINDER, EARLIEST_REMINDER = 5, 40_320  # minutes before the start
REMINDER = between(LATEST_REMINDER, EARLIEST_REMINDER)
MOST_REMINDERS = 5
LOWER_CASE_WORDS = RegexValidator(
    r"^[a-z0-9]+(-[a-z0-9]+)*\Z", "Use lower-case letters, digits and single hyphens."
)


def validate_time_zone(name: str) -> None:
    """Raise ``ValidationError`` unless ``name`` is an IANA time zone."""
    if name not in known_zones():
        raise ValidationError(
            "%(name)s is not a time zone. Use a name such as Europe/Berlin.", params={"name": name}
        )


def refuse_inverted_hours(start: time | None, end: time | None) -> None:
    """Raise ``ValidationError`` unless ``end`` is later; midnight ends the day it stands for."""
    if start and end is not None and end != MIDNIGHT and end <= start:
        raise ValidationError({"end_time": "The end must be after the start."})


def refuse_inverted_dates(first: date | None, last: date | None, *, field: str) -> None:
    """Raise ``ValidationError`` on ``field`` when the last day is before the first."""
    if first and last and last < first:
        raise ValidationError({field: "The last day must not be before the first."})


def one_day_before() -> list[int]:
    """The reminders that a consultant starts with."""
    return [1440]


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
    duration = models.IntegerField(
        default=30, db_default=30, validators=DURATION, help_text="Minutes."
    )
    buffer_before = models.IntegerField(
        default=0, db_default=0, validators=BUFFER, help_text="Minutes."
    )
    buffer_after = models.IntegerField(
        default=0, db_default=0, validators=BUFFER, help_text="Minutes."
    )
    minimum_notice = models.IntegerField(
        default=120,
        db_default=120,
        validators=MINIMUM_NOTICE,
        help_text="Minutes from now to the earliest start.",
    )
    booking_window = models.IntegerField(
        default=60,
        db_default=60,
        validators=BOOKING_WINDOW,
        help_text="Days from today to the last bookable date; 0 is today only.",
    )
    slot_interval = models.IntegerField(
        null=True,
        blank=True,
        validators=DURATION,
        help_text="Minutes between starts. Empty: the duration.",
    )
    daily_limit = models.IntegerField(
        null=True, blank=True, validators=AT_LEAST_ONE, help_text="Bookings a day."
    )
    weekly_limit = models.IntegerField(
        null=True, blank=True, validators=AT_LEAST_ONE, help_text="Bookings a week, from Monday."
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
        validators=AT_LEAST_ONE,
        help_text="Minutes until data counts as stale. Empty: the installation's.",
    )
    change_notice = models.IntegerField(
        default=0,
        db_default=0,
        validators=MINIMUM_NOTICE,
        help_text="Minutes before the start until which invitees may cancel or move a booking.",
    )
    reminders = ArrayField(
        models.IntegerField(validators=REMINDER),
        size=MOST_REMINDERS,
        default=one_day_before,
        db_default=[1440],
        blank=True,
        help_text="Minutes before the start, separated by commas: 1440, 60. Empty: none.",
    )
    invitee_limit = models.IntegerField(
        "open bookings of one invitee",
        null=True,
        blank=True,
        default=120,
        db_default=120,
        validators=AT_LEAST_ONE,
        help_text="At most so many bookings ahead for one e-mail address. Empty: no limit.",
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "booking_settings"
        verbose_name = "booking settings"
        verbose_name_plural = "booking settings"

    def __str__(self) -> str:
        return f"Settings of {self.user}"

    def read_calendars_anew(self, now: datetime) -> int:
        """For a new time zone: all-day events are stored as dates and get new instants."""
        return CalendarConnection.objects.filter(user=self.user_id).request_sync(now, full=True)


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

    def clean(self) -> None:
        refuse_inverted_hours(self.start_time, self.end_time)
        refuse_inverted_dates(self.valid_from, self.valid_until, field="valid_until")


class AvailabilityExceptionQuerySet(models.QuerySet):
    def to_expand(self, today: date):
        """Recurring ones that were never expanded, or whose horizon has come near."""
        near = Q(expanded_until__gt=NEVER, expanded_until__lt=today + HORIZON - A_MONTH)
        return self.exclude(rrule="").filter(Q(expanded_until=None) | near)


class AvailabilityException(OwnedModel):
    """A change to the weekly hours on some dates: closed, or open at other hours.

    A date with an exception ignores its weekly hours; a closed one outdoes open ones. The columns
    ``covered`` and ``closed`` belong to the database (see the table's trigger).
    """

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

    objects = AvailabilityExceptionQuerySet.as_manager()

    class Meta:
        db_table = "availability_exceptions"
        verbose_name = "exception"

    def __str__(self) -> str:
        return f"{'Closed' if self.is_closed else 'Other hours'} {self.start_date}"

    def save(self, *args, **kwargs) -> None:
        with transaction.atomic():
            super().save(*args, **kwargs)
            self.expand(timezone.now().date())

    def expand(self, today: date) -> None:
        """Tell the database the dates of a recurring exception, as far as anybody can ask.

        Raises ``ValidationError`` for a rule that cannot be followed.
        """
        if self.rrule:
            self.expanded_until = today + HORIZON
            expand(
                id=self.pk,
                rrule=self.rrule,
                first=self.start_date,
                last=self.end_date,
                until=self.expanded_until,
            )

    def give_up_expanding(self) -> None:
        """The rule cannot be followed: closed, until somebody changes it."""
        type(self).objects.filter(pk=self.pk, rrule=self.rrule).update(expanded_until=NEVER)

    def clean(self) -> None:
        refuse_inverted_dates(self.start_date, self.end_date, field="end_date")
        has_hours = [self.start_time is not None, self.end_time is not None]
        if self.is_closed and any(has_hours):
            raise ValidationError({"is_closed": "Untick this, or leave the hours empty."})
        if not self.is_closed and not all(has_hours):
            raise ValidationError({"start_time": "Say from when to when you are open instead."})
        refuse_bad_rule(self.rrule)
        refuse_inverted_hours(self.start_time, self.end_time)


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
        return str(self.start_date or f"{timezone.localtime(self.start_time):%Y-%m-%d %H:%M}")

    def clean(self) -> None:
        has_times, has_dates = self.start_time or self.end_time, self.start_date or self.end_date
        if bool(has_times) == bool(has_dates):
            raise ValidationError("Give either whole days, or a time from and to.")
        if has_times and not (self.start_time and self.end_time):
            raise ValidationError("Give both times: from when and to when.")
        if has_dates and not (self.start_date and self.end_date):
            raise ValidationError("Give both days: the first and the last.")
        if has_times and self.end_time <= self.start_time:
            raise ValidationError({"end_time": "The end must be after the start."})
        refuse_inverted_dates(self.start_date, self.end_date, field="end_date")


class MeetingType(OwnedModel):
    """What can be booked. An empty field means the consultant's default."""

    slug = models.SlugField(max_length=100, validators=[LOWER_CASE_WORDS])
    title = models.TextField()
    description = models.TextField(blank=True, default="", db_default="")
    location = models.TextField(blank=True, default="", db_default="")
    duration = models.IntegerField(null=True, blank=True, validators=DURATION)
    buffer_before = models.IntegerField(null=True, blank=True, validators=BUFFER)
    buffer_after = models.IntegerField(null=True, blank=True, validators=BUFFER)
    minimum_notice = models.IntegerField(null=True, blank=True, validators=MINIMUM_NOTICE)
    booking_window = models.IntegerField(null=True, blank=True, validators=BOOKING_WINDOW)
    slot_interval = models.IntegerField(null=True, blank=True, validators=DURATION)
    daily_limit = models.IntegerField(null=True, blank=True, validators=AT_LEAST_ONE)
    weekly_limit = models.IntegerField(null=True, blank=True, validators=AT_LEAST_ONE)
    change_notice = models.IntegerField(null=True, blank=True, validators=MINIMUM_NOTICE)
    reminders = ArrayField(
        models.IntegerField(validators=REMINDER), size=MOST_REMINDERS, null=True, blank=True
    )
    requires_approval = models.BooleanField(
        "each booking needs your approval", default=False, db_default=False
    )
    has_conference = models.BooleanField(
        "with a video call",
        default=False,
        db_default=False,
        help_text="Google Meet or Teams, where the calendar that receives bookings has it.",
    )
    questions = models.JSONField(
        default=list, blank=True, db_default=models.Value([], models.JSONField())
    )
    is_active = models.BooleanField("active", default=True, db_default=True)

    class Meta:
        db_table = "meeting_types"
        verbose_name = "meeting type"
        constraints = [
            models.UniqueConstraint(
                fields=["user", "slug"],
                name="meeting_types_slug_unique",
                violation_error_message="Another meeting type has this address. Choose another.",
            )
        ]

    def __str__(self) -> str:
        return self.title
