"""The consultant's desk: Django's admin, cut down to what a consultant does."""

from allauth.account.decorators import secure_admin_login
from django.contrib.admin import AdminSite
from django.db.models.base import ModelBase
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.decorators import method_decorator

from calsync.dashboard import Desk
from connections import mfa

# The desk's menu. Everything else that packages register stays out of sight.
MENU = {
    "Bookings": ["bookings.Booking", "availability.MeetingType"],
    "Your hours": [
        "availability.AvailabilityRule",
        "availability.AvailabilityException",
        "availability.BlockedDate",
        "availability.BookingSettings",
    ],
    "Calendars": ["connections.CalendarConnection", "syncing.SyncedEvent", "syncing.SyncLog"],
    "Webhooks": ["bookings.WebhookEndpoint", "bookings.WebhookDelivery"],
    "People": ["connections.Consultant"],
}
OWN_APPS = {"connections", "syncing", "availability", "bookings"}


class ConsultantAdminSite(AdminSite):
    site_header = "calsync"
    site_title = "calsync"
    index_title = "Your desk"
    site_url = None

    def register(self, model_or_iterable, admin_class=None, **options) -> None:
        """Register our own models; other packages' are for the shell, not for a consultant."""
        models = (
            [model_or_iterable] if isinstance(model_or_iterable, ModelBase) else model_or_iterable
        )
        own = [model for model in models if model._meta.app_label in OWN_APPS]
        super().register(own, admin_class, **options)

    def has_permission(self, request: HttpRequest) -> bool:
        """Who still has to set up a second step sees nothing of the desk."""
        return super().has_permission(request) and not mfa.is_missing(request.user)

    @method_decorator(secure_admin_login)
    def login(self, request: HttpRequest, extra_context=None) -> HttpResponse:
        """Signing in is allauth's, with its rate limits and second step: no form here."""
        return redirect("mfa_activate_totp" if mfa.is_missing(request.user) else "admin:index")

    def logout(self, request: HttpRequest, extra_context=None) -> HttpResponse:
        return redirect("account_logout")

    def password_change(self, request: HttpRequest, extra_context=None) -> HttpResponse:
        return redirect("account_change_password")

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[dict]:
        """The menu in a consultant's words and order instead of one entry for each app."""
        apps = super().get_app_list(request, app_label)
        if app_label:
            return apps
        pages = {page["model"]._meta.label: page for app in apps for page in app["models"]}
        return [
            {"name": title, "app_label": title, "app_url": "", "models": shown}
            for title, labels in MENU.items()
            if (shown := [pages[label] for label in labels if label in pages])
        ]

    def app_index(self, request: HttpRequest, app_label: str, extra_context=None) -> HttpResponse:
        return redirect("admin:index")

    def index(self, request: HttpRequest, extra_context=None) -> HttpResponse:
        desk = Desk(request.user, now=timezone.now())
        return super().index(request, {"desk": desk} | (extra_context or {}))
