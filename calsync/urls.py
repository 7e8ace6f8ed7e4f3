from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from connections.oauth import callbacks

urlpatterns = [
    path("admin/calendars/", include("connections.urls")),
    path("admin/", admin.site.urls),
    path("accounts/", include("connections.sign_in_urls")),
    path("accounts/", include("allauth.account.urls")),
    path("accounts/", include(callbacks.urlpatterns)),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    path("", include("syncing.urls")),
    path("", include("bookings.urls")),
]
