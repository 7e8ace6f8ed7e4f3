"""The desk's page on which a consultant asks why a time is offered, or not."""

from datetime import datetime

from django import forms
from django.contrib.admin import ModelAdmin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import localize
from django.utils.html import format_html

from availability.models import MeetingType
from availability.why import why_not, why_offered
from connections.models import Consultant
from connections.owned_admin import consultant_meant, consultants_to_choose

TITLE = "Why is a time offered, or not?"
YEARS = 1970, 9000  # of which free time can be asked


class WhyForm(forms.Form):
    """Which time, for which meeting; read in the active zone."""

    meeting_type = forms.ModelChoiceField(
        MeetingType.objects.none(),
        required=False,
        empty_label="None, as in your settings",
        help_text="Its length, buffers and limits count.",
    )
    start = forms.DateTimeField(
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )

    def __init__(self, *args, consultant: Consultant, **kwargs) -> None:
        super().__init__(*args, label_suffix="", **kwargs)
        own = MeetingType.objects.filter(user=consultant)
        self.fields["meeting_type"].queryset = own.order_by("title")
        self.fields["start"].help_text = f"When it would start, in {consultant.zone}."

    def clean_start(self) -> datetime:
        start = self.cleaned_data["start"]
        if not YEARS[0] <= start.year < YEARS[1]:
            raise forms.ValidationError(f"Choose a time from {YEARS[0]} on.")
        return start


def why(page: ModelAdmin, request: HttpRequest) -> HttpResponse:
    """In the zone of the consultant whose time it is."""
    consultant = consultant_meant(page, request)
    with timezone.override(consultant.zone):
        asked = request.GET if "start" in request.GET else None
        form = WhyForm(asked, initial=request.GET.dict(), consultant=consultant)
        context = page.admin_site.each_context(request) | {
            "title": TITLE,
            "opts": page.opts,
            "consultant": consultant,
            "others": consultants_to_choose(request),
            "form": form,
        }
        if form.is_valid():
            context |= _answered(consultant, **form.cleaned_data)
        return render(request, "admin/availability/why.html", context)


def link_to_why(meeting_type: MeetingType) -> str:
    query = {"consultant": meeting_type.user_id, "meeting_type": meeting_type.pk}
    address = reverse("admin:availability_meetingtype_why", query=query)
    return format_html('<a href="{}">{}</a>', address, TITLE)


def _answered(
    consultant: Consultant, *, meeting_type: MeetingType | None, start: datetime
) -> dict[str, object]:
    refusals = why_not(consultant, meeting_type, start)
    verdict = "not offered" if refusals else "offered"
    return {
        "subtitle": f"{localize(timezone.localtime(start))}: {verdict}",
        "answers": refusals or [why_offered(consultant)],
    }
