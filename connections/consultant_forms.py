"""What is filled in about a consultant."""

from django import forms
from django.contrib.auth.forms import BaseUserCreationForm, ReadOnlyPasswordHashField

from connections.models import Consultant


class AddConsultantForm(BaseUserCreationForm):
    """A new consultant, who may use the desk at once."""

    class Meta:
        model = Consultant
        fields = ["email", "name"]

    def save(self, commit: bool = True) -> Consultant:
        self.instance.is_staff = True
        return super().save(commit=commit)


class ConsultantForm(forms.ModelForm):
    """What a superuser may change; a consultant sees fewer of the fields of their own page."""

    password = ReadOnlyPasswordHashField(label="Password")

    class Meta:
        model = Consultant
        fields = ["email", "name", "slug", "is_primary", "is_active", "is_staff", "is_superuser"]
        labels = {
            "slug": "Booking page",
            "is_active": "Active",
            "is_staff": "Uses the desk",
            "is_superuser": "Runs this calsync",
        }
        help_texts = {
            "is_active": "May sign in and can be booked. Untick it to close the account.",
            "is_staff": "May work on their own calendars, hours and bookings.",
            "is_superuser": "Sees and changes everything, of all consultants.",
        }

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["slug"].required = True
