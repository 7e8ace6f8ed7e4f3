"""The pages of signing in that allauth does not have, and those of its second step.

The latter show keys and codes: nothing keeps a copy of them, neither browser nor crash report.
"""

from allauth.mfa.base import views as second_step
from allauth.mfa.recovery_codes import views as recovery_codes
from allauth.mfa.totp import views as app
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from connections import sign_in_views


def private(view):
    return never_cache(sensitive_post_parameters()(sensitive_variables()(view)))


# allauth asks for these names.
urlpatterns = [
    path("2fa/", private(sign_in_views.overview), name="mfa_index"),
    path("2fa/code/", private(second_step.authenticate), name="mfa_authenticate"),
    path("2fa/confirm/", private(second_step.reauthenticate), name="mfa_reauthenticate"),
    path("2fa/app/", private(app.activate_totp), name="mfa_activate_totp"),
    path("2fa/app/remove/", private(app.deactivate_totp), name="mfa_deactivate_totp"),
    path("2fa/codes/", private(recovery_codes.view_recovery_codes), name="mfa_view_recovery_codes"),
    path(
        "2fa/codes/new/",
        private(recovery_codes.generate_recovery_codes),
        name="mfa_generate_recovery_codes",
    ),
    path(
        "2fa/codes/download/",
        private(recovery_codes.download_recovery_codes),
        name="mfa_download_recovery_codes",
    ),
]
