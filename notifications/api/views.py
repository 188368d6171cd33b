"""Endpoints of alerts, channels and rules."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.caller import caller_id
from core.api.views import ApiView, ListView, created
from notifications import selectors, services
from notifications.api.filters import AlertFilter
from notifications.api.serializers import (
    AlertInput,
    AlertOutput,
    ChannelChange,
    ChannelInput,
    ChannelOutput,
    RuleInput,
    RuleOutput,
)
from notifications.models import Alert, AlertRule, UserChannel


def valid(serializer_class: type[Any], request: Request, **options: Any) -> dict[str, Any]:
    """Return the checked body of the request."""
    serializer = serializer_class(data=request.data, **options)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


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
        body = valid(AlertInput, request)
        owner_id = caller_id(request)
        channels = selectors.channels_named(owner_id=owner_id, words=body["channels"])
        alert = services.alert_send(
            owner_id=owner_id,
            subject=body["subject"],
            text=body["message"],
            channels=channels,
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


class ChannelListView(ListView):
    """Where the user wants to be reached."""

    queryset = UserChannel.objects.none()

    @extend_schema(responses=ChannelOutput(many=True), operation_id="channel_list")
    def get(self, request: Request) -> Response:
        """List the channels."""
        return self.page(selectors.channel_list(owner_id=caller_id(request)), ChannelOutput)

    @extend_schema(
        request=ChannelInput,
        responses={201: ChannelOutput},
        operation_id="channel_create",
    )
    def post(self, request: Request) -> Response:
        """Add a channel."""
        body = valid(ChannelInput, request)
        channel = services.channel_create(owner_id=caller_id(request), **body)
        return created(ChannelOutput(channel).data, location=f"/api/v1/channels/{channel.id}/")


class ChannelView(ApiView):
    """One channel."""

    @extend_schema(responses=ChannelOutput, operation_id="channel_get")
    def get(self, request: Request, channel_id: str) -> Response:
        """Show a channel."""
        channel = selectors.channel_get(owner_id=caller_id(request), channel_id=channel_id)
        return Response(ChannelOutput(channel).data)

    @extend_schema(request=ChannelChange, responses=ChannelOutput, operation_id="channel_update")
    def patch(self, request: Request, channel_id: str) -> Response:
        """Rename, enable or disable a channel."""
        channel = selectors.channel_get(owner_id=caller_id(request), channel_id=channel_id)
        changed = services.channel_update(channel=channel, **valid(ChannelChange, request))
        return Response(ChannelOutput(changed).data)

    @extend_schema(responses={204: None}, operation_id="channel_delete")
    def delete(self, request: Request, channel_id: str) -> Response:
        """Delete a channel; what was sent through it stays in the history."""
        selectors.channel_get(owner_id=caller_id(request), channel_id=channel_id).delete()
        return Response(status=204)


class ChannelTestView(ApiView):
    """A try of a channel."""

    work = "mail"

    @extend_schema(request=None, responses={201: AlertOutput}, operation_id="channel_test")
    def post(self, request: Request, channel_id: str) -> Response:
        """Send a test alert through the channel."""
        channel = selectors.channel_get(owner_id=caller_id(request), channel_id=channel_id)
        alert = services.channel_test(channel=channel)
        data = AlertOutput(alert).data
        return created(data, location=f"/api/v1/notifications/{alert.id}/")


class RuleListView(ListView):
    """What the user wants to be told."""

    queryset = AlertRule.objects.none()

    @extend_schema(responses=RuleOutput(many=True), operation_id="rule_list")
    def get(self, request: Request) -> Response:
        """List the rules."""
        return self.page(selectors.rule_list(owner_id=caller_id(request)), RuleOutput)

    @extend_schema(
        request=RuleInput,
        responses={201: RuleOutput},
        operation_id="rule_create",
    )
    def post(self, request: Request) -> Response:
        """Add a rule."""
        body = valid(RuleInput, request)
        owner_id = caller_id(request)
        channels = selectors.channels_named(owner_id=owner_id, words=body.pop("channels", []))
        rule = services.rule_create(owner_id=owner_id, channels=channels, **body)
        return created(RuleOutput(rule).data, location=f"/api/v1/alert-rules/{rule.id}/")


class RuleView(ApiView):
    """One rule."""

    @extend_schema(responses=RuleOutput, operation_id="rule_get")
    def get(self, request: Request, rule_id: str) -> Response:
        """Show a rule."""
        rule = selectors.rule_get(owner_id=caller_id(request), rule_id=rule_id)
        return Response(RuleOutput(rule).data)

    @extend_schema(
        request=RuleInput(partial=True), responses=RuleOutput, operation_id="rule_update"
    )
    def patch(self, request: Request, rule_id: str) -> Response:
        """Change a rule; `channels` replaces all of them."""
        owner_id = caller_id(request)
        rule = selectors.rule_get(owner_id=owner_id, rule_id=rule_id)
        body = valid(RuleInput, request, partial=True)
        words = body.pop("channels", None)
        channels = (
            None if words is None else selectors.channels_named(owner_id=owner_id, words=words)
        )
        changed = services.rule_update(rule=rule, channels=channels, **body)
        return Response(RuleOutput(changed).data)

    @extend_schema(responses={204: None}, operation_id="rule_delete")
    def delete(self, request: Request, rule_id: str) -> Response:
        """Delete a rule."""
        selectors.rule_get(owner_id=caller_id(request), rule_id=rule_id).delete()
        return Response(status=204)
