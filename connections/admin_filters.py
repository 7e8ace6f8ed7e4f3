"""Filters of the desk's lists. What they offer comes from the rows that the reader may see."""

from datetime import timedelta

from django.contrib.admin import ModelAdmin, RelatedOnlyFieldListFilter, SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from connections.models import Consultant


class ConsultantFilter(SimpleListFilter):
    """For a superuser: the rows of one consultant."""

    title = parameter_name = "consultant"

    def __init__(self, request, params, model, model_admin) -> None:
        self.owner = model_admin.owner
        super().__init__(request, params, model, model_admin)

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list:
        return [(str(one.pk), str(one)) for one in Consultant.objects.order_by("email")]

    def queryset(self, request: HttpRequest, rows: QuerySet) -> QuerySet:
        is_known = self.value() in dict(self.lookup_choices)
        return rows.filter(**{self.owner: self.value()}) if is_known else rows


class CalendarFilter(RelatedOnlyFieldListFilter):
    """Rows of one calendar."""

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.title = "calendar"


class WhenFilter(SimpleListFilter):
    """Rows with a start and an end, by where they lie from now."""

    title = parameter_name = "when"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list:
        return [("coming", "Still to come"), ("week", "Within 7 days"), ("past", "Past")]

    def queryset(self, request: HttpRequest, rows: QuerySet) -> QuerySet:
        now = timezone.now()
        if self.value() == "past":
            return rows.filter(end_time__lte=now)
        if self.value() == "week":
            rows = rows.filter(start_time__lt=now + timedelta(days=7))
        return rows.filter(end_time__gt=now) if self.value() in ("coming", "week") else rows
