from __future__ import annotations

from core.api.urls import route
from core.realtime.api import views

app_name = "realtime"
urlpatterns = [
    route("ws-ticket", views.TicketView.as_view(), "ws-ticket"),
]
