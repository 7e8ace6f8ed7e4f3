"""The pages on which a consultant connects calendars, chooses among them, and disconnects."""

from uuid import UUID

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from connections import accounts
from connections.buttons import button
from connections.forms import CalendarChoices, ConnectForm, DestinationForm
from connections.models import CalendarConnection, Consultant
from connections.oauth.consent import begin
from connections.oauth.offers import OFFERS, Offer, configured_offers

# The sign-in pages carry passwords. What is marked here holds for all that they call, and keeps the
# passwords out of the reports of crashes.


@sensitive_post_parameters("password")
@sensitive_variables()
def connect(request: HttpRequest) -> HttpResponse:
    """Sign in to an Apple or CalDAV account."""
    return _sign_in(request, request.user, title="Connect an Apple or CalDAV calendar")


@sensitive_post_parameters("password")
@sensitive_variables()
def reconnect(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Give an account that is connected already a new password, or a new consent."""
    connection = _own(request, connection_id)
    if connection.provider in OFFERS:
        return _consent_again(request, connection)
    known = {"server_url": connection.caldav_url, "username": connection.provider_email}
    title = f"Connect {connection.provider_email} again"
    return _sign_in(request, connection.user, title=title, initial=known)


@button()
def consent(request: HttpRequest, provider: str) -> HttpResponse:
    """Go to a provider's consent screen."""
    return begin(request, _offer(provider), request.user)


def _consent_again(request: HttpRequest, connection: CalendarConnection) -> HttpResponse:
    offer = _offer(connection.provider)
    if request.method == "POST":
        return begin(request, offer, connection.user, account=connection.provider_email)
    title = f"Connect {connection.provider_email} again"
    return _page(request, "consent", title=title, connection=connection, offer=offer)


def _offer(provider: str) -> Offer:
    for offer in configured_offers():
        if offer.provider == provider:
            return offer
    raise Http404(f"{provider} is not configured here.")


def not_connected(request: HttpRequest, offer: Offer, reason: str, *, again: str) -> HttpResponse:
    """What a consent that came to nothing ends with; ``again`` is the address to begin anew at."""
    title = f"{offer.name} is not connected"
    return _page(request, "not_connected", title=title, reason=reason, again=again).render()


def _sign_in(
    request: HttpRequest, consultant: Consultant, *, title: str, initial: dict | None = None
) -> HttpResponse:
    form = ConnectForm(request.POST or None, initial=initial)
    if not form.is_valid():
        return _page(request, "connect", title=title, form=form)
    rows = accounts.remember_account(
        consultant, form.provider, form.credentials(), form.calendars, now=timezone.now()
    )
    return redirect("connections:choose", rows[0].pk)


def choose(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Choose what the calendars of an account are for.

    Any of them names the account; the one in the address is proposed to receive bookings.
    """
    connection = _own(request, connection_id)
    account = CalendarConnection.objects.of_account(connection)
    calendars = CalendarChoices(
        request.POST or None,
        queryset=account.order_by("calendar_name", "pk"),
        form_kwargs={"is_new_account": not account.active().exists()},
    )
    destination = DestinationForm(request.POST or None, account=calendars.rows, proposed=connection)
    if calendars.is_valid() and destination.is_valid():
        accounts.choose_calendars(
            calendars.rows,
            destination=destination.cleaned_data["destination"],
            now=timezone.now(),
        )
        messages.success(request, "Saved. The calendars are read within the next seconds.")
        return redirect("admin:index")
    return _page(
        request,
        "choose",
        title=f"Calendars of {connection.provider_email}",
        connection=connection,
        calendars=calendars,
        destination=destination,
    )


def disconnect(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Say what disconnecting an account means, and do it when confirmed."""
    connection = _own(request, connection_id)
    if request.method == "POST":
        ends_access = accounts.disconnect(connection, now=timezone.now())
        messages.success(request, f"{connection.provider_email} is disconnected.")
        if not ends_access:
            page = OFFERS[connection.provider].access_page
            messages.info(request, f"To take back the access you allowed, remove calsync at {page}")
        return redirect("admin:index")
    return _page(
        request,
        "disconnect",
        title=f"Disconnect {connection.provider_email}?",
        connection=connection,
        account=CalendarConnection.objects.of_account(connection).order_by("calendar_name"),
        offer=OFFERS.get(connection.provider),
    )


@button()
def sync_now(request: HttpRequest) -> HttpResponse:
    """Make all the consultant's calendars due."""
    count = request.user.connections.request_sync(timezone.now())
    if count:
        messages.success(request, "Your calendars are read within the next seconds.")
    else:
        messages.warning(request, "There is no calendar to read. Connect one first.")
    return redirect("admin:index")


def _own(request: HttpRequest, connection_id: UUID) -> CalendarConnection:
    rows = CalendarConnection.objects.select_related("user")
    if not request.user.is_superuser:
        rows = rows.filter(user=request.user)
    return get_object_or_404(rows, pk=connection_id)


def _page(request: HttpRequest, name: str, **context) -> TemplateResponse:
    context |= admin.site.each_context(request)
    return TemplateResponse(request, f"connections/{name}.html", context)
