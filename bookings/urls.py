from django.urls import path

from bookings import views
from bookings.api import BookingsView, BookingView, SlotsView

urlpatterns = [
    path("api/v1/slots/", SlotsView.as_view(), name="api-slots"),
    path("api/v1/bookings/", BookingsView.as_view(), name="api-bookings"),
    path("api/v1/bookings/<str:token>/", BookingView.as_view(), name="api-booking"),
    path("book/<slug:consultant_slug>/", views.consultant_page, name="book"),
    path(
        "book/<slug:consultant_slug>/<slug:meeting_type_slug>/",
        views.meeting_type_page,
        name="book-meeting-type",
    ),
    path("booking/<str:token>/", views.booked_page, name="booking"),
    path("booking/<str:token>/invite.ics", views.invite_file, name="booking-invite"),
    path("embed.js", views.embed_script, name="embed-script"),
]
