from django.urls import path, re_path

from bookings import views
from bookings.api.bookings import BookingsView, BookingView, CancelView, RescheduleView
from bookings.api.errors import UnknownAddress
from bookings.api.holds import HoldsView, HoldView
from bookings.api.slots import SlotsView
from bookings.supabase_webhook import SupabaseWebhookView

urlpatterns = [
    path("api/v1/slots/", SlotsView.as_view(), name="api-slots"),
    path("api/v1/bookings/", BookingsView.as_view(), name="api-bookings"),
    path("api/v1/bookings/<str:token>/", BookingView.as_view(), name="api-booking"),
    path("api/v1/bookings/<str:token>/cancel/", CancelView.as_view(), name="api-cancel"),
    path(
        "api/v1/bookings/<str:token>/reschedule/", RescheduleView.as_view(), name="api-reschedule"
    ),
    path("api/v1/holds/", HoldsView.as_view(), name="api-holds"),
    path("api/v1/holds/<str:hold>/", HoldView.as_view(), name="api-hold"),
    re_path("^api/", UnknownAddress.as_view()),
    # With and without the closing slash: a redirect would lose the call.
    re_path("^webhooks/supabase/?$", SupabaseWebhookView.as_view(), name="supabase-webhook"),
    path("book/<slug:consultant_slug>/", views.consultant_page, name="book"),
    path(
        "book/<slug:consultant_slug>/<slug:meeting_type_slug>/",
        views.meeting_type_page,
        name="book-meeting-type",
    ),
    path("booking/decide/<str:token>/", views.decision_page, name="booking-decide"),
    path("booking/<str:token>/", views.booked_page, name="booking"),
    path("booking/<str:token>/cancel/", views.cancel_booking_page, name="booking-cancel"),
    path("booking/<str:token>/reschedule/", views.move_booking_page, name="booking-move"),
    path("booking/<str:token>/invite.ics", views.invite_file, name="booking-invite"),
    path("embed.js", views.embed_script, name="embed-script"),
]
