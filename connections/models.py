"""Who the consultant is, and which calendars they have connected."""

import uuid
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.db import models, transaction
from django.db.models import Q
from django.db.models.functions import Greatest, Lower, Now
from django.utils.text import slugify

from connections.fields import EncryptedTextField
from connections.providers.base import Credentials

RANDOM_UUID = models.Func(function="gen_random_uuid")


def uuid_key() -> models.UUIDField:
    """A primary key that Python and the database can both make up."""
    return models.UUIDField(
        primary_key=True, default=uuid.uuid4, db_default=RANDOM_UUID, editable=False
    )


class ConsultantManager(BaseUserManager):
    use_in_migrations = True

    def create_user(self, email: str, password: str | None = None, **fields) -> "Consultant":
        consultant = self.model(email=self.normalize_email(email), **fields)
        consultant.give_slug()
        consultant.set_password(password)
        consultant.save(using=self._db)
        return consultant

    def create_superuser(self, email: str, password: str | None = None, **fields) -> "Consultant":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, email: str) -> "Consultant":
        return self.get(email__iexact=email)

    def free_slug(self, wish: str) -> str:
        base = slugify(wish) or "consultant"
        taken = set(self.filter(slug__startswith=base).values_list("slug", flat=True))
        return next(
            slug
            for number in range(1, len(taken) + 2)
            if (slug := base if number == 1 else f"{base}-{number}") not in taken
        )


class Consultant(AbstractUser):
    """Whose time is booked: the user model. Signs in with an e-mail address."""

    username = None
    first_name = None
    last_name = None

    id = uuid_key()
    email = models.EmailField("e-mail address", unique=True)
    name = models.CharField(max_length=200, blank=True, help_text="As invitees see it.")
    slug = models.SlugField(
        max_length=100,
        unique=True,
        blank=True,
        help_text="The end of the booking page's address: /book/your-name/",
    )
    is_primary = models.BooleanField(
        "primary consultant",
        default=False,
        db_default=False,
        help_text="Whom the website means when it names no consultant.",
    )

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = []

    objects = ConsultantManager()

    class Meta:
        db_table = "consultants"
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="consultants_email_unique",
                violation_error_message="There is a consultant with this e-mail address already.",
            ),
            models.UniqueConstraint(
                fields=["is_primary"],
                condition=Q(is_primary=True),
                name="consultants_one_primary",
                violation_error_message="Another consultant is the primary one. Change it there.",
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.email

    def clean(self) -> None:
        super().clean()
        self.give_slug()

    def give_slug(self) -> None:
        """Make up the booking page's address where none was chosen."""
        wish = self.name or self.email.split("@")[0]
        self.slug = self.slug or Consultant.objects.free_slug(wish)

    def get_full_name(self) -> str:
        return str(self)

    def get_short_name(self) -> str:
        return str(self)

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which the consultant's dates and wall times are read."""
        return ZoneInfo(self.booking_settings.time_zone)

    @property
    def has_calls(self) -> bool:
        """Whether the calendar that receives the bookings makes video calls for them."""
        return self.connections.receiving().filter(provider__in=MAKE_CALLS).exists()


def known_zone(name: str) -> ZoneInfo | None:
    """The zone of that IANA name; None where this machine knows none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # the name of a folder is an OSError
        return None


class Provider(models.TextChoices):
    GOOGLE = "google", "Google Calendar"
    MICROSOFT = "microsoft", "Microsoft 365"
    APPLE = "apple", "Apple / CalDAV"


MAKE_CALLS = [Provider.GOOGLE, Provider.MICROSOFT]  # Google Meet, Teams


class SyncStatus(models.TextChoices):
    PENDING = "pending", "waiting for its first sync"
    SYNCING = "syncing", "syncing"
    SYNCED = "synced", "up to date"
    ERROR = "error", "error"


class CalendarConnectionQuerySet(models.QuerySet):
    def active(self):
        return self.filter(is_active=True)

    def reachable(self):
        """Those whose sign-in is accepted, as far as is known."""
        return self.active().filter(reconnect_needed_at=None)

    def receiving(self):
        """Those that bookings are written to: one of each consultant at most."""
        return self.active().filter(is_primary=True, is_writable=True)

    def due(self, now: datetime):
        """What the sweeper should hand to a worker, the longest waiting first."""
        return self.active().filter(next_sync_at__lte=now).order_by("next_sync_at")

    def needing_watch(self, now: datetime):
        """Whose watch is to be opened, renewed or stopped, the longest waiting first."""
        signed_in = self.filter(reconnect_needed_at=None)
        return signed_in.filter(next_watch_at__lte=now).order_by("next_watch_at")

    def reconnect_unmailed(self):
        """Whose access is lost, which their consultant has not been told yet."""
        return self.active().exclude(reconnect_needed_at=None).filter(reconnect_mailed_at=None)

    def of_account(self, connection: "CalendarConnection"):
        """The rows that share this connection's credentials."""
        return self.filter(
            user=connection.user_id,
            provider=connection.provider,
            provider_email=connection.provider_email,
            caldav_url=connection.caldav_url,
        )

    def request_sync(self, now: datetime, *, full: bool = False) -> int:
        """Make these rows due: now, or as soon as their provider lets itself be asked again.

        A request that arrives during a sync is served after it.
        """
        changes = {
            "next_sync_at": Greatest(now, "not_before", output_field=models.DateTimeField()),
            "sync_requested_at": now,
        }
        if full:
            changes["full_sync_requested"] = True
        return self.reachable().update(**changes)


class CalendarConnection(models.Model):
    """The consultant's access to one calendar at a provider, and the state of its sync."""

    id = uuid_key()
    user = models.ForeignKey(
        Consultant, models.CASCADE, related_name="connections", db_constraint=False
    )
    provider = models.TextField(choices=Provider)
    provider_email = models.TextField("account", null=True, blank=True)
    calendar_id = models.TextField()
    calendar_name = models.TextField("calendar", null=True, blank=True)
    access_token = EncryptedTextField(null=True, db_column="access_token_encrypted")
    refresh_token = EncryptedTextField(null=True, db_column="refresh_token_encrypted")
    token_expires_at = models.DateTimeField(null=True)
    app_specific_password = EncryptedTextField(
        null=True, db_column="app_specific_password_encrypted"
    )
    caldav_url = models.TextField("CalDAV server", null=True, blank=True)
    sync_token = models.TextField(null=True)
    last_synced_at = models.DateTimeField("last synced", null=True, blank=True)
    sync_status = models.TextField(
        "status",
        choices=SyncStatus,
        default=SyncStatus.PENDING,
        db_default=SyncStatus.PENDING,
    )
    sync_error = models.TextField("last error", null=True, blank=True)
    webhook_channel_id = models.TextField(null=True)
    webhook_subscription_id = models.TextField(null=True)
    webhook_expiration = models.DateTimeField(null=True)
    is_active = models.BooleanField("active", default=True, db_default=True)
    is_primary = models.BooleanField(
        "receives bookings", default=False, db_default=False, help_text="Bookings are written here."
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    blocks_time = models.BooleanField(
        default=True, db_default=True, help_text="Its events take slots away."
    )
    tentative_blocks = models.BooleanField("tentative events block", default=True, db_default=True)
    stores_titles = models.BooleanField(
        "store titles",
        default=True,
        db_default=True,
        help_text="Off: only the times of events are kept.",
    )
    is_writable = models.BooleanField(default=True, db_default=True)
    time_zone = models.TextField(
        blank=True, default="", db_default="", help_text="Empty: the consultant's zone."
    )

    sync_scope = models.TextField(default="", db_default="")
    synced_from = models.DateTimeField(null=True)
    synced_until = models.DateTimeField(null=True)
    last_full_sync_at = models.DateTimeField(null=True)
    next_sync_at = models.DateTimeField("next sync", null=True, db_default=Now())
    sync_requested_at = models.DateTimeField(null=True)
    full_sync_requested = models.BooleanField(default=False, db_default=False)
    emptied_at = models.DateTimeField(null=True)
    failure_count = models.IntegerField(default=0, db_default=0)
    access_refused_at = models.DateTimeField(null=True)
    reconnect_needed_at = models.DateTimeField(null=True)
    lease_id = models.UUIDField(null=True)
    lease_expires_at = models.DateTimeField(null=True)
    handed_out_at = models.DateTimeField(null=True)

    token_lease_id = models.UUIDField(null=True)
    token_lease_expires_at = models.DateTimeField(null=True)
    reconnect_mailed_at = models.DateTimeField(null=True)
    reconnect_mail_not_before = models.DateTimeField(null=True)
    reconnect_mail_tries = models.IntegerField(default=0, db_default=0)
    webhook_secret = EncryptedTextField(null=True, db_column="webhook_secret_encrypted")
    webhook_resource_id = models.TextField(default="", db_default="")
    next_watch_at = models.DateTimeField(null=True)
    watch_error = models.TextField(default="", db_default="")
    look_again_at = models.DateTimeField(null=True)

    not_before = models.DateTimeField(null=True)
    verified_at = models.DateTimeField("last verified", null=True)
    drift_missing_minutes = models.IntegerField(null=True)
    drift_surplus_minutes = models.IntegerField(null=True)

    objects = CalendarConnectionQuerySet.as_manager()

    class Meta:
        db_table = "calendar_connections"
        verbose_name = "connected calendar"

    def __str__(self) -> str:
        return self.calendar_name or self.calendar_id

    @property
    def zone(self) -> ZoneInfo:
        """The zone of all-day and floating events: the calendar's own, else the consultant's.

        Providers name zones that are newer than this machine's tables, and some that are none.
        """
        return known_zone(self.time_zone) or self.user.zone

    def credentials(self) -> Credentials:
        """Raises ``SecretUnreadable`` when a secret's key is missing."""
        return Credentials(
            username=self.provider_email or "",
            server_url=self.caldav_url or "",
            password=self.app_specific_password.reveal() if self.app_specific_password else "",
            access_token=self.access_token.reveal() if self.access_token else "",
        )

    def receive_bookings(self) -> None:
        """Make this the one calendar that bookings are written to."""
        with transaction.atomic():
            Consultant.objects.select_for_update().get(pk=self.user_id)  # one change at a time
            others = CalendarConnection.objects.filter(user=self.user_id).exclude(pk=self.pk)
            others.filter(is_primary=True).update(is_primary=False)
            self.is_primary = True
            self.save(update_fields=["is_primary"])


class Departure(models.Model):
    """An account that was disconnected, and whose provider is still to be told of it."""

    id = uuid_key()
    provider = models.TextField()
    provider_email = models.TextField()
    refresh_token = EncryptedTextField(db_column="refresh_token_encrypted")
    watches = models.JSONField(default=list, db_default=[])
    due_at = models.DateTimeField()
    failure_count = models.IntegerField(default=0, db_default=0)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "departures"

    def __str__(self) -> str:
        return f"{self.provider_email} at {self.provider}"
