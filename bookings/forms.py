"""What an invitee's browser sends: the address of a booking page, and the booking form."""

from datetime import UTC, datetime
from uuid import uuid4
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict

from bookings.serializers import LONGEST_ANSWER, LONGEST_REASON, YEARS
from bookings.zones import zone_named


class InstantField(forms.Field):
    """An instant in ISO 8601, in UTC or with an offset."""

    widget = forms.HiddenInput

    def to_python(self, value: str | None) -> datetime | None:
        if value in self.empty_values:
            return None
        try:
            instant = datetime.fromisoformat(value)
        except ValueError:
            instant = None
        if instant is None or instant.tzinfo is None or instant.year not in YEARS:
            raise ValidationError("This is not an instant with an offset.", code="invalid")
        return instant.astimezone(UTC)


class PageAddress(forms.Form):
    """A page's address after the question mark. What cannot be read counts as absent."""

    zone = forms.CharField(required=False)
    month = forms.DateField(required=False, input_formats=["%Y-%m"])
    day = forms.DateField(required=False, input_formats=["%Y-%m-%d"])
    start = InstantField(required=False)
    choose = forms.ChoiceField(required=False, choices=[("zone", "zone")])

    def clean_zone(self) -> ZoneInfo | None:
        return zone_named(self.cleaned_data["zone"])

    @classmethod
    def read(cls, query: QueryDict) -> dict:
        form = cls(query)
        form.full_clean()
        return {name: form.cleaned_data.get(name) or None for name in cls.base_fields}


class InstantForm(forms.Form):
    """The time that a booking is moved to."""

    start = InstantField()


class ReasonForm(forms.Form):
    """Why a booking is cancelled or declined, for the other side to read."""

    reason = forms.CharField(
        required=False, max_length=LONGEST_REASON, widget=forms.Textarea({"rows": 3})
    )

    def __init__(self, *args, reader: str, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].help_text = f"{reader} reads it."


class BookingForm(forms.Form):
    """Who books, and their answers to the meeting type's questions.

    ``key`` is the idempotency key: sent twice, the form books once.
    """

    start = InstantField()
    key = forms.CharField(max_length=100, widget=forms.HiddenInput, initial=lambda: str(uuid4()))
    name = forms.CharField(
        label="Your name",
        max_length=200,
        widget=forms.TextInput({"autocomplete": "name"}),
        error_messages={"required": "Enter your name."},
    )
    email = forms.EmailField(
        label="Your e-mail address",
        max_length=254,
        help_text="Mails about your booking go here.",
        widget=forms.EmailInput({"autocomplete": "email"}),
        error_messages={
            "required": "Enter your e-mail address.",
            "invalid": "Enter a complete e-mail address, such as name@example.com.",
        },
    )
    website = forms.CharField(label="Leave this field empty", required=False)  # for bots alone

    def __init__(self, *args, questions: list[dict] = (), **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.asked = {f"answer-{number}": asked for number, asked in enumerate(questions, start=1)}
        for field_name, asked in self.asked.items():
            self.fields[field_name] = question_field(asked)
        self.fields["notes"] = forms.CharField(
            label="Anything that helps to prepare",
            required=False,
            max_length=LONGEST_ANSWER,
            widget=forms.Textarea({"rows": 3}),
        )

    @property
    def visible_questions(self) -> list[forms.BoundField]:
        """The fields a person fills in, in their order."""
        return [self[name] for name in ("name", "email", *self.asked, "notes")]

    @property
    def answers(self) -> dict[str, str]:
        """The answers given, under their questions' names."""
        return {
            asked["name"]: self.cleaned_data[field_name]
            for field_name, asked in self.asked.items()
            if self.cleaned_data[field_name]
        }

    def clean_website(self) -> str:
        if self.cleaned_data["website"]:
            raise ValidationError("filled in", code="automated")
        return ""


def question_field(asked: dict) -> forms.Field:
    """The field for one of the meeting type's questions."""
    kind, label = asked.get("type", "text"), asked["label"]
    shared = {"label": label, "required": asked.get("required", False)}
    if kind == "select":
        options = [(option, option) for option in asked["options"]]
        wrong = dict.fromkeys(["required", "invalid_choice"], f"Choose an answer to “{label}”.")
        return forms.ChoiceField(
            choices=[("", "Choose…"), *options], error_messages=wrong, **shared
        )
    widget = forms.Textarea({"rows": 3}) if kind == "textarea" else forms.TextInput()
    missing = {"required": f"Answer “{label}”."}
    return forms.CharField(
        widget=widget, max_length=LONGEST_ANSWER, error_messages=missing, **shared
    )
