"""The consultant's desk: Django's admin, cut down to what a consultant does."""

from django.contrib.admin import AdminSite


class ConsultantAdminSite(AdminSite):
    site_header = "calsync"
    site_title = "calsync"
    index_title = "Your desk"
