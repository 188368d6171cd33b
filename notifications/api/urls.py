from __future__ import annotations

from core.api.urls import route
from notifications.api import views

app_name = "notifications"
urlpatterns = [
    route("notifications/history", views.AlertListView.as_view(), "history"),
    route("notifications/alerts", views.AlertSendView.as_view(), "alerts"),
    route("notifications/<uuid:alert_id>", views.AlertView.as_view(), "alert"),
    route("notifications/<uuid:alert_id>/read", views.AlertReadView.as_view(), "alert-read"),
    route("channels", views.ChannelListView.as_view(), "channels"),
    route("channels/<uuid:channel_id>", views.ChannelView.as_view(), "channel"),
    route("channels/<uuid:channel_id>/test", views.ChannelTestView.as_view(), "channel-test"),
    route("alert-rules", views.RuleListView.as_view(), "rules"),
    route("alert-rules/<uuid:rule_id>", views.RuleView.as_view(), "rule"),
]
