"""Endpoints of where users are reached."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.caller import caller_id
from core.api.forms import body_of
from core.api.views import ApiView, NamedQueryMixin, accepted, created
from notifications import selectors, services
from notifications.api import examples
from notifications.api.filters import ChannelFilter
from notifications.api.serializers.alerts import AlertOutput
from notifications.api.serializers.channels import (
    ChannelChange,
    ChannelCreated,
    ChannelInput,
    ChannelOutput,
    CodeInput,
    SecretOutput,
)
from notifications.api.views.base import mails_check
from notifications.models import UserChannel


class ChannelListView(NamedQueryMixin, GenericAPIView[UserChannel]):
    """Where the user wants to be reached.

    No `ListView`, so that no secret is kept for an `Idempotency-Key`; the same channel twice is a
    conflict in any case.
    """

    queryset = UserChannel.objects.none()
    serializer_class = ChannelOutput
    filterset_class = ChannelFilter

    @extend_schema(responses=ChannelOutput(many=True), operation_id="channel_list")
    def get(self, request: Request) -> Response:
        """List the channels."""
        rows = self.filter_queryset(selectors.channel_list(owner_id=caller_id(request)))
        data = ChannelOutput(self.paginate_queryset(rows), many=True).data
        return self.get_paginated_response(data)

    @extend_schema(
        request=ChannelInput, responses={201: ChannelCreated}, operation_id="channel_create"
    )
    def post(self, request: Request) -> Response:
        """Add a channel. Email addresses and phone numbers are sent a code to prove them.

        The secret of a webhook is shown only now.
        """
        body = body_of(ChannelInput, request)
        mails_check(self, request, kind=body["kind"])
        channel, secret = services.channel_create(owner_id=caller_id(request), **body)
        data = ChannelOutput(channel).data | {"secret": secret or None}
        return created(data, location=f"/api/v1/channels/{channel.id}/")


class ChannelView(ApiView):
    """One channel."""

    @extend_schema(responses=ChannelOutput, operation_id="channel_get")
    def get(self, request: Request, channel_id: str) -> Response:
        """Show a channel."""
        channel = selectors.channel_get(owner_id=caller_id(request), channel_id=channel_id)
        return Response(ChannelOutput(channel).data)

    @extend_schema(request=ChannelChange, responses=ChannelOutput, operation_id="channel_update")
    def patch(self, request: Request, channel_id: str) -> Response:
        """Rename, enable, disable, pace or move a channel.

        A new address is sent a code, and gets nothing else before it is proven.
        """
        channel = selectors.channel_get(owner_id=caller_id(request), channel_id=channel_id)
        body = body_of(ChannelChange, request)
        if body.get("address", channel.address) != channel.address:
            mails_check(self, request, kind=channel.kind)
        changed = services.channel_update(channel=channel, **body)
        return Response(ChannelOutput(changed).data)

    @extend_schema(responses={204: None}, operation_id="channel_delete")
    def delete(self, request: Request, channel_id: str) -> Response:
        """Delete a channel; what was sent through it stays in the history."""
        selectors.channel_get(owner_id=caller_id(request), channel_id=channel_id).delete()
        return Response(status=204)


class ChannelTestView(ApiView):
    """A try of a channel."""

    @extend_schema(request=None, responses={201: AlertOutput}, operation_id="channel_test")
    def post(self, request: Request, channel_id: str) -> Response:
        """Send a test alert through the channel."""
        channel = selectors.channel_get(owner_id=caller_id(request), channel_id=channel_id)
        mails_check(self, request, kind=channel.kind)
        alert = services.channel_test(channel=channel)
        data = AlertOutput(alert).data
        return created(data, location=f"/api/v1/notifications/{alert.id}/")


class ChannelCodeView(ApiView):
    """The code that proves an address."""

    work = "mail"

    @extend_schema(
        request=None,
        responses={202: ChannelOutput},
        operation_id="channel_code",
        examples=[examples.CODE_SENT],
    )
    def post(self, request: Request, channel_id: str) -> Response:
        """Send another code to the address; the one before is void."""
        channel = selectors.channel_get(owner_id=caller_id(request), channel_id=channel_id)
        services.channel_code_request(channel=channel)
        return accepted(ChannelOutput(channel).data, location=f"/api/v1/channels/{channel.id}/")


class ChannelVerifyView(ApiView):
    """The proof of an address."""

    work = "login"

    @extend_schema(request=CodeInput, responses=ChannelOutput, operation_id="channel_verify")
    def post(self, request: Request, channel_id: str) -> Response:
        """Prove an address with the code that was sent there."""
        channel = selectors.channel_get(owner_id=caller_id(request), channel_id=channel_id)
        proven = services.channel_verify(channel=channel, **body_of(CodeInput, request))
        return Response(ChannelOutput(proven).data)


class ChannelSecretView(APIView):
    """The secret of a webhook; no `ApiView`, so that it is not kept for an `Idempotency-Key`."""

    @extend_schema(request=None, responses=SecretOutput, operation_id="channel_secret_rotate")
    def post(self, request: Request, channel_id: str) -> Response:
        """Make a new secret, which is shown only now; the old one signs beside it for a day."""
        channel = selectors.channel_get(owner_id=caller_id(request), channel_id=channel_id)
        secret = services.channel_secret_rotate(channel=channel)
        return Response(SecretOutput({"secret": secret}).data)
