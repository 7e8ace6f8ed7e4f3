"""What a consultant fills in to connect calendars and to say what each of them is for."""

from urllib.parse import urlsplit, urlunsplit

from django import forms
from django.db.models import Q

from connections.accounts import CHOICES, list_calendars
from connections.models import CalendarConnection, Provider
from connections.providers.base import (
    AccessRevoked,
    Credentials,
    ProviderError,
    ProviderUnavailable,
    RateLimited,
    RemoteCalendar,
)

ICLOUD = "https://caldav.icloud.com/"
NOT_AN_ADDRESS = "This is not the address of a server. It looks like https://caldav.example.com/"
FOR_ICLOUD = "With iCloud this must be an app-specific password, not the one of your Apple Account."
NO_CALENDARS = (
    "This account has no calendar that holds events. Create one in your calendar app, "
    "then come back."
)
CHOOSE_ANOTHER_DESTINATION = (
    "Bookings are written to this calendar. Let another one receive bookings first."
)


class ConnectForm(forms.Form):
    """An account's sign-in. It is valid when the server itself accepts it."""

    server_url = forms.CharField(
        label="Server address",
        initial=ICLOUD,
        help_text="For iCloud leave this as it is.",
        widget=forms.TextInput(attrs={"class": "vTextField", "inputmode": "url"}),
    )
    username = forms.CharField(
        label="User name",
        help_text="For iCloud the e-mail address of your Apple Account.",
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
    )
    password = forms.CharField(
        label="App-specific password",
        help_text=(
            "Make one at account.apple.com under “Sign-In and Security”, “App-Specific Passwords”. "
            "Any other server: its password for calendars."
        ),
        widget=forms.PasswordInput(attrs={"class": "vTextField", "autocomplete": "new-password"}),
    )

    provider = Provider.APPLE
    calendars: list[RemoteCalendar]

    def clean_server_url(self) -> str:
        """The address as it is stored and compared: with scheme and path, host in lower case."""
        text = self.cleaned_data["server_url"]
        try:
            parts = urlsplit(text if "://" in text else f"https://{text}")
        except ValueError:
            raise forms.ValidationError(NOT_AN_ADDRESS) from None
        return urlunsplit(
            parts._replace(netloc=parts.netloc.lower(), path=parts.path or "/", fragment="")
        )

    def clean(self) -> None:
        if self.errors:
            return
        try:
            self.calendars = list_calendars(self.provider, self.credentials())
        except ProviderError as error:
            self.add_error(*explain(error))
        else:
            if not self.calendars:
                raise forms.ValidationError(NO_CALENDARS)

    def credentials(self) -> Credentials:
        return Credentials(**self.cleaned_data)


def explain(error: ProviderError) -> tuple[str, str]:
    """The field that an error belongs to, and what went wrong and what to do about it."""
    if isinstance(error, AccessRevoked):
        return "password", f"{error} {FOR_ICLOUD}"
    if isinstance(error, RateLimited):
        return "server_url", f"{error} Try again in {round(error.retry_after)} seconds."
    if isinstance(error, ProviderUnavailable):
        return "server_url", f"{error} Check the address; if it is right, try again later."
    return "server_url", str(error)


class ChoiceForm(forms.ModelForm):
    """One row of the table of an account's calendars."""

    class Meta:
        model = CalendarConnection
        fields = ["is_active", "blocks_time", "tentative_blocks"]

    def __init__(self, *args, is_new_account: bool, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        if is_new_account:
            self.initial["is_active"] = self.instance.blocks_time


class ChoiceFormSet(forms.BaseModelFormSet):
    """Which calendars of an account are connected, and what for."""

    def clean(self) -> None:
        super().clean()
        if not any(row.is_active for row in self.rows):
            raise forms.ValidationError("Choose at least one calendar, or disconnect the account.")

    @property
    def rows(self) -> list[CalendarConnection]:
        """The account's calendars, once validated with what the consultant chose."""
        return [form.instance for form in self.initial_forms]


CalendarChoices = forms.modelformset_factory(
    CalendarConnection, form=ChoiceForm, formset=ChoiceFormSet, extra=0, edit_only=True
)


class DestinationForm(forms.Form):
    """Which one of all the consultant's calendars receives bookings."""

    destination = forms.ModelChoiceField(
        CalendarConnection.objects.none(),
        required=False,
        error_messages={
            "invalid_choice": "Choose a calendar that is connected and that can be written to."
        },
    )

    def __init__(
        self, *args, account: list[CalendarConnection], proposed: CalendarConnection, **kwargs
    ) -> None:
        super().__init__(*args, **kwargs)
        self.account = account
        everything = CalendarConnection.objects.filter(user=proposed.user_id, is_writable=True)
        here = Q(pk__in=[row.pk for row in account])
        self.elsewhere = everything.exclude(here).filter(is_active=True)
        self.fields["destination"].queryset = everything.filter(here | Q(is_active=True))
        self.initial["destination"] = self._current(everything) or self._first(proposed)

    @property
    def chosen(self) -> str:
        return str(self["destination"].value() or "")

    def clean_destination(self) -> CalendarConnection | None:
        """One calendar whenever one can be written to, and only one that is connected."""
        destination = self.cleaned_data["destination"]
        connected = {row.pk for row in self.account if row.is_active and row.is_writable}
        connected |= {row.pk for row in self.elsewhere}
        if destination and destination.pk not in connected:
            raise forms.ValidationError(
                f"Bookings cannot be written to {destination} unless it is connected."
            )
        if connected and not destination:
            raise forms.ValidationError("Choose the calendar that receives bookings.")
        return destination

    @staticmethod
    def _current(everything):
        return everything.filter(is_primary=True).values_list("pk", flat=True).first()

    def _first(self, proposed: CalendarConnection):
        """Without a destination so far: the proposed calendar, else the first that takes any."""
        rows = [proposed, *self.account]
        return next((row.pk for row in rows if row.is_writable), None)


class ConnectionForm(forms.ModelForm):
    """What one connected calendar is for."""

    class Meta:
        model = CalendarConnection
        fields = [*CHOICES, "is_primary"]

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.was_primary = self.instance.is_primary

    def clean(self) -> None:
        is_active, is_primary = (self.cleaned_data[name] for name in ("is_active", "is_primary"))
        if self.was_primary and not is_primary:
            self.add_error("is_primary", CHOOSE_ANOTHER_DESTINATION)
        elif self.was_primary and not is_active:
            self.add_error("is_active", CHOOSE_ANOTHER_DESTINATION)
        elif is_primary and not is_active:
            self.add_error("is_primary", "Only a connected calendar can receive bookings.")
        elif is_primary and not self.instance.is_writable:
            self.add_error("is_primary", "This calendar can be read, but not written to.")
