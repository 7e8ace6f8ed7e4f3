"""What calsync has read from the calendars, and the story of each sync. To look at only."""

from django.contrib import admin
from django.contrib.admin import DateFieldListFilter, RelatedOnlyFieldListFilter, SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join

from connections.owned_admin import ReadOnlyAdmin
from syncing.models import SyncedEvent, SyncLog


class ProblemFilter(SimpleListFilter):
    """Events that could not be read in full, and block time all the same."""

    title = "read in full"
    parameter_name = "problem"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list:
        return [("no", "Yes"), ("yes", "No")]

    def queryset(self, request: HttpRequest, rows: QuerySet) -> QuerySet:
        if self.value() == "yes":
            return rows.exclude(problem="")
        return rows.filter(problem="") if self.value() == "no" else rows


@admin.register(SyncedEvent)
class SyncedEventAdmin(ReadOnlyAdmin):
    owner = "connection__user"
    list_display = [
        "__str__",
        "connection",
        "start_time",
        "end_time",
        "is_all_day",
        "transparency",
        "status",
        "is_ohboy_booking",
        "problem",
    ]
    list_filter = [
        ("connection", RelatedOnlyFieldListFilter),
        ("start_time", DateFieldListFilter),
        ProblemFilter,
        "transparency",
        "status",
        "is_all_day",
        "is_ohboy_booking",
    ]
    list_select_related = ["connection__user"]
    search_fields = ["title"]
    ordering = ["start_time"]
    fields = [
        "title",
        "connection",
        ("start_time", "end_time"),
        ("is_all_day", "start_date", "end_date"),
        ("transparency", "status"),
        ("is_ohboy_booking", "booking_id"),
        "problem",
        "provider_event_id",
        "series_id",
        ("provider_updated_at", "created_at", "updated_at"),
    ]


@admin.register(SyncLog)
class SyncLogAdmin(ReadOnlyAdmin):
    owner = "connection__user"
    list_display = [
        "created_at",
        "connection",
        "operation",
        "status",
        "events_processed",
        "events_created",
        "events_updated",
        "events_deleted",
        "duration_ms",
        "error_message",
    ]
    list_filter = [
        ("connection", RelatedOnlyFieldListFilter),
        "operation",
        "status",
        ("created_at", DateFieldListFilter),
    ]
    list_select_related = ["connection__user"]
    search_fields = ["error_message"]
    ordering = ["-created_at"]
    fields = [
        "connection",
        ("operation", "status"),
        ("created_at", "duration_ms"),
        ("events_processed", "events_created", "events_updated", "events_deleted"),
        "error_message",
        "unreadable",
    ]

    @admin.display(description="could not be read")
    def unreadable(self, log: SyncLog) -> str:
        problems = (log.metadata or {}).get("problems", [])
        lines = [(problem["object"], problem["detail"]) for problem in problems]
        return format_html_join("\n", "<p>{}: {}</p>", lines) or "–"
