from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView

from bookings.api.docs import DocsView
from connections.oauth import callbacks

handler500 = "calsync.error_pages.server_error"

urlpatterns = [
    path("admin/calendars/", include("connections.urls")),
    path("admin/", admin.site.urls),
    path("accounts/", include("connections.sign_in_urls")),
    path("accounts/", include("allauth.account.urls")),
    path("accounts/", include(callbacks.urlpatterns)),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", DocsView.as_view(), name="docs"),
    path("", include("syncing.urls")),
    path("", include("bookings.urls")),
]
