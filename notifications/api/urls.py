from __future__ import annotations

from core.api.urls import route
from notifications.api.views import alerts, channels, rules
from notifications.pages import Receipts, UnsubscribePage

app_name = "notifications"
urlpatterns = [
    route("notifications/history", alerts.AlertListView.as_view(), "history"),
    route("notifications/alerts", alerts.AlertSendView.as_view(), "alerts"),
    route("notifications/events", alerts.EventKindsView.as_view(), "events"),
    route("notifications/read", alerts.AlertsReadView.as_view(), "read"),
    route("notifications/unread", alerts.UnreadView.as_view(), "unread"),
    route("notifications/unsubscribe", UnsubscribePage.as_view(), "unsubscribe"),
    route("notifications/receipts/<str:kind>", Receipts.as_view(), "receipts"),
    route("notifications/<uuid:alert_id>", alerts.AlertView.as_view(), "alert"),
    route("notifications/<uuid:alert_id>/read", alerts.AlertReadView.as_view(), "alert-read"),
    route("channels", channels.ChannelListView.as_view(), "channels"),
    route("channels/<uuid:channel_id>", channels.ChannelView.as_view(), "channel"),
    route("channels/<uuid:channel_id>/test", channels.ChannelTestView.as_view(), "channel-test"),
    route("channels/<uuid:channel_id>/code", channels.ChannelCodeView.as_view(), "channel-code"),
    route(
        "channels/<uuid:channel_id>/verify",
        channels.ChannelVerifyView.as_view(),
        "channel-verify",
    ),
    route(
        "channels/<uuid:channel_id>/rotate-secret",
        channels.ChannelSecretView.as_view(),
        "channel-secret",
    ),
    route("alert-rules", rules.RuleListView.as_view(), "rules"),
    route("alert-rules/<uuid:rule_id>", rules.RuleView.as_view(), "rule"),
]
