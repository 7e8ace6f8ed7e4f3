"""The pages of signing in that are not as allauth has them.

Those of the second step show keys and codes, of which no browser and no crash report keeps a copy.
"""

from allauth.account.decorators import reauthentication_required
from allauth.mfa.base import views as second_step
from allauth.mfa.recovery_codes import views as recovery_codes
from allauth.mfa.totp import views as app
from django.contrib import admin
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.generic import RedirectView

from connections import sign_in_views as views

desk = admin.site.admin_view
link = desk(reauthentication_required(views.link, allow_get=True))


def private(view):
    return never_cache(sensitive_post_parameters()(sensitive_variables()(view)))


# allauth asks for those without “identity” by these names.
urlpatterns = [
    path("login/", views.SignIn.as_view(), name="account_login"),
    # Addresses are changed on the desk, by whoever runs calsync.
    path("email/", RedirectView.as_view(pattern_name="admin:index"), name="account_email"),
    path("<str:provider>/sign-in/", views.enter, name="identity_sign_in"),
    path("<str:provider>/link/", link, name="identity_link"),
    path("links/<int:account_id>/remove/", desk(views.unlink), name="identity_unlink"),
    path("2fa/", private(views.Overview.as_view()), name="mfa_index"),
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
