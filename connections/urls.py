"""The pages of connecting, behind the admin's sign-in."""

from django.contrib import admin
from django.urls import path

from connections import views

app_name = "connections"
desk = admin.site.admin_view

urlpatterns = [
    path("connect/", desk(views.connect), name="connect"),
    path("connect/<str:provider>/", desk(views.consent), name="consent"),
    path("sync/", desk(views.sync_now), name="sync_now"),
    path("<uuid:connection_id>/reconnect/", desk(views.reconnect), name="reconnect"),
    path("<uuid:connection_id>/choose/", desk(views.choose), name="choose"),
    path("<uuid:connection_id>/disconnect/", desk(views.disconnect), name="disconnect"),
]
