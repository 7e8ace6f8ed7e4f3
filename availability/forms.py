"""What a consultant fills in about their hours, their meetings and their settings."""

from itertools import groupby

from django import forms
from django.contrib.admin.utils import flatten
from django.contrib.admin.widgets import AdminTextareaWidget
from django.core.exceptions import NON_FIELD_ERRORS

from availability.models import AvailabilityRule, BookingSettings, Weekday
from availability.questions import from_text, to_text
from availability.reminders import RemindersField
from availability.repeats import Repeats, name_of_rule, rule_for
from availability.zones import places
from connections.models import MAKE_CALLS, CalendarConnection, Consultant

REMINDERS_HELP = "How long before the start invitees get a mail: 1 day, 2 hours, 30 minutes."
LOCATION_HELP = (
    "Where you meet: an address, a phone number, the link of a video room of your own. "
    "Invitees read it on your page."
)
NO_CALLS_HELP = (
    "The calendar that receives your bookings makes no video calls: invitees would read that you "
    "will tell them how to join. If you have a video room of your own, write its link as the "
    "location instead."
)
DEFAULTED = [  # what a meeting type may have of its own; as the pages show it, row by row
    ("duration", "slot_interval"),
    ("buffer_before", "buffer_after"),
    ("minimum_notice", "booking_window"),
    ("daily_limit", "weekly_limit"),
    "change_notice",
    "reminders",
]


def clock(label: str) -> forms.TimeInput:
    return forms.TimeInput(attrs={"type": "time", "aria-label": label}, format="%H:%M")


class HoursForm(forms.ModelForm):
    """One interval of a weekday. Left or made empty, it is none."""

    start_time = forms.TimeField(required=False, widget=clock("from"))
    end_time = forms.TimeField(required=False, widget=clock("to"))

    class Meta:
        model = AvailabilityRule
        fields = ["day_of_week", "start_time", "end_time"]
        widgets = {"day_of_week": forms.HiddenInput}

    def clean(self) -> None:
        if not self.errors and self._times().count(None) == 1:
            raise forms.ValidationError("Give both times, or none.")

    @property
    def is_blank(self) -> bool:
        return self._times() == [None, None]

    def _times(self) -> list:
        return [self.cleaned_data.get("start_time"), self.cleaned_data.get("end_time")]


class WeekFormSet(forms.BaseModelFormSet):
    """A consultant's weekly hours on one page: every interval, and room for one more each day."""

    def by_day(self) -> list[tuple[str, list[HoursForm]]]:
        """The rows under the names of their days."""

        def day_of(form: HoursForm) -> int:
            return form.initial.get("day_of_week", Weekday.MONDAY)

        rows = sorted(self.forms, key=day_of)  # stable: the empty row stays the day's last
        return [(Weekday(day).label, list(forms)) for day, forms in groupby(rows, key=day_of)]

    def save_week(self, consultant: Consultant) -> None:
        """Store what was changed: rows filled in, rows emptied."""
        for form in filter(HoursForm.has_changed, self.forms):
            form.instance.user = consultant
            if not form.is_blank:
                form.save()
            else:
                form.instance.delete()


Week = forms.modelformset_factory(
    AvailabilityRule, form=HoursForm, formset=WeekFormSet, extra=len(Weekday)
)


class BlockedDateForm(forms.ModelForm):
    """Time taken out by hand."""

    def full_clean(self) -> None:
        """Of a field that cannot be read, it is not said as well that it is missing."""
        super().full_clean()
        if len(self.errors) > 1:
            self.errors.pop(NON_FIELD_ERRORS, None)


class ExceptionForm(forms.ModelForm):
    """A change to the weekly hours; the usual repetitions are chosen by name."""

    repeats = forms.ChoiceField(choices=Repeats.choices, required=False)

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["rrule"].label = "The other rule"
        known = self.instance
        self.fields["repeats"].initial = name_of_rule(known.rrule, known.start_date)

    def clean(self) -> None:
        repeats, first = self.cleaned_data.get("repeats"), self.cleaned_data.get("start_date")
        if repeats == Repeats.OTHER:
            refuse_missing_rule(self)
        elif first and repeats is not None:
            self.cleaned_data["rrule"] = rule_for(repeats, first)


def refuse_missing_rule(form: ExceptionForm) -> None:
    if not form.cleaned_data.get("rrule") and "rrule" not in form.errors:
        form.add_error("rrule", "Write the rule here, or choose another way to repeat.")


def show_default(field: forms.Field, name: str, default: object) -> None:
    """What its number means, and what holds while the field is empty."""
    field.help_text = field.help_text or BookingSettings._meta.get_field(name).help_text
    if default is not None:
        shown = field.prepare_value(default)
        field.widget.attrs["placeholder"] = "none" if shown == "" else shown


class MeetingTypeForm(forms.ModelForm):
    """What can be booked; its questions as lines of text, the consultant's defaults in sight."""

    reminders = RemindersField(absent=None, help_text=f"{REMINDERS_HELP} “none” for none at all.")
    description = forms.CharField(required=False, widget=AdminTextareaWidget(attrs={"rows": 3}))
    questions = forms.CharField(
        required=False,
        strip=False,
        widget=AdminTextareaWidget(attrs={"rows": 4}),
        help_text=(
            "Asked when somebody books; one on each line. A star at the end: an answer is needed. "
            "Bars offer a choice: How shall we meet? | Phone | Video"
        ),
    )

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.initial["questions"] = to_text(self.instance.questions)
        self.fields["slug"].label = "Address"
        self.fields["slug"].help_text = "The end of its page's address: /book/your-name/first-call/"
        self.fields["location"].help_text = LOCATION_HELP
        receiving = CalendarConnection.objects.receiving().filter(user=self._consultant())
        if receiving.exclude(provider__in=MAKE_CALLS).exists():
            self.fields["has_conference"].help_text = NO_CALLS_HELP
        defaults = BookingSettings.objects.filter(user=self._consultant()).first()
        for name in flatten(DEFAULTED):
            show_default(self.fields[name], name, getattr(defaults, name, None))

    def _consultant(self) -> object:
        """Whose meeting type it is, or will be."""
        return self.instance.user_id or self.initial.get("user") or self.fields["user"].initial

    def clean_questions(self) -> list[dict]:
        return from_text(self.cleaned_data["questions"], known=self.instance.questions)


class BookingSettingsForm(forms.ModelForm):
    """A consultant's defaults, with the time zones to choose from."""

    reminders = RemindersField(absent=[], help_text=f"{REMINDERS_HELP} Empty: none.")

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["stale_policy"].label = "Then"
        self.fields["max_data_age"].label = "Out of date after"
        current = self.initial["time_zone"]
        names = sorted({current, *places()})
        self.fields["time_zone"].widget = forms.Select(
            choices=[(name, name.replace("_", " ")) for name in names]
        )
