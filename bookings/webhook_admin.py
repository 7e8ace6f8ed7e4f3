"""Webhooks on the consultant's desk: where to, and what each was told."""

import json
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import timezone
from django.utils.decorators import method_decorator

from bookings.deliveries import guard, send_again
from bookings.endpoints import WebhookDelivery, WebhookEndpoint, WebhookEvent, all_events
from connections.buttons import button
from connections.owned_admin import OwnedAdmin, ReadOnlyAdmin
from connections.providers.base import AddressRefused


class WebhookEndpointForm(forms.ModelForm):
    events = forms.MultipleChoiceField(
        label="is called when",
        choices=WebhookEvent,
        initial=all_events,
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        model = WebhookEndpoint
        fields = ["user", "url", "events", "is_active"]

    def clean_url(self) -> str:
        """Where the name leads is looked at with each call; here only what the address says."""
        url = self.cleaned_data["url"]
        try:
            guard().check(url)
        except AddressRefused as refused:
            raise ValidationError(str(refused)) from None
        return url


def _to_the_webhooks(request: HttpRequest) -> HttpResponse:
    return redirect("admin:bookings_webhookendpoint_changelist")


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(OwnedAdmin):
    form = WebhookEndpointForm
    fields = ["user", "url", "events", "is_active"]
    list_display = ["url", "is_active", "waiting"]
    search_fields = ["url"]
    ordering = ["url"]
    change_form_template = "admin/bookings/webhookendpoint/form.html"

    def get_urls(self) -> list:
        new_secret = self.admin_site.admin_view(self.new_secret)
        name = "bookings_webhookendpoint_new_secret"
        return [path("<uuid:endpoint_id>/new-secret/", new_secret, name=name), *super().get_urls()]

    def save_model(self, request: HttpRequest, endpoint: WebhookEndpoint, form, change) -> None:
        if not change:
            request.new_secret = endpoint.make_secret()
        super().save_model(request, endpoint, form, change)

    def response_add(self, request: HttpRequest, endpoint: WebhookEndpoint, post_url_continue=None):
        return self._show_secret(request, endpoint, request.new_secret)

    @method_decorator(button(_to_the_webhooks))
    def new_secret(self, request: HttpRequest, endpoint_id: UUID) -> HttpResponse:
        """Calls are signed with it from now on; the old one is forgotten."""
        endpoint = self.get_object(request, str(endpoint_id))
        if endpoint is None:
            raise Http404("There is no such webhook.")
        secret = endpoint.make_secret()
        endpoint.save(update_fields=["secret"])
        return self._show_secret(request, endpoint, secret)

    def _show_secret(self, request: HttpRequest, endpoint: WebhookEndpoint, secret: str):
        """On the answer itself: a message after a redirect would lie in a cookie meanwhile."""
        context = self.admin_site.each_context(request) | {
            "title": "The webhook's secret",
            "endpoint": endpoint,
            "secret": secret,
        }
        return render(request, "admin/bookings/webhookendpoint/secret.html", context)

    @admin.display(description="not delivered")
    def waiting(self, endpoint: WebhookEndpoint) -> int:
        return endpoint.deliveries.filter(delivered_at=None).count()


class OutcomeFilter(admin.SimpleListFilter):
    """What became of a delivery."""

    title = parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin) -> list:
        return [("delivered", "Delivered"), ("waiting", "To be tried"), ("given-up", "Given up")]

    def queryset(self, request: HttpRequest, rows: QuerySet) -> QuerySet:
        if self.value() == "delivered":
            return rows.exclude(delivered_at=None)
        if self.value() == "waiting":
            return rows.exclude(due_at=None)
        return rows.given_up() if self.value() == "given-up" else rows


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnlyAdmin):
    owner = "endpoint__user"
    list_display = ["created_at", "event", "booking", "endpoint", "status_code", "due_at", "error"]
    list_filter = [OutcomeFilter, "event"]
    list_select_related = ["endpoint", "booking"]
    ordering = ["-created_at"]
    actions = ["tell_again"]
    fieldsets = [
        (None, {"fields": ["endpoint", "booking", "event", "sequence", "created_at"]}),
        (
            "Calls",
            {"fields": ["delivered_at", "attempts", "due_at", "status_code", "answer", "error"]},
        ),
        ("What is told", {"fields": ["content"]}),
    ]

    @admin.action(description="Send again", permissions=["view"])
    def tell_again(self, request: HttpRequest, deliveries: QuerySet) -> None:
        count = send_again(deliveries, now=timezone.now())
        messages.success(request, f"Within the next seconds {count} will be sent.")

    @admin.display(description="booking")
    def content(self, delivery: WebhookDelivery) -> str:
        return json.dumps(delivery.payload, indent=2, ensure_ascii=False)
