"""Admin pages on which a consultant meets their own rows alone, and a superuser all.

Any active staff consultant may work on their own rows; Django's permission rows play no part.
Everything the admin does starts from ``get_queryset`` (list, detail, search, autocomplete, actions,
history, delete), so a row that is not there cannot be reached by guessing its id either.
"""

from django.contrib import admin
from django.contrib.admin.widgets import AdminTextInputWidget
from django.db import models
from django.db.models import QuerySet
from django.forms import Field, HiddenInput, ModelForm, SplitDateTimeField
from django.http import HttpRequest, HttpResponse
from django.utils.text import capfirst

from connections.admin_filters import ConsultantFilter
from connections.models import Consultant


class OwnedAdmin(admin.ModelAdmin):
    """A page for rows that belong to a consultant, found by the lookup ``owner``."""

    owner = "user"
    list_per_page = 50
    show_full_result_count = False
    formfield_overrides = {models.TextField: {"widget": AdminTextInputWidget}}

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        rows = super().get_queryset(request)
        return rows if request.user.is_superuser else rows.filter(**{self.owner: request.user.pk})

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.admin_site.has_permission(request)

    def has_view_permission(self, request: HttpRequest, obj=None) -> bool:
        return self._may_touch(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.admin_site.has_permission(request)

    def has_change_permission(self, request: HttpRequest, obj=None) -> bool:
        return self._may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj=None) -> bool:
        return self._may_touch(request, obj)

    def _may_touch(self, request: HttpRequest, obj) -> bool:
        if not self.admin_site.has_permission(request):
            return False
        return obj is None or self.get_queryset(request).filter(pk=obj.pk).exists()

    def get_list_display(self, request: HttpRequest) -> list:
        columns = list(super().get_list_display(request))
        return [*columns, self.owner_column] if sees_several(request) else columns

    def get_list_filter(self, request: HttpRequest) -> list:
        filters = list(super().get_list_filter(request))
        return [*filters, ConsultantFilter] if sees_several(request) else filters

    def changelist_view(self, request: HttpRequest, extra_context=None) -> HttpResponse:
        title = {"title": capfirst(self.opts.verbose_name_plural)}
        return super().changelist_view(request, title | (extra_context or {}))

    @admin.display(description="consultant")
    def owner_column(self, row: models.Model) -> str:
        for step in self.owner.split("__"):
            row = getattr(row, step, None)
        return str(row or "–")

    def get_field_queryset(self, db, db_field, request: HttpRequest) -> QuerySet | None:
        """What a choice of related rows offers: those the consultant would see on their page."""
        related = self.admin_site.get_model_admin(db_field.related_model)
        return related.get_queryset(request)

    def formfield_for_dbfield(self, db_field, request: HttpRequest, **kwargs) -> Field | None:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if isinstance(field, SplitDateTimeField):
            _label_both(field)
        if field and db_field.name == self.owner:
            field.label = "Consultant"
            field.widget = field.widget.widget  # without the links to other pages
            if not sees_several(request):
                # Part of the form, so that uniqueness among the consultant's rows is checked, but
                # disabled: what is sent for it is ignored.
                field.initial, field.disabled, field.widget = request.user, True, HiddenInput()
        return field

    def get_changeform_initial_data(self, request: HttpRequest) -> dict:
        return {self.owner: request.user.pk} | super().get_changeform_initial_data(request)

    def get_form(self, request: HttpRequest, obj=None, change=False, **kwargs) -> type[ModelForm]:
        form = super().get_form(request, obj, change=change, **kwargs)
        if change and self.owner in form.base_fields:
            form.base_fields[self.owner].disabled = True  # a row keeps its consultant
        return form


def _label_both(field: SplitDateTimeField) -> None:
    """The two inputs of a moment share a legend, which not every screen reader says with them."""
    for part, widget in zip(("date", "time"), field.widget.widgets, strict=True):
        widget.attrs["aria-label"] = f"{capfirst(field.label)}: {part}"


class ReadOnlyAdmin(OwnedAdmin):
    """A page to look at what calsync itself writes."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj=None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj=None) -> bool:
        return False


def consultant_meant(page: admin.ModelAdmin, request: HttpRequest) -> Consultant:
    """Whose rows a page is about: one's own, or for a superuser those of the one asked for."""
    people = page.admin_site.get_model_admin(Consultant)
    return people.get_object(request, request.GET.get("consultant", "")) or request.user


def consultants_to_choose(request: HttpRequest) -> QuerySet[Consultant]:
    """Whom such a page can be about; nobody, where there is no choice."""
    rows = Consultant.objects.order_by("email")
    return rows if sees_several(request) else rows.none()


def sees_several(request: HttpRequest) -> bool:
    """Whether rows of more than one consultant can be on a page."""
    return request.user.is_superuser and Consultant.objects.count() > 1
