"""Connected calendars on the consultant's desk, and the consultants themselves."""

from datetime import datetime

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.humanize.templatetags.humanize import naturaltime
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from connections import accounts
from connections.consultant_forms import AddConsultantForm, ConsultantForm
from connections.forms import ConnectionForm
from connections.models import CalendarConnection, Consultant
from connections.owned_admin import OwnedAdmin, sees_several
from connections.state import describe, describe_drift


@admin.register(CalendarConnection)
class CalendarConnectionAdmin(OwnedAdmin):
    """Calendars are added and removed by connecting and disconnecting, an account at a time."""

    form = ConnectionForm
    list_display = [
        "calendar",
        "provider_email",
        "state",
        "last_read",
        "next_read",
        "blocks_time",
        "is_primary",
    ]
    list_filter = ["is_active", "sync_status"]
    search_fields = ["calendar_name", "provider_email"]
    ordering = ["-is_active", "provider_email", "calendar_name"]
    actions = ["sync_now", "full_resync"]
    fieldsets = [
        (None, {"fields": ["is_active", "is_primary", "blocks_time", "tentative_blocks"]}),
        ("Privacy", {"fields": ["stores_titles"]}),
        ("How it is doing", {"fields": ["state", "last_synced_at", "next_sync_at", "sync_error"]}),
        ("Compared with the provider's own busy times", {"fields": ["drift", "verified_at"]}),
        (
            "About this calendar",
            {
                "fields": [
                    "provider",
                    "provider_email",
                    "caldav_url",
                    "calendar_id",
                    "is_writable",
                    "synced_from",
                    "synced_until",
                    "last_full_sync_at",
                ]
            },
        ),
    ]
    readonly_fields = [
        "state",
        "last_synced_at",
        "next_sync_at",
        "sync_error",
        "drift",
        "verified_at",
        "provider",
        "provider_email",
        "caldav_url",
        "calendar_id",
        "is_writable",
        "synced_from",
        "synced_until",
        "last_full_sync_at",
    ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj=None) -> bool:
        return False

    def get_list_filter(self, request: HttpRequest) -> list:
        """One consultant's calendars need no filters."""
        return super().get_list_filter(request) if sees_several(request) else []

    def save_model(self, request, obj: CalendarConnection, form: ConnectionForm, change) -> None:
        accounts.choose_calendars(
            [obj],
            destination=obj if "is_primary" in form.changed_data else None,
            now=timezone.now(),
        )

    @admin.display(description="calendar", ordering="calendar_name")
    def calendar(self, row: CalendarConnection) -> str:
        return str(row)

    @admin.display(description="state")
    def state(self, row: CalendarConnection) -> str:
        return describe(row, now=timezone.now()).text

    @admin.display(description="drift")
    def drift(self, row: CalendarConnection) -> str:
        return describe_drift(row)

    @admin.display(description="last read", ordering="last_synced_at")
    def last_read(self, row: CalendarConnection) -> str:
        return moment(row.last_synced_at, never="never")

    @admin.display(description="next", ordering="next_sync_at")
    def next_read(self, row: CalendarConnection) -> str:
        return moment(row.next_sync_at if row.is_active else None, never="–")

    @admin.action(description="Sync now")
    def sync_now(self, request: HttpRequest, rows: QuerySet) -> None:
        self._request(request, rows, full=False)

    @admin.action(description="Full resync: read everything anew")
    def full_resync(self, request: HttpRequest, rows: QuerySet) -> None:
        self._request(request, rows, full=True)

    def _request(self, request: HttpRequest, rows: QuerySet, *, full: bool) -> None:
        chosen = rows.count()
        if count := rows.request_sync(timezone.now(), full=full):
            messages.success(request, f"Read within the next seconds: {count} of {chosen} chosen.")
        if count < chosen:
            messages.warning(
                request,
                f"Not read: {chosen - count}, because they are not connected or their sign-in "
                "is no longer accepted. Open one to connect it again.",
            )


def moment(instant: datetime | None, *, never: str) -> str:
    return naturaltime(instant) if instant else never


@admin.register(Consultant)
class ConsultantAdmin(OwnedAdmin, UserAdmin):
    """A superuser adds consultants and closes their access; a consultant sees their own page."""

    owner = "pk"
    form = ConsultantForm
    add_form = AddConsultantForm
    add_form_template = "admin/change_form.html"
    list_display = ["email", "name", "address", "is_primary", "is_active", "last_login"]
    list_filter = ["is_active", "is_superuser"]
    search_fields = ["email", "name", "slug"]
    ordering = ["email"]
    filter_horizontal = []
    add_fieldsets = [(None, {"fields": ["email", "name", "password1", "password2"]})]
    fieldsets = [
        (None, {"fields": ["name", "slug"]}),
        ("Sign-in", {"fields": ["email", "password", "is_active", "last_login"]}),
        ("For the whole installation", {"fields": ["is_primary", "is_staff", "is_superuser"]}),
    ]
    readonly_fields = ["last_login"]

    @admin.display(description="address", ordering="slug")
    def address(self, consultant: Consultant) -> str:
        return consultant.slug

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser and super().has_add_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj=None) -> bool:
        """Never: that would take their bookings along. Access is closed by unticking “active”."""
        return False

    def get_list_display(self, request: HttpRequest) -> list:
        return self.list_display

    def get_list_filter(self, request: HttpRequest) -> list:
        return self.list_filter

    def get_fieldsets(self, request: HttpRequest, obj: Consultant | None = None) -> list:
        if request.user.is_superuser:
            return super().get_fieldsets(request, obj)
        return self.fieldsets[:1]

    def get_readonly_fields(self, request: HttpRequest, obj: Consultant | None = None) -> list:
        """Nobody can lock themselves out."""
        own = ["is_active", "is_staff", "is_superuser"] if obj == request.user else []
        return [*self.readonly_fields, *own]

    def changelist_view(self, request: HttpRequest, extra_context=None) -> HttpResponse:
        if request.user.is_superuser:
            return super().changelist_view(request, extra_context)
        return redirect("admin:connections_consultant_change", request.user.pk)

    def user_change_password(self, request: HttpRequest, id: str, form_url="") -> HttpResponse:  # noqa: A002
        """Everybody else changes their own password, which asks for the old one."""
        if not request.user.is_superuser:
            raise PermissionDenied
        return super().user_change_password(request, id, form_url)
