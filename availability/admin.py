"""When a consultant can be booked, and for what, on their desk."""

from functools import partial

from django.conf import settings
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.views.decorators.http import require_safe

from availability.forms import (
    DEFAULTED,
    BlockedDateForm,
    BookingSettingsForm,
    ExceptionForm,
    MeetingTypeForm,
    Week,
)
from availability.hours import use_office_hours
from availability.models import (
    AvailabilityException,
    AvailabilityRule,
    BlockedDate,
    BookingSettings,
    MeetingType,
    Weekday,
)
from availability.why_page import link_to_why, why
from connections.buttons import button
from connections.owned_admin import (
    OwnedAdmin,
    consultant_meant,
    consultants_to_choose,
    sees_several,
)


@admin.register(AvailabilityRule)
class AvailabilityRuleAdmin(OwnedAdmin):
    """Weekly hours: the whole week on one page; hours of a season one by one."""

    fields = ["user", "day_of_week", ("start_time", "end_time"), ("valid_from", "valid_until")]

    def get_urls(self) -> list:
        office_hours = self.admin_site.admin_view(self.office_hours)
        name = "availability_availabilityrule_office_hours"
        return [path("office-hours/", office_hours, name=name), *super().get_urls()]

    def get_model_perms(self, request: HttpRequest) -> dict[str, bool]:
        """The menu leads to the week; what can be added apart from it is offered there."""
        return super().get_model_perms(request) | {"add": False}

    def changelist_view(self, request: HttpRequest, extra_context=None) -> HttpResponse:
        consultant = consultant_meant(self, request)
        rules = AvailabilityRule.objects.filter(user=consultant)
        week = Week(
            request.POST or None,
            queryset=rules.order_by("day_of_week", "start_time"),
            initial=[{"day_of_week": day} for day in Weekday],
        )
        if week.is_valid():
            week.save_week(consultant)
            messages.success(request, "Your weekly hours are saved.")
            return redirect(request.get_full_path())
        context = self.admin_site.each_context(request) | {
            "title": "Weekly hours",
            "opts": self.opts,
            "consultant": consultant,
            "others": consultants_to_choose(request),
            "week": week,
        }
        return TemplateResponse(request, "admin/availability/week.html", context)

    @method_decorator(button())
    def office_hours(self, request: HttpRequest) -> HttpResponse:
        if use_office_hours(request.user):
            messages.success(
                request, "You are open from Monday to Friday, 9 to 17. Change it here."
            )
        else:
            messages.info(request, "You have weekly hours already. Nothing was changed.")
        return redirect("admin:availability_availabilityrule_changelist")


@admin.register(AvailabilityException)
class AvailabilityExceptionAdmin(OwnedAdmin):
    form = ExceptionForm
    list_display = ["__str__", "end_date", "start_time", "end_time", "rrule", "reason"]
    list_filter = ["is_closed", "start_date"]
    search_fields = ["reason"]
    ordering = ["-start_date"]
    fieldsets = [
        (
            None,
            {
                "fields": ["user", ("start_date", "end_date"), "is_closed", "reason"],
                "description": (
                    "On these dates this replaces your weekly hours. A day that is closed here "
                    "stays closed, whatever else is entered for it."
                ),
            },
        ),
        ("Open at other hours", {"fields": [("start_time", "end_time")]}),
        ("Repeats", {"fields": ["repeats", "rrule"]}),
    ]


@admin.register(BlockedDate)
class BlockedDateAdmin(OwnedAdmin):
    form = BlockedDateForm
    list_display = ["__str__", "start_time", "end_time", "start_date", "end_date", "reason"]
    search_fields = ["reason"]
    ordering = ["-created_at"]
    fieldsets = [
        (None, {"fields": ["user", "reason"]}),
        ("Whole days", {"fields": [("start_date", "end_date")]}),
        ("Or from a time to a time", {"fields": ["start_time", "end_time"]}),
    ]


def _address(meeting_type: MeetingType) -> str:
    path = reverse("book-meeting-type", args=[meeting_type.user.slug, meeting_type.slug])
    return settings.PUBLIC_URL + path


@admin.register(MeetingType)
class MeetingTypeAdmin(OwnedAdmin):
    form = MeetingTypeForm
    list_display = ["title", "address", "length", "requires_approval", "is_active"]
    list_select_related = ["user__booking_settings"]
    list_filter = ["is_active", "requires_approval"]
    search_fields = ["title", "slug"]
    ordering = ["title"]
    prepopulated_fields = {"slug": ["title"]}
    fieldsets = [
        (None, {"fields": ["user", "title", "slug", "description", "is_active"]}),
        ("Its page", {"fields": ["page", "widget", "free_times"]}),
        ("How it is booked", {"fields": ["location", "has_conference", "requires_approval"]}),
        (
            "Instead of your defaults",
            {"fields": DEFAULTED, "description": "What you leave empty is as in your settings."},
        ),
        ("Questions", {"fields": ["questions"]}),
    ]
    readonly_fields = ["page", "widget", "free_times"]

    def get_urls(self) -> list:
        page = self.admin_site.admin_view(require_safe(partial(why, self)))
        return [path("why/", page, name="availability_meetingtype_why"), *super().get_urls()]

    def get_fieldsets(self, request: HttpRequest, obj: MeetingType | None = None) -> list:
        """What is not saved yet has no page."""
        kept = super().get_fieldsets(request, obj)
        return kept if obj else [each for each in kept if each[0] != "Its page"]

    @admin.display(description="address", ordering="slug")
    def address(self, meeting_type: MeetingType) -> str:
        return meeting_type.slug

    @admin.display(description="length", ordering="duration")
    def length(self, meeting_type: MeetingType) -> str:
        default = meeting_type.user.booking_settings.duration
        own = meeting_type.duration
        return f"{own} minutes" if own else f"{default} minutes, as in your settings"

    @admin.display(description="address")
    def page(self, meeting_type: MeetingType) -> str:
        closed = "" if meeting_type.is_active else " (not active: nobody can book it)"
        return format_html('<a href="{0}">{0}</a>{1}', _address(meeting_type), closed)

    @admin.display(description="for your website")
    def widget(self, meeting_type: MeetingType) -> str:
        """What to paste where the page shall appear."""
        return render_to_string(
            "admin/availability/widget.html",
            {
                "meeting_type": meeting_type,
                "home": settings.PUBLIC_URL,
                "address": _address(meeting_type),
                "websites": settings.ALLOWED_ORIGINS,
            },
        )

    @admin.display(description="free times")
    def free_times(self, meeting_type: MeetingType) -> str:
        return link_to_why(meeting_type)


@admin.register(BookingSettings)
class BookingSettingsAdmin(OwnedAdmin):
    """One row for each consultant, there from the beginning."""

    class Media:
        js = ["admin/time_zone.js"]

    form = BookingSettingsForm
    list_display = ["user", "time_zone", "duration", "minimum_notice", "booking_window"]
    fieldsets = [
        (None, {"fields": ["user", "time_zone"]}),
        (
            "Defaults of every meeting",
            {"fields": DEFAULTED, "description": "A meeting type may have values of its own."},
        ),
        ("Invitees", {"fields": ["invitee_limit"]}),
        ("When a calendar cannot be read", {"fields": ["stale_policy", "max_data_age"]}),
    ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj=None) -> bool:
        return False

    def get_list_display(self, request: HttpRequest) -> list:
        return self.list_display

    def changelist_view(self, request: HttpRequest, extra_context=None) -> HttpResponse:
        if sees_several(request):
            return super().changelist_view(request, extra_context)
        return redirect(
            "admin:availability_bookingsettings_change", request.user.booking_settings.pk
        )

    def response_post_save_change(self, request: HttpRequest, obj: BookingSettings) -> HttpResponse:
        """Where there is no list to go back to, the desk is."""
        return redirect("admin:index")

    def save_model(self, request, obj: BookingSettings, form, change) -> None:
        super().save_model(request, obj, form, change)
        if "time_zone" in form.changed_data:
            obj.read_calendars_anew(timezone.now())
