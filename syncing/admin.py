"""What calsync has read from the calendars, and the story of each sync. To look at only."""

from django.contrib import admin
from django.contrib.admin import DateFieldListFilter, SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format, time_format
from django.utils.html import format_html_join

from connections.admin_filters import CalendarFilter, WhenFilter
from connections.owned_admin import ReadOnlyAdmin
from syncing.models import SyncedEvent, SyncLog

DATETIME = "DATETIME_FORMAT"
OPERATIONS = {"full_sync": "full", "incremental_sync": "changes"}


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
    list_display = ["when", "event", "calendar", "transparency", "status"]
    list_filter = [
        WhenFilter,
        ("connection", CalendarFilter),
        "transparency",
        "status",
        ProblemFilter,
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

    @admin.display(description="when", ordering="start_time")
    def when(self, event: SyncedEvent) -> str:
        if event.is_all_day:
            return f"{date_format(event.start_date)}, all day"
        start, end = (timezone.localtime(edge) for edge in (event.start_time, event.end_time))
        end_text = time_format(end) if end.date() == start.date() else date_format(end, DATETIME)
        return f"{date_format(start, DATETIME)} – {end_text}"

    @admin.display(description="event", ordering="title")
    def event(self, event: SyncedEvent) -> str:
        return f"{event} (not read in full)" if event.problem else str(event)

    @admin.display(description="calendar", ordering="connection__calendar_name")
    def calendar(self, event: SyncedEvent) -> str:
        return str(event.connection)


class OperationFilter(SimpleListFilter):
    title = parameter_name = "operation"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list:
        return list(OPERATIONS.items())

    def queryset(self, request: HttpRequest, rows: QuerySet) -> QuerySet:
        return rows.filter(operation=self.value()) if self.value() in OPERATIONS else rows


@admin.register(SyncLog)
class SyncLogAdmin(ReadOnlyAdmin):
    owner = "connection__user"
    list_display = ["created_at", "calendar", "what", "status", "outcome", "took"]
    list_filter = [
        ("connection", CalendarFilter),
        OperationFilter,
        "status",
        ("created_at", DateFieldListFilter),
    ]
    list_select_related = ["connection__user"]
    search_fields = ["error_message"]
    ordering = ["-created_at"]
    fields = [
        "connection",
        ("what", "status"),
        ("created_at", "duration_ms"),
        ("events_processed", "events_created", "events_updated", "events_deleted"),
        "error_message",
        "unreadable",
    ]

    @admin.display(description="calendar", ordering="connection__calendar_name")
    def calendar(self, log: SyncLog) -> str:
        return str(log.connection or "disconnected since")

    @admin.display(description="operation", ordering="operation")
    def what(self, log: SyncLog) -> str:
        return OPERATIONS.get(log.operation, log.operation)

    @admin.display(description="outcome")
    def outcome(self, log: SyncLog) -> str:
        return log.error_message or (
            f"{log.events_processed} read: {log.events_created} new, "
            f"{log.events_updated} changed, {log.events_deleted} gone"
        )

    @admin.display(description="took", ordering="duration_ms")
    def took(self, log: SyncLog) -> str:
        return "–" if log.duration_ms is None else f"{log.duration_ms} ms"

    @admin.display(description="could not be read")
    def unreadable(self, log: SyncLog) -> str:
        problems = (log.metadata or {}).get("problems", [])
        lines = [(problem["object"], problem["detail"]) for problem in problems]
        return format_html_join("\n", "<p>{}: {}</p>", lines) or "–"
