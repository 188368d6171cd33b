from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.caller import caller_id
from core.api.views import ApiView
from core.realtime.api.serializers import TicketOutput
from core.realtime.services import ticket_create


class TicketView(ApiView):
    """Passes to the WebSocket."""

    @extend_schema(request=None, responses={201: TicketOutput}, operation_id="ws_ticket_create")
    def post(self, request: Request) -> Response:
        """Get a ticket: the token of a session never goes into a URL, where logs would keep it."""
        token, ticket = ticket_create(user_id=caller_id(request))
        data = {"ticket": token, "expires_at": ticket.expires_at, "url": f"/ws/v1/?ticket={token}"}
        return Response(TicketOutput(data).data, status=201)
