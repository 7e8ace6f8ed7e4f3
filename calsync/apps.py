from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class CalsyncConfig(AppConfig):
    name = "calsync"
    default = True

    def ready(self) -> None:
        from django_q.signals import post_spawn

        from calsync import checks  # noqa: F401 - registers them
        from calsync.sweeper import call_sweeper

        post_spawn.connect(call_sweeper)


class ConsultantAdminConfig(admin_apps.AdminConfig):
    default = False
    default_site = "calsync.admin.ConsultantAdminSite"
