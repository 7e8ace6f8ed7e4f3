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

    password = ReadOnlyPasswordHashField(label="password")

    class Meta:
        model = Consultant
        fields = ["email", "name", "slug", "is_primary", "is_active", "is_staff", "is_superuser"]

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["slug"].required = True
