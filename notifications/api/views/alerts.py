"""Endpoints of what users were told."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.caller import caller_id
from core.api.forms import body_of
from core.api.views import ApiView, ListView, created
from notifications import selectors, services
from notifications.api.filters import AlertFilter
from notifications.api.serializers.alerts import (
    AlertInput,
    AlertOutput,
    EventKindOutput,
    ReadInput,
    ReadOutput,
    UnreadOutput,
)
from notifications.events import EVENTS
from notifications.models import Alert


class AlertListView(ListView):
    """What the user was told."""

    queryset = Alert.objects.none()
    filterset_class = AlertFilter

    @extend_schema(responses=AlertOutput(many=True), operation_id="alert_list")
    def get(self, request: Request) -> Response:
        """List the alerts, newest first."""
        return self.page(selectors.alert_list(owner_id=caller_id(request)), AlertOutput)


class AlertSendView(ApiView):
    """Alerts by hand."""

    @extend_schema(
        request=AlertInput,
        responses={201: AlertOutput},
        operation_id="alert_send",
    )
    def post(self, request: Request) -> Response:
        """Send an alert to the app, and through the named channels of your own."""
        body = body_of(AlertInput, request)
        owner_id = caller_id(request)
        channels = selectors.channels_named(owner_id=owner_id, words=body["channels"], ready=True)
        alert = services.alert_send(
            owner_id=owner_id,
            subject=body["subject"],
            text=body["message"],
            channels=channels,
            urgent=body["urgent"],
        )
        data = AlertOutput(alert).data
        return created(data, location=f"/api/v1/notifications/{alert.id}/")


class AlertView(ApiView):
    """One alert."""

    @extend_schema(responses=AlertOutput, operation_id="alert_get")
    def get(self, request: Request, alert_id: str) -> Response:
        """Show an alert and where it went."""
        alert = selectors.alert_get(owner_id=caller_id(request), alert_id=alert_id)
        return Response(AlertOutput(alert).data)


class AlertReadView(ApiView):
    """The read mark of an alert."""

    @extend_schema(request=None, responses=AlertOutput, operation_id="alert_read")
    def post(self, request: Request, alert_id: str) -> Response:
        """Mark an alert as read."""
        alert = selectors.alert_get(owner_id=caller_id(request), alert_id=alert_id)
        return Response(AlertOutput(services.alert_read(alert=alert)).data)


class AlertsReadView(ApiView):
    """The read marks of all alerts."""

    @extend_schema(request=ReadInput, responses=ReadOutput, operation_id="alerts_read")
    def post(self, request: Request) -> Response:
        """Mark all alerts as read, or all until a moment."""
        count = services.alerts_read(owner_id=caller_id(request), **body_of(ReadInput, request))
        return Response(ReadOutput({"read": count}).data)


class UnreadView(ApiView):
    """How much is new."""

    @extend_schema(responses=UnreadOutput, operation_id="alerts_unread")
    def get(self, request: Request) -> Response:
        """Count the alerts that are not read."""
        count = selectors.unread_count(owner_id=caller_id(request))
        return Response(UnreadOutput({"unread": count}).data)


class EventKindsView(ApiView):
    """What there is to be told of."""

    @extend_schema(responses=EventKindOutput(many=True), operation_id="alert_events")
    def get(self, request: Request) -> Response:  # noqa: ARG002 - DRF's signature
        """List the events that rules can be made for, their fields and the filters on them."""
        rows = [{"event": name, "kind": kind} for name, kind in EVENTS.items()]
        return Response(EventKindOutput(rows, many=True).data)
